package usage

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/meter"
)

// Bounds of events (domain-entitlements-usage §5.1, §5.3).
const (
	MaxEventsAhead = time.Hour
	MaxEventsLate  = 30 * 24 * time.Hour
	// DedupTime is how long an event is known to have come: machine time.
	DedupTime = 30 * 24 * time.Hour
)

// NewEvent is a raw event as somebody sends it.
type NewEvent struct {
	CustomerRef string // may be unknown: events match customers, features and meters later
	Name        string
	Key         string
	Resource    string     // refId; "" for none
	At          *time.Time // nil for now
	Dimensions  meter.Dimensions
}

// dedup names what makes two events the same: all that they say, dimensions aside. Where the time was left out it does
// not count: a repeat has another one (§5.3).
func (e *NewEvent) dedup() string {
	h := sha256.New()
	for _, s := range []string{e.CustomerRef, e.Resource, e.Name, e.Key} {
		h.Write(strconv.AppendInt(nil, int64(len(s)), 10))
		h.Write([]byte{':'})
		h.Write([]byte(s))
	}
	if e.At != nil {
		h.Write(strconv.AppendInt(nil, e.At.UnixMicro(), 10))
	}
	return base64.RawStdEncoding.EncodeToString(h.Sum(nil)[:16])
}

// StoredEvent is an event on its way to its table.
type StoredEvent struct {
	meter.Event
	Key        string
	Dedup      string
	RecordedAt int64 // machine time, µs
}

// errOtherCatalog says that the catalog changed between matching and recording.
var errOtherCatalog = errors.New("usage: the catalog changed")

// Taken is the answer to events: there is nothing to say.
type Taken struct{}

// Ingest keeps events and counts them in the same transaction: what it has acknowledged is in the next check. Events that
// came before are left out, whatever their dimensions say.
func (s *Service) Ingest(ctx context.Context, env tenant.ID, list []NewEvent) (Taken, error) {
	const attempts = 5
	for i := 0; ; i++ {
		err := s.ingest(ctx, env, list)
		if !errors.Is(err, errOtherCatalog) {
			return Taken{}, err
		}
		if i == attempts {
			return Taken{}, errs.ServiceUnavailable.Because("The catalog keeps changing.").After(time.Second).Wrap(err)
		}
	}
}

func (s *Service) ingest(ctx context.Context, env tenant.ID, list []NewEvent) error {
	c, err := s.entitlements.Catalog(ctx, env)
	if err != nil {
		return err
	}
	in := intake{Service: s, ctx: ctx, env: env, catalog: c, list: list, meters: s.metersOf(env, c), wanted: map[Wanted]*counted{}}
	if err := in.match(); err != nil {
		return err
	}
	_, err = tx.Do(ctx, s.db, env, func(st Store, now time.Time) (Taken, error) {
		run := in
		run.wanted = make(map[Wanted]*counted, len(in.wanted))
		for w, k := range in.wanted {
			fresh := *k
			fresh.events = nil
			run.wanted[w] = &fresh
		}
		run.st, run.now = st, now
		return Taken{}, run.record()
	})
	return err
}

// meterSet are the meters of one version of a catalog.
type meterSet struct {
	version int64
	*meter.Set
}

func (s *Service) metersOf(env tenant.ID, c *catalog.Snapshot) *meter.Set {
	if old, ok := s.meters.Load(env); ok && old.(*meterSet).version == c.Version {
		return old.(*meterSet).Set
	}
	defined := map[string]catalog.Meter{}
	for f := range c.Features() {
		if f.Meter != nil {
			defined[f.ID] = *f.Meter
		}
	}
	m := &meterSet{c.Version, meter.NewSet(defined)}
	s.meters.Store(env, m)
	return m.Set
}

// intake is one call's events.
type intake struct {
	*Service
	ctx     context.Context
	env     tenant.ID
	st      Store
	now     time.Time
	catalog *catalog.Snapshot
	list    []NewEvent
	meters  *meter.Set
	wanted  map[Wanted]*counted
}

// counted is a counter that events may change, and what the customer may use of its feature; nil for nothing.
type counted struct {
	entitled *entitlement.Answer
	meter    *meter.Meter
	events   []*meter.Event
}

