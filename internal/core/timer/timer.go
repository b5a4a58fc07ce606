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
)

// Timer is one thing to do. Due is business time. It is unique by subscription, kind and due time.
type Timer struct {
	ID             string
	Kind           Kind
	CustomerID     string // internal
	CustomerRef    string
	SubscriptionID string // internal
	Due            time.Time
	Attempts       int64
}

// Store is what timers need from a transaction.
type Store interface {
	InsertTimers(env tenant.ID, now time.Time, list ...Timer)
	DeleteTimer(env tenant.ID, id string)
	DeleteTimersOf(env tenant.ID, subscriptionID string)
	// DueTimers are the timers of a customer that are due at now, in order.
	DueTimers(ctx context.Context, env tenant.ID, customerID string, now time.Time) ([]Timer, error)
}
