// Package timer is what is due, when, for whom.
//
// Timers are rows. They are applied in order of their due time, under the lock of
// their customer, and take effect at the due time, whenever that is noticed: a write
// settles what is due for its customer first, a read shows the settled state, and a
// background job does the rest (storage.md 5).
package timer

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
)

// Kind says what a timer does.
type Kind string

// The kinds.
const (
	TrialEndsSoon     Kind = "TRIAL_ENDS_SOON"
	TrialEnd          Kind = "TRIAL_END"
	SubscriptionStart Kind = "SUBSCRIPTION_START"
	Cancellation      Kind = "CANCELLATION"        // a cancellation that was scheduled, or the end of what does not renew
	Update            Kind = "SUBSCRIPTION_UPDATE" // updates that were scheduled
	PeriodEndsSoon    Kind = "BILLING_PERIOD_ENDS_SOON"
	PaymentExpires    Kind = "PAYMENT_EXPIRES" // nobody has paid
	PromotionEndsSoon Kind = "PROMOTION_ENDS_SOON"
	PromotionEnd      Kind = "PROMOTION_END"
)

// order is in which order timers of one instant are applied: what ends goes before what begins, and a subscription that
// begins where a trial ends takes its place.
var order = map[Kind]int{
	TrialEndsSoon: 0, PeriodEndsSoon: 1, PromotionEndsSoon: 2, PaymentExpires: 3, PromotionEnd: 4, Cancellation: 5, Update: 6,
	SubscriptionStart: 7, TrialEnd: 8,
}

// Before reports whether t is applied before other.
func (t Timer) Before(other Timer) bool {
	if !t.Due.Equal(other.Due) {
		return t.Due.Before(other.Due)
	}
	if a, b := order[t.Kind], order[other.Kind]; a != b {
		return a < b
	}
	return t.ID < other.ID
}

// Timer is one thing to do. Due is business time. It is unique by subscription, kind and due time.
type Timer struct {
	ID             string
	Kind           Kind
	CustomerID     string // internal
	CustomerRef    string
	SubscriptionID string // internal; of a promotion where the kind is about one
	Due            time.Time
	Attempts       int64
}

// Store is what timers need from a transaction.
type Store interface {
	InsertTimers(env tenant.ID, now time.Time, list ...Timer)
	DeleteTimer(env tenant.ID, id string)
	DeleteTimersOf(env tenant.ID, subscriptionID string)
	// DropTimers deletes a subscription's timers of some kinds.
	DropTimers(env tenant.ID, subscriptionID string, kinds ...Kind)
	// DueTimers are the timers of a customer that are due at now, in order.
	DueTimers(ctx context.Context, env tenant.ID, customerID string, now time.Time) ([]Timer, error)
}
