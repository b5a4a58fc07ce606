package entitlement

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
)

// Store is what entitlements need from a transaction.
type Store interface {
	// EntitlementHolder reads what a customer's entitlements rest on. resource is "" for the customer itself.
	EntitlementHolder(ctx context.Context, env tenant.ID, customerRef, resource string) (Holder, error)
	Catalog(ctx context.Context, env tenant.ID) (*catalog.Snapshot, error)
	PackageVersion(ctx context.Context, env tenant.ID, versionID string) (catalog.Version, error)
}

// Holder is a customer, or one of its resources, as far as entitlements go.
type Holder struct {
	Known         bool
	Archived      bool
	ResourceKnown bool
	Due           *time.Time // when the customer's earliest timer fires; nil for none
	Subscriptions []Subscription
}

// Subscription is one whose status gives access: the customer's own, and the resource's.
type Subscription struct {
	PlanID           string // internal
	VersionID        string
	PriceVersionID   string   // the version whose prices are paid; "" for the same
	Bases            []string // versions that the plan's version inherits from, the nearest first
	Addons           []Addon
	Own              subscription.Own // values and quantities of the subscription's own
	InTrial          bool
	TrialEndDate     *time.Time
	CancellationDate *time.Time
	EndDate          *time.Time
}

// Addon is an add-on of a subscription.
type Addon struct {
	VersionID      string
	PriceVersionID string // the version whose prices are paid; "" for the same
	Quantity       int64
}

// until is when the subscription stops giving access; nil for none in sight.
func (s Subscription) until() *time.Time {
	end := earliest(s.CancellationDate, s.EndDate)
	if s.InTrial {
		end = earliest(end, s.TrialEndDate)
	}
	return end
}

// live returns the subscriptions that give access at now. A row is ignored as soon as its end has come, whatever its
// status still says (domain-entitlements-usage §2.2).
func (h Holder) live(now time.Time) []Subscription {
	var list []Subscription
	for _, s := range h.Subscriptions {
		if end := s.until(); end == nil || end.After(now) {
			list = append(list, s)
		}
	}
	return list
}

func (h Holder) isDue(now time.Time) bool { return h.Due != nil && !h.Due.After(now) }

func earliest(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.Before(*a) {
		return b
	}
	return a
}
