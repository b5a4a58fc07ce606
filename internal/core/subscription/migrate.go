package subscription

import (
	"slices"
	"time"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/event"
)

// MigratedToLatest is the reason in the event of a subscription that was moved.
const MigratedToLatest = "MIGRATED_TO_LATEST_VERSION"

// Move says which versions a subscription gets in place of those that it has. What it names nothing for stays.
type Move struct {
	Version *catalog.Version  // of the plan; nil for the one that it has
	Bases   []string          // those that the plan's version inherits from, the nearest first
	Addons  map[string]string // version ids by the internal id of the add-on
}

// Migrate moves a subscription to other versions of what it has. What it pays stays: prices are pinned apart
// (domain-catalog-provisioning §4.2), and a running trial keeps its end. moved is false when it has all of them already.
func Migrate(s Subscription, to Move, at time.Time) (c Change, moved bool) {
	if v := to.Version; v != nil && v.ID != s.VersionID {
		s.VersionID, s.PlanVersion, s.PricingType = v.ID, v.Number, v.PricingType
		moved = true
	}
	if !slices.Equal(s.Bases, to.Bases) {
		s.Bases, moved = to.Bases, true
	}
	s.Addons = slices.Clone(s.Addons)
	for i := range s.Addons {
		a := &s.Addons[i]
		if id, ok := to.Addons[a.PackageID]; ok && id != a.VersionID {
			a.VersionID, moved = id, true
		}
	}
	if !moved {
		return Change{Subscription: s}, false
	}
	s.touch(at)
	return Change{Subscription: s, Events: []event.Event{s.eventWith(typeUpdated, at, Note{Reason: MigratedToLatest})}}, true
}

// Movable reports whether a subscription to a plan of one type can go on when the plan has become another: what begins
// to be paid for, or to be agreed on, has to be subscribed to anew (domain-catalog-provisioning §4.3 step 4).
func Movable(from, to string) bool {
	switch from {
	case catalog.Free:
		return to == catalog.Free
	case catalog.Custom:
		return to != catalog.Paid
	}
	return true
}