// match finds the counters that the events may change: the customer's own, which counts the events of all its resources
// too, and that of the resource.
func (in *intake) match() error {
	for i := range in.list {
		n := &in.list[i]
		e := meter.Event{Name: n.Name, Customer: n.CustomerRef, Resource: n.Resource, Dimensions: n.Dimensions}
		for id, m := range in.meters.For(&e) {
			for _, scope := range scopes(n.Resource) {
				if err := in.want(Wanted{n.CustomerRef, scope, id}, m); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (in *intake) want(w Wanted, m *meter.Meter) error {
	if in.wanted[w] != nil {
		return nil
	}
	k := &counted{meter: m}
	in.wanted[w] = k
	f, ok := in.catalog.FeatureByID(w.FeatureID)
	if !ok {
		return nil
	}
	a, err := in.entitlements.Effective(in.ctx, in.env, w.CustomerRef, f.RefID, w.Resource)
	if err == nil && a.Entitlement != nil && a.Scope == w.Resource {
		k.entitled = &a
	}
	return err
}

// check names the events whose time is out of bounds.
func (in *intake) check() error {
	var c errs.Checks
	for i := range in.list {
		at := in.list[i].At
		switch path := fmt.Sprintf("events[%d].timestamp", i); {
		case at == nil:
		case at.After(in.now.Add(MaxEventsAhead)):
			c.Rule(path, "must not be more than an hour ahead")
		case at.Before(in.now.Add(-MaxEventsLate)):
			c.Rule(path, "must not be more than 30 days ago")
		}
	}
	return c.Err()
}

func (in *intake) record() error {
	if err := in.check(); err != nil {
		return err
	}
	c, err := in.st.Catalog(in.ctx, in.env)
	if err != nil {
		return err
	}
	if c.Version != in.catalog.Version {
		return errOtherCatalog
	}
	held, err := in.hold()
	if err != nil {
		return err
	}
	if err := in.keep(held); err != nil {
		return err
	}
	return in.count(held)
}

// hold locks the counters, and makes those that are not there yet, also where nothing gives the feature: whoever makes one
// later would not see the events of this transaction.
func (in *intake) hold() (map[Wanted]Locked, error) {
	all := make([]Wanted, 0, len(in.wanted))
	for w := range in.wanted {
		all = append(all, w)
	}
	held, err := in.st.LockCounters(in.ctx, in.env, all)
	if err != nil {
		return nil, err
	}
	var missing []Wanted
	for w := range in.wanted {
		if _, there := held[w]; !there {
			missing = append(missing, w)
		}
	}
	if len(missing) == 0 {
		return held, nil
	}
	in.st.MakeCounters(in.env, missing)
	made, err := in.st.LockCounters(in.ctx, in.env, missing)
	for w, l := range made {
		held[w] = l
	}
	return held, err
}

// keep stores the events and gives those that are new to their counters.
func (in *intake) keep(held map[Wanted]Locked) error {
	recorded := in.clock.Now().UnixMicro()
	stored := make([]StoredEvent, len(in.list))
	for i := range in.list {
		n := &in.list[i]
		at := in.now
		if n.At != nil {
			at = *n.At
		}
		stored[i] = StoredEvent{
			Event: meter.Event{Name: n.Name, Customer: n.CustomerRef, Resource: n.Resource, At: at.UnixMicro(), Dimensions: n.Dimensions},
			Key:   n.Key, Dedup: n.dedup(), RecordedAt: recorded,
		}
	}
	fresh, err := in.st.InsertEvents(in.ctx, in.env, stored)
	if err != nil {
		return err
	}
	for i := range stored {
		if !fresh[i] {
			continue
		}
		e := &stored[i].Event
		for id := range in.meters.For(e) {
			for _, scope := range scopes(e.Resource) {
				if w := (Wanted{e.Customer, scope, id}); in.holds(held, w) {
					in.wanted[w].events = append(in.wanted[w].events, e)
				}
			}
		}
	}
	return nil
}

func (in *intake) holds(held map[Wanted]Locked, w Wanted) bool {
	_, ok := held[w]
	return ok
}

// scopes are the counters that an event of a resource is for: the customer's own, and the resource's.
func scopes(resource string) []string {
	if resource == "" {
		return []string{""}
	}
	return []string{"", resource}
}
