package subscription

import (
	"context"

	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/event"
)

// Store is what subscriptions need from a transaction.
type Store interface {
	SubscriptionByRef(ctx context.Context, env tenant.ID, ref string) (Subscription, error)
	// SubscriptionByID leaves the prices out.
	SubscriptionByID(ctx context.Context, env tenant.ID, internalID string) (Subscription, error)
	// FillCharges reads the prices that a subscription pays.
	FillCharges(ctx context.Context, env tenant.ID, s *Subscription) error
	// OpenSubscriptions are those of a customer that have not ended, by internal id, without their prices.
	OpenSubscriptions(ctx context.Context, env tenant.ID, customerID string) ([]Subscription, error)
	// HasPaid reports whether a customer ever had a subscription to a product that was neither free nor a trial.
	HasPaid(ctx context.Context, env tenant.ID, customerID, productID string) (bool, error)
	ListSubscriptions(ctx context.Context, env tenant.ID, f Filter, p page.Request) (page.Of[Subscription], error)
	InsertSubscription(env tenant.ID, s Subscription)
	// UpdateSubscription changes all but the add-ons.
	UpdateSubscription(env tenant.ID, s Subscription)
	// ReplaceAddons makes the add-ons of a subscription those that it has now.
	ReplaceAddons(env tenant.ID, s Subscription)
	event.Log
}

// Filter narrows a list; empty members match all.
type Filter struct {
	CustomerRef  string
	PlanRef      string
	Resource     string
	Statuses     []Status
	PricingTypes []string
	Created      page.Range
}
