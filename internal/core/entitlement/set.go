package entitlement

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
)

// forever is the end of what has none in sight.
const forever = math.MaxInt64

// Set is the snapshot of one customer or resource. It is immutable but for what its counters say, and small: a cache
// holds a million.
type Set struct {
	rows       *Rows
	version    int64 // everything up to this position of the feed is in it, usage aside
	validUntil int64 // µs since 1970: from then on it must be compiled again
	changesAt  int64 // the same, without timers that only announce and ends of usage periods; 0 for none in sight
	counters   []counter
	anchor     int64           // of the one source
	origins    *[]rules.Origin // of several sources; nil for one
	epoch      int32           // of the environment, when it was read
	flags      flags
}

// flags are what a set knows besides numbers, in one byte: a cache holds a million.
type flags uint8

const (
	isKnown flags = 1 << iota
	isArchived
	isOfResource
	hasResource
	isLive
	isPromoted
	isCut // usage before the anchor of the one source does not count
)

func (f *flags) set(bit flags, on bool) {
	if on {
		*f |= bit
	}
}

// state is what is known before any feature is looked at.
func (s *Set) state() rules.State {
	f := s.flags
	return rules.State{
		CustomerKnown: f&isKnown != 0, Archived: f&isArchived != 0, ResourceGiven: f&isOfResource != 0, ResourceKnown: f&hasResource != 0,
		LiveSubscriptions: f&isLive != 0, Promotions: f&isPromoted != 0,
	}
}

// counter is the usage of one metered entitlement in the period that the set was compiled in.
type counter struct {
	value   atomic.Int64
	version atomic.Uint32
	source  uint16 // whose origin
	about   about
}

// about is what a counter is besides numbers, in one byte.
type about uint8

const (
	ofResource about = 1 << iota // counts the resource's usage, not the customer's
	isBounded                    // a budget bounds what its usage may cost
	isSpent                      // the subscription's budget is used up
)

func (c *counter) is(what about) bool { return c.about&what != 0 }

// assembly is what a set is made in.
type assembly struct {
	ctx     context.Context
	st      Store
	env     tenant.ID
	catalog *catalog.Snapshot
	rowsOf  func(Subscription) (*Rows, error)
	version func(id string) (catalog.Version, error)
	now     time.Time
}

// compile decides what a holder may use.
func (a assembly) compile(h Holder, k key) (*Set, error) {
	set := &Set{
		validUntil: forever,
	}
	set.flags.set(isKnown, h.Known)
	set.flags.set(isArchived, h.Archived)
	set.flags.set(isOfResource, k.resource != "")
	set.flags.set(hasResource, h.ResourceKnown)
	if !h.Known {
		return set, nil
	}
	sources, err := a.sources(h, set)
	if err != nil {
		return nil, err
	}
	if err := a.count(h, k, set, sources); err != nil {
		return nil, err
	}
	return set, nil
}

// sources are the live subscriptions and active promotions of a holder, and mark in the set when the first of them ends.
func (a assembly) sources(h Holder, set *Set) ([]Source, error) {
	live := h.live(a.now)
	sources := make([]Source, 0, len(live)+len(h.Promotions))
	for _, sub := range live {
		rows, err := a.rowsOf(sub)
		if err != nil {
			return nil, err
		}
		sources = append(sources, Source{Rows: rows, Until: sub.until(), Origin: sub.origin(), Resource: sub.Resource, Budget: sub.Spending})
	}
	set.flags.set(isLive, len(live) > 0)
	var end *time.Time
	for _, p := range h.Promotions {
		if s, ok := p.source(a.catalog, a.now); ok {
			sources = append(sources, s)
			set.flags.set(isPromoted, true)
		} else if p.StartDate.After(a.now) {
			end = earliest(end, &p.StartDate)
		}
	}
	for _, s := range sources {
		end = earliest(earliest(end, s.Until), s.Budget.until(a.now))
	}
	if len(live) == 0 {
		end = earliest(end, h.Due)
	}
	if end != nil {
		set.changesAt = end.UnixMicro()
	}
	if end = earliest(end, h.Due); end != nil {
		set.validUntil = end.UnixMicro()
	}
	return sources, nil
}

// count merges the sources and reads what was used of what they give.
func (a assembly) count(h Holder, k key, set *Set, sources []Source) error {
	merged := Merge(sources)
	set.rows = merged.Rows
	switch len(sources) {
	case 0:
		return nil
	case 1:
		set.anchor = sources[0].Origin.Anchor
		set.flags.set(isCut, sources[0].Origin.Cut)
	default:
		origins := make([]rules.Origin, len(sources))
		for i, s := range sources {
			origins[i] = s.Origin
		}
		set.origins = &origins
	}
	if merged.Rows.Meters() == 0 {
		return nil
	}
	stored, err := a.st.Counters(a.ctx, a.env, h.ID, k.resource)
	if err != nil {
		return err
	}
	byKey := make(map[meter.Key]*meter.Counter, len(stored))
	for i := range stored {
		byKey[stored[i].Key] = &stored[i]
	}
	set.counters = make([]counter, merged.Rows.Meters())
	now := a.now.UnixMicro()
	for i := range merged.Rows.list {
		e := &merged.Rows.list[i]
		f, ok := a.catalog.Feature(e.Feature.RefID)
		if e.Counter == 0 || !ok {
			continue
		}
		from := merged.source(i)
		window := e.Row.Reset.Period(sources[from].Origin, now)
		s := meter.Subject{Key: meter.Key{CustomerID: h.ID, Resource: sources[from].Resource, FeatureID: f.ID}, CustomerRef: k.customer, Feature: f}
		n, _, err := meter.Count(a.ctx, a.st, a.env, s, window, byKey[s.Key])
		if err != nil {
			return err
		}
		c := &set.counters[e.Counter-1]
		c.value.Store(n.Value)
		c.version.Store(uint32(n.Version))
		if c.source = uint16(from); s.Resource != "" {
			c.about |= ofResource
		}
		set.validUntil = min(set.validUntil, window.End)
	}
	return a.bound(h, k, set, sources, byKey)
}

