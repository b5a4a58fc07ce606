package entitlement

import (
	"encoding/json"
	"maps"
	"math"
	"strings"

	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/meter"
)

// Observe drops what events made untrue. Events may come twice and, between customers, in any order.
func (c *Cache) Observe(events []event.Event) {
	for _, e := range events {
		position := e.Position
		if position == 0 { // committed, but the answer with the positions was lost
			position = math.MaxInt64
		}
		switch {
		case e.Type == meter.Updated:
			c.use(e, position)
		case e.Customer != "":
			c.Invalidate(e.Environment, e.Customer, position)
		case ConcernsAll(e):
			c.InvalidateEnvironment(e.Environment, position)
		}
	}
}

// ConcernsAll reports whether an event without a customer can change anybody's entitlements. A draft cannot, nor can metadata.
func ConcernsAll(e event.Event) bool {
	switch e.Entity.Type {
	case "feature", "product":
		return true
	case "plan", "addon":
		what := strings.TrimPrefix(e.Type, e.Entity.Type+".")
		return what != "details_updated" && !strings.HasPrefix(what, "draft_")
	}
	return e.Type == "environment.clock_moved"
}

// usageUpdate is a change of usage.
type usageUpdate struct {
	*meter.Update
	resource string // "" for the customer's own
}

// use takes a change of usage over into the sets that it counts for: nothing has to be compiled again.
func (c *Cache) use(e event.Event, position int64) {
	u := usageUpdate{}
	switch p := e.Payload.(type) {
	case *meter.Update:
		u.Update = p
	case json.RawMessage:
		u.Update = new(meter.Update)
		if err := json.Unmarshal(p, u.Update); err != nil {
			c.Invalidate(e.Environment, e.Customer, position)
			return
		}
	}
	if u.ResourceID != nil {
		u.resource = *u.ResourceID
	}
	s, h := c.shard(e.Environment, e.Customer)
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, f := range s.flights {
		if k.env == e.Environment && k.customer == e.Customer {
			f.usage = append(f.usage, u)
		}
	}
	o := s.customers[h]
	if o == nil || o.env != e.Environment || o.customer != e.Customer {
		return
	}
	before := o.size()
	if o.own != nil && u.resource == "" && !o.own.update(u.Update, false) {
		o.own = nil
	}
	maps.DeleteFunc(o.resources, func(resource string, set *Set) bool {
		return (u.resource == "" || u.resource == resource) && !set.update(u.Update, u.resource != "")
	})
	s.shrunk(h, o, before)
}

// shrunk counts what was dropped of a customer's sets.
func (s *shard) shrunk(h uint64, o *holding, before int) {
	after := o.size()
	s.sets += after - before
	if after == 0 {
		delete(s.customers, h)
	}
}
