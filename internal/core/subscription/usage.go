package subscription

import (
	"time"

	"github.com/purserhq/purser/internal/core/catalog"
)

// UsageOrigin is where the usage periods of a subscription begin (domain-entitlements-usage §4.2).
type UsageOrigin struct {
	Anchor time.Time `json:"anchor"`
	// Cut says that usage before the anchor does not count any more, also in a period that began before it.
	Cut bool `json:"cut,omitempty"`
}

// UsageReset is a change of the plan that has set usage back to 0, and where the periods that ended there had begun.
type UsageReset struct {
	CustomerID string // internal
	Resource   string // refId; "" for none
	ProductID  string // internal
	At         time.Time
	Former     UsageOrigin
}

// UsageOrigin is where the usage periods begin: with the subscription, unless it took the place of another.
func (s Subscription) UsageOrigin() UsageOrigin {
	if s.UsageFrom != nil {
		return *s.UsageFrom
	}
	return UsageOrigin{Anchor: s.StartDate}
}

// HandOver gives usage periods to the subscription that takes the place of this one, which is as it was before: by the
// rule of the product they begin again, or go on as they are. It reports whether usage is 0 again (§4.4).
func (s Subscription) HandOver(rule string, next *Subscription, at time.Time) (reset bool) {
	if s.Status == PaymentPending { // it never ran: next takes the place of what this one was to replace
		next.UsageFrom = s.UsageFrom
		return false
	}
	switch rule {
	case catalog.NeverReset:
	case catalog.BillingPeriodChange:
		reset = s.billedOtherwise(next)
	default:
		reset = true
	}
	origin := s.UsageOrigin()
	if reset {
		// A test clock stands still: what was reported at this very instant came before the change.
		anchor := at.Add(time.Microsecond)
		if !origin.Anchor.Before(anchor) {
			anchor = origin.Anchor.Add(time.Microsecond)
		}
		origin = UsageOrigin{Anchor: anchor, Cut: true}
	}
	next.UsageFrom = &origin
	return reset
}

// billedOtherwise reports whether the billing anchor changes: between free and paid, monthly and annually, or to a cycle
// that begins anew. What is not billed yet, such as a trial, has no cycle that could.
func (s Subscription) billedOtherwise(next *Subscription) bool {
	was, billed := s.Cycle()
	now, bills := next.Cycle()
	if billed && bills {
		return was.Period != now.Period || !was.Anchor.Equal(now.Anchor)
	}
	return s.BillingPeriod != next.BillingPeriod || (s.PricingType == catalog.Free) != (next.PricingType == catalog.Free)
}
