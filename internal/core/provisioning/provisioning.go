// Package provisioning has the use cases that span nouns: provision a customer,
// subscribe it, change, preview and cancel, settle what is due, migrate, import.
//
// Each is one service method and one transaction, or a job of several. A book (book.go)
// holds one customer's subscriptions meanwhile: use cases and timers decide in it by
// journey.Decide, journey.End and the transitions of subscription, and save it once; a
// preview does not save it.
package provisioning

import (
	"context"

	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/promotion"
	"github.com/purserhq/purser/internal/core/subscription"
	"github.com/purserhq/purser/internal/core/timer"
)

// Store is what provisioning needs from a transaction.
type Store interface {
	customer.Store
	subscription.Store
	timer.Store
	promotion.Store
	clockStore
	jobStore
	migrationStore
	recountStore
	entitlement.Store
	// BillingDefaults are the account's terms for subscriptions that say nothing else.
	BillingDefaults() account.BillingDefaults
	// OwnerOf finds whose a subscription is; subscription.ErrNotFound for an unknown one.
	OwnerOf(ctx context.Context, env tenant.ID, ref string) (Owner, error)
	// SubscriptionEvents are the events of one subscription, the oldest first: at most the newest so many.
	SubscriptionEvents(ctx context.Context, env tenant.ID, ref string, limit int) ([]event.Event, error)
	// NewestSubscriptions are the newest of a customer, whatever became of them, the newest first and without their prices.
	NewestSubscriptions(ctx context.Context, env tenant.ID, customerID string, limit int) ([]subscription.Subscription, error)
	CouponByRef(ctx context.Context, env tenant.ID, ref string) (catalog.Coupon, error)
	// InsertResource makes a resource of a customer; one that exists is left alone.
	InsertResource(env tenant.ID, r Resource)
	// InsertUsageReset writes down that a change of the plan has set usage back; one at the same instant is left alone.
	InsertUsageReset(env tenant.ID, r subscription.UsageReset)
	// UsageResets are those of a customer, or of one of its resources, from one instant on and before another, in µs since
	// 1970, the oldest first.
	UsageResets(ctx context.Context, env tenant.ID, customerRef, resource string, from, to int64) ([]subscription.UsageReset, error)
	ListResources(ctx context.Context, env tenant.ID, customerID string, p page.Request) (page.Of[Resource], error)
	// EraseAnswers forgets the stored answers about a customer.
	EraseAnswers(env tenant.ID, customerRef string)
}

// Service has the use cases.
type Service struct {
	db    tx.Runner[Store]
	ids   id.Source
	key   []byte
	tasks taskRunner
	jobs  JobSettings
	node  string // names this process in leases
	slots chan struct{}
	usage Usage
	// billing is nil without a provider.
	billing subscription.Billing
}

// SetBilling connects a billing provider. Call it before anything else.
func (s *Service) SetBilling(b subscription.Billing) { s.billing = b }

// NewService binds the use cases to a database. key is the database's own secret for fingerprints.
func NewService(db tx.Runner[Store], key []byte) *Service {
	s := &Service{db: db, key: key, slots: make(chan struct{}, jobsAtOnce), usage: noUsage}
	s.node = s.ids.New()
	return s
}
