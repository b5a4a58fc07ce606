package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/rules"
)

// local answers checks inside its process, while what it knows is exchanged.
type local struct {
	refs     []string
	features [memoryFeatures]string
	check    func(ref, feature string) (granted bool, err error)
	swap     func(n int) error // makes a change of usage and a change of a customer known, once a millisecond
	swaps    int
}

// burst is how many checks a goroutine makes before it looks at the time.
const burst = 100

// round lets goroutines ask about anybody and any feature, drawn anew each time.
func (l *local) round(q question) (s sample, err error) {
	type dice struct {
		state uint64
		_     [56]byte // a cache line of its own
	}
	all := make([]dice, q.Clients)
	for i := range all {
		all[i].state = uint64(i+1)*0x9e3779b97f4a7c15 ^ uint64(time.Now().UnixNano())
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	stop := l.swapping()
	s, err = crowd(q.Clients, q.Time, func(client int) error {
		x := all[client].state
		for range burst {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			if _, err := l.check(l.refs[x>>16%uint64(len(l.refs))], l.features[x%memoryFeatures]); err != nil {
				return err
			}
		}
		all[client].state = x
		return nil
	})
	if serr := stop(); err == nil {
		err = serr
	}
	runtime.ReadMemStats(&after)
	s.Ops *= burst
	s.Allocs = float64(after.Mallocs - before.Mallocs)
	return s, err
}

// swapping makes changes until it is stopped.
func (l *local) swapping() (stop func() error) {
	var wg sync.WaitGroup
	var err error
	over := make(chan struct{})
	wg.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for err == nil {
			select {
			case <-over:
				return
			case <-tick.C:
				l.swaps++
				err = l.swap(l.swaps)
			}
		}
	})
	return func() error {
		close(over)
		wg.Wait()
		return err
	}
}

// ref is a customer for the nth change.
func (l *local) ref(n int) string { return l.refs[n*7919%len(l.refs)] }

// verify keeps the comparison honest: both sides give the right answers, after changes too.
func (l *local) verify() error {
	for n := range 2 * memoryUsages {
		if err := l.swap(n); err != nil {
			return err
		}
		for i, feature := range l.features {
			ref := l.ref(n)
			got, err := l.check(ref, feature)
			if err != nil {
				return err
			}
			if want := i >= memoryMeters || memoryUsage(ref)+1 <= memoryLimit; got != want {
				return fmt.Errorf("%s and %s: answered %v", ref, feature, got)
			}
		}
	}
	return nil
}

// play fills the memory of a side and answers questions.
func (l *local) play(t *talk, fill func() error) error {
	before := heap()
	if err := fill(); err != nil {
		return err
	}
	after := heap()
	if err := l.verify(); err != nil {
		return err
	}
	err := t.answer(reply{Heap: (after - before) / float64(len(l.refs))}, l.round)
	runtime.KeepAlive(l)
	return err
}

func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // pools live for two
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func newLocal(p place) *local {
	l := &local{refs: make([]string, p.Customers)}
	for i := range l.refs {
		l.refs[i] = customerRef("bench", int64(i))
	}
	for i := range l.features {
		l.features[i] = memoryFeature(i)
	}
	return l
}

// feed tells up to where the changes go that were made.
type feed struct{ atomic.Int64 }

// Final implements entitlement.Feed.
func (f *feed) Final() int64 { return f.Load() }

// checkRole is the check as the server does it behind HTTP, with all customers in the cache.
func checkRole(ctx context.Context, p place, t *talk) error {
	m, err := newMemory()
	if err != nil {
		return err
	}
	l, changes := newLocal(p), &feed{}
	cache := entitlement.NewCache(2 * entitlement.DefaultLimit) // its parts are not filled evenly
	settler := entitlement.SettlerFunc(nil)                     // nothing is due
	service := entitlement.NewService(m, changes, account.NewClocks(clock.System{}), settler, cache)
	ask := rules.Ask{RequestedUsage: 1}
	l.check = func(ref, feature string) (bool, error) {
		a, err := service.Check(ctx, env, ref, feature, "", ask)
		return a.Granted, err
	}
	l.swap = func(n int) error {
		used := m.counters[n%memoryMeters]
		ref, feature := l.ref(n), l.features[n%memoryMeters]
		used.Value, used.Version = memoryUsage(ref), int64(n+2)
		e := used.Event(ref, feature, &m.rows.Find(feature).Row)
		e.Environment, e.Position = env, changes.Add(1)
		cache.Observe([]event.Event{e})
		ref = l.ref(n + 1)
		cache.Invalidate(env, ref, changes.Add(1))
		_, err := l.check(ref, feature)
		return err
	}
	return l.play(t, func() error {
		for _, ref := range l.refs {
			if _, err := l.check(ref, l.features[0]); err != nil {
				return err
			}
		}
		if n := cache.Len(); n != len(l.refs) {
			return fmt.Errorf("%d of %d customers are in the cache", n, len(l.refs))
		}
		return nil
	})
}
