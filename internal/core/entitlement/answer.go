package entitlement

import (
	"time"

	"github.com/purserhq/purser/internal/core/rules"
)

// Answer is the answer to one check, with everything that led to it (domain-entitlements-usage §1.3).
type Answer struct {
	Granted      bool
	Reason       rules.Reason // "" when granted
	Feature      Feature      // the zero Feature when there is none, or the customer is denied everything
	Entitlement  *Entitlement // nil when no source gives the feature
	CurrentUsage int64
	Ask          rules.Ask
	ValidUntil   time.Time // when it has to be asked again; zero for none in sight
}

// List is every effective entitlement of a customer or resource, by feature refId, each as a check that asks for nothing.
type List struct {
	// Denied is CustomerNotFound, CustomerIsArchived, NoActiveSubscription or "".
	Denied       rules.Reason
	Entitlements []Answer
}

// Present lists what rows give to somebody who asks for nothing. until is when that changes by itself; zero for never.
func Present(rows *Rows, until time.Time) []Answer {
	list := make([]Answer, 0, len(rows.All()))
	for i := range rows.All() {
		e := &rows.list[i]
		granted, reason := rules.Check(&e.Row, 0, rules.Ask{})
		list = append(list, Answer{Granted: granted, Reason: reason, Feature: e.Feature, Entitlement: e, ValidUntil: until})
	}
	return list
}
