package entitlement

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/core/subscription"
)

// Store is what entitlements need from a transaction.
type Store interface {
	// EntitlementHolder reads what a customer's entitlements rest on. resource is "" for the customer itself.
	EntitlementHolder(ctx context.Context, env tenant.ID, customerRef, resource string) (Holder, error)
	Catalog(ctx context.Context, env tenant.ID) (*catalog.Snapshot, error)
	PackageVersion(ctx context.Context, env tenant.ID, versionID string) (catalog.Version, error)
	meter.Reader
}

// Holder is a customer, or one of its resources, as far as entitlements go.
type Holder struct {
	ID            string // of the customer, internal
	Known         bool
	Archived      bool
	ResourceKnown bool
	Due           *time.Time // when the customer's earliest timer fires; nil for none
	Subscriptions []Subscription
	Promotions    []Promotion // that have not ended
}

// Promotion is a grant of one feature outside of any subscription (domain-entitlements-usage §1.5, §2.1).
type Promotion struct {
	ID         string // internal
	FeatureRef string
	Gives      catalog.Entitlement // limit, softness, values and reset
	StartDate  time.Time           // where its usage periods begin
	EndDate    *time.Time          // nil for ever
	UpdatedAt  time.Time
}

// Subscription is one whose status gives access: the customer's own, and the resource's.
type Subscription struct {
	ID               string // internal
	PlanID           string // internal
	VersionID        string
	PriceVersionID   string   // the version whose prices are paid; "" for the same
	Bases            []string // versions that the plan's version inherits from, the nearest first
	Addons           []Addon
	Own              subscription.Own // values and quantities of the subscription's own
	Resource         string           // refId of the resource it is for; "" for the customer
	StartDate        time.Time
	InTrial          bool
	TrialEndDate     *time.Time
	CancellationDate *time.Time
	EndDate          *time.Time
	Spending         *Spending // nil without a hard budget
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

// origin is where the subscription's usage periods begin.
func (s Subscription) origin() rules.Origin {
	if o := s.Own.UsageFrom; o != nil {
		return rules.Origin{Anchor: o.Anchor.UnixMicro(), Cut: o.Cut}
	}
	return rules.Origin{Anchor: s.StartDate.UnixMicro()}
}

func (h Holder) isDue(now time.Time) bool { return h.Due != nil && !h.Due.After(now) }

func earliest(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.Before(*a) {
		return b
	}
	return a
}