// origin is where the usage periods of a counter begin.
func (s *Set) origin(c *counter) rules.Origin {
	if s.origins == nil {
		return rules.Origin{Anchor: s.anchor, Cut: s.flags&isCut != 0}
	}
	return (*s.origins)[c.source]
}

// counter is the counter of an entitlement; nil for what is not metered.
func (s *Set) counter(e *Entitlement) *counter {
	if e == nil || e.Counter == 0 || int(e.Counter) > len(s.counters) {
		return nil
	}
	return &s.counters[e.Counter-1]
}

// update takes a change of usage over, of the customer or of the resource that the set is about. It reports false when
// the set cannot tell it and has to be compiled again: the periods are others than it thinks.
func (s *Set) update(u *meter.Update, own bool) bool {
	e := s.rows.Find(u.FeatureID)
	c := s.counter(e)
	if c == nil {
		return true
	}
	if c.is(isBounded) && c.is(ofResource) != own {
		return false
	}
	if c.is(ofResource) != own || int32(uint32(u.Version)-c.version.Load()) <= 0 {
		return true
	}
	w := u.Window()
	if c.is(isBounded) || w.Start >= s.validUntil || e.Row.Reset.Containing(s.origin(c), w.Start) != w {
		return false
	}
	c.value.Store(u.Raw)
	c.version.Store(uint32(u.Version))
	return true
}

// ValidUntil is the earliest instant at which its sources change by themselves; zero for none in sight.
func (s *Set) ValidUntil() time.Time {
	if s.changesAt == 0 {
		return time.Time{}
	}
	return time.UnixMicro(s.changesAt).UTC()
}

// keep reports whether the set may be cached: what is not known stays out, or anybody could fill the cache.
func (s *Set) keep() bool {
	return s.flags&isKnown != 0 && (s.flags&isOfResource == 0 || s.flags&hasResource != 0)
}

// answer decides one check at now, in µs. v may be nil when the set denies everything.
func (s *Set) answer(v *vocabulary, featureRef, resource string, ask rules.Ask, now int64) Answer {
	return s.decide(v, featureRef, resource, ask, now, note)
}

func (s *Set) decide(v *vocabulary, featureRef, resource string, ask rules.Ask, now int64, note func(*atomic.Bool)) Answer {
	a := Answer{Ask: ask, At: now, changesAt: s.ValidUntil()}
	f := rules.Facts{State: s.state()}
	if e := s.rows.Find(featureRef); e != nil {
		f.FeatureKnown, f.Row = true, &e.Row
		a.Entitlement, a.Feature = e, e.Feature
		a.Spent = s.used(&a, resource)
		f.BudgetExceeded = a.Spent && e.spends(a.Raw, ask)
		note(e.Asked)
	} else if v != nil {
		if known, ok := v.catalog.Feature(featureRef); ok {
			f.FeatureKnown, a.Feature = true, FeatureOf(known)
			note(v.asked.mark(known.RefID))
		}
	}
	a.Granted, a.Reason = rules.Decide(f, a.Raw, ask)
	return a
}

// used tells the answer what was used, and reports whether the subscription may spend no more on it.
func (s *Set) used(a *Answer, resource string) (spent bool) {
	e := a.Entitlement
	c := s.counter(e)
	if c == nil {
		return false
	}
	a.Raw, a.UsageVersion = c.value.Load(), c.version.Load()
	a.CurrentUsage = e.Row.Shown(a.Raw)
	a.Origin = s.origin(c)
	if c.is(ofResource) {
		a.Scope = resource
	}
	return c.is(isSpent)
}

func (s *Set) list(resource string, now int64) List {
	denied := s.state().Denial()
	if denied == rules.CustomerResourceNotFound {
		denied = rules.NoActiveSubscription
	}
	l := List{Denied: denied, Entitlements: []Answer{}, Version: s.version}
	if s.validUntil != forever {
		l.ValidUntil = time.UnixMicro(s.validUntil).UTC()
	}
	if denied == "" {
		for i := range s.rows.All() {
			l.Entitlements = append(l.Entitlements, s.decide(nil, s.rows.list[i].Feature.RefID, resource, rules.Ask{}, now, nothing))
		}
	}
	return l
}
