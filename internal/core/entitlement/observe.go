package entitlement

import (
	"math"
	"strings"

	"github.com/purserhq/purser/internal/core/event"
)

// Observe drops what events made untrue. Events may come twice and, between customers, in any order.
func (c *Cache) Observe(events []event.Event) {
	for _, e := range events {
		position := e.Position
		if position == 0 { // committed, but the answer with the positions was lost
			position = math.MaxInt64
		}
		switch {
		case e.Customer != "":
			c.Invalidate(e.Environment, e.Customer, position)
		case concernsAll(e):
			c.InvalidateEnvironment(e.Environment, position)
		}
	}
}

// concernsAll reports whether an event without a customer can change anybody's entitlements. A draft cannot, nor can metadata.
func concernsAll(e event.Event) bool {
	switch e.Entity.Type {
	case "feature", "product":
		return true
	case "plan", "addon":
		what := strings.TrimPrefix(e.Type, e.Entity.Type+".")
		return what != "details_updated" && !strings.HasPrefix(what, "draft_")
	}
	return e.Type == "environment.clock_moved"
}
