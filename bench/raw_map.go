package main

import (
	"context"
	"strings"
	"sync/atomic"
)

// The least that a check can be: an atomic pointer, a map of customers, a map of their plan's features, and a comparison.
type (
	mapState struct{ customers map[string]*mapCustomer }

	mapCustomer struct {
		plan map[string]mapRow // shared by all who have it
		used [memoryMeters]atomic.Int64
	}

	mapRow struct {
		limit   int64
		counter int // -1 for a feature that one has or has not
	}
)

func (s *mapState) check(ref, feature string, requested int64) bool {
	c := s.customers[ref]
	if c == nil {
		return false
	}
	r, ok := c.plan[feature]
	switch {
	case !ok:
		return false
	case r.counter < 0:
		return true
	}
	return c.used[r.counter].Load()+requested <= r.limit
}

func mapRole(_ context.Context, p place, t *talk) error {
	var state atomic.Pointer[mapState]
	l := newLocal(p)
	l.check = func(ref, feature string) (bool, error) { return state.Load().check(ref, feature, 1), nil }
	l.swap = func(n int) error {
		ref := l.ref(n)
		old := state.Load()
		old.customers[ref].used[n%memoryMeters].Store(memoryUsage(ref))
		state.Store(&mapState{old.customers}) // the least that a change can cost readers
		return nil
	}
	return l.play(t, func() error {
		plan := map[string]mapRow{}
		for i, f := range l.features {
			plan[f] = mapRow{memoryLimit, i}
			if i >= memoryMeters {
				plan[f] = mapRow{counter: -1}
			}
		}
		customers := make(map[string]*mapCustomer, len(l.refs))
		for _, ref := range l.refs {
			c := &mapCustomer{plan: plan}
			for i := range c.used {
				c.used[i].Store(memoryUsage(ref))
			}
			customers[strings.Clone(ref)] = c // a question comes with a copy of its own
		}
		state.Store(&mapState{customers})
		return nil
	})
}
