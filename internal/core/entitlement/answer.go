package entitlement

import (
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
)

// Answer is the answer to one check, with everything that led to it (domain-entitlements-usage §1.3).
type Answer struct {
	Granted      bool
	Reason       rules.Reason // "" when granted
	Feature      Feature      // the zero Feature when there is none, or the customer is denied everything
	Entitlement  *Entitlement // nil when no source gives the feature
	CurrentUsage int64        // as shown, in units of the row's scale
	Raw          int64        // as reported, in units of the row's scale
	Ask          rules.Ask
	Origin       rules.Origin // where the usage periods begin
	At           int64        // µs: when it was decided
	Scope        string       // refId of the resource whose usage counts; "" for the customer's own
	UsageVersion uint32       // counts the changes of the usage
	Spent        bool         // the budget of what gives it is used up

	Explanation *Explanation // nil unless it was asked for

	changesAt time.Time // of the sources; zero for none in sight
}

// Metered reports whether usage of the feature counts.
func (a *Answer) Metered() bool { return a.Entitlement != nil && a.Entitlement.Counter > 0 }

// Current is the current usage, as shown.
func (a *Answer) Current() meter.Amount {
	n := meter.Amount{N: a.CurrentUsage}
	if a.Entitlement != nil {
		n.Scale = a.Entitlement.Row.Scale
	}
	return n
}

// Period is the usage period that the answer is about. It reports whether there is one: not without a reset.
func (a *Answer) Period() (rules.Span, bool) {
	if !a.Metered() || a.Entitlement.Row.Reset.Unit == rules.Never {
		return rules.Forever, false
	}
	return a.Entitlement.Row.Reset.Period(a.Origin, a.At), true
}

// ValidUntil is when it has to be asked again: the next trial end, promotion end or end of the usage period; zero for
// none in sight (domain-entitlements-usage §2.2).
func (a *Answer) ValidUntil() time.Time {
	p, resets := a.Period()
	if !resets {
		return a.changesAt
	}
	if end := time.UnixMicro(p.End).UTC(); a.changesAt.IsZero() || end.Before(a.changesAt) {
		return end
	}
	return a.changesAt
}

// List is every effective entitlement of a customer or resource, by feature refId, each as a check that asks for nothing.
type List struct {
	// Denied is CustomerNotFound, CustomerIsArchived, NoActiveSubscription or "".
	Denied       rules.Reason
	Entitlements []Answer
	Version      int64     // the position of the feed up to which everything is in it
	ValidUntil   time.Time // when any of it changes by itself; zero for none in sight
}

// ErrNone is the refusal of what needs an entitlement that no subscription gives.
var ErrNone = errs.New(errs.Invalid, string(rules.NoFeatureEntitlementInSubscription), "The subscription has no entitlement to this feature.")
