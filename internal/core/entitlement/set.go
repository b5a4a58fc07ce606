package entitlement

import (
	"context"
	"math"
	"time"

	"github.com/purserhq/purser/internal/core/rules"
)

// forever is the end of what has none in sight.
const forever = math.MaxInt64

// Set is the snapshot of one customer or resource. It is immutable and small: a cache holds a million.
type Set struct {
	rows       *Rows
	version    int64 // everything up to this position of the feed is in it
	epoch      int64 // of the environment, when it was read
	validUntil int64 // µs since 1970: from then on it must be compiled again
	changesAt  int64 // the same, without timers that only announce; 0 for none in sight
	state      rules.State
}

// compile decides what a holder may use at now.
func (h Holder) compile(ctx context.Context, st Store, e *environment, k key, now time.Time) (*Set, error) {
	set := &Set{
		validUntil: forever,
		state: rules.State{
			CustomerKnown: h.Known, Archived: h.Archived, ResourceGiven: k.resource != "", ResourceKnown: h.ResourceKnown,
		},
	}
	if !h.Known {
		return set, nil
	}
	c, err := st.Catalog(ctx, k.env)
	if err != nil {
		return nil, err
	}
	v, live := e.speak(c), h.live(now)
	sources := make([]Source, 0, len(live))
	var end *time.Time
	for _, sub := range live {
		rows, err := v.rowsOf(ctx, st, k.env, sub)
		if err != nil {
			return nil, err
		}
		sources = append(sources, Source{rows, sub.until()})
		end = earliest(end, sub.until())
	}
	set.rows, set.state.LiveSubscriptions = Compile(sources), len(live) > 0
	if len(live) == 0 {
		end = h.Due
	}
	if end != nil {
		set.changesAt = end.UnixMicro()
	}
	if end = earliest(end, h.Due); end != nil {
		set.validUntil = end.UnixMicro()
	}
	return set, nil
}

// ValidUntil is the earliest instant at which the set changes by itself; zero for none in sight.
func (s *Set) ValidUntil() time.Time {
	if s.changesAt == 0 {
		return time.Time{}
	}
	return time.UnixMicro(s.changesAt).UTC()
}

// keep reports whether the set may be cached: what is not known stays out, or anybody could fill the cache.
func (s *Set) keep() bool {
	return s.state.CustomerKnown && (!s.state.ResourceGiven || s.state.ResourceKnown)
}

// answer decides one check. v may be nil when the set denies everything.
func (s *Set) answer(v *vocabulary, featureRef string, ask rules.Ask) Answer {
	a := Answer{Ask: ask, ValidUntil: s.ValidUntil()}
	f := rules.Facts{State: s.state}
	if e := s.rows.Find(featureRef); e != nil {
		f.FeatureKnown, f.Row = true, &e.Row
		a.Entitlement, a.Feature = e, e.Feature
		note(e.Asked)
	} else if v != nil {
		if known, ok := v.catalog.Feature(featureRef); ok {
			f.FeatureKnown, a.Feature = true, FeatureOf(known)
			note(v.asked.mark(known.RefID))
		}
	}
	a.Granted, a.Reason = rules.Decide(f, a.CurrentUsage, ask)
	return a
}

func (s *Set) list() List {
	switch denied := s.state.Denial(); denied {
	case "":
		return List{Entitlements: Present(s.rows, s.ValidUntil())}
	case rules.CustomerResourceNotFound:
		return List{Denied: rules.NoActiveSubscription, Entitlements: []Answer{}}
	default:
		return List{Denied: denied, Entitlements: []Answer{}}
	}
}
