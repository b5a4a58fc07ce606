package rules

import (
	"math"
	"slices"
)

// State is what is known about a customer before any feature is looked at.
type State struct {
	CustomerKnown     bool
	Archived          bool
	ResourceGiven     bool // the caller named a resource
	ResourceKnown     bool // the customer has it
	LiveSubscriptions bool // one counts now for the customer or the resource (domain-entitlements-usage §2.2)
	Promotions        bool // a promotional grant is active, for whatever feature
}

// Denial is the reason that denies everything to this customer, or "" (domain-entitlements-usage §1.2, §3.2 steps 1, 2, 4).
func (s State) Denial() Reason {
	if r := s.customerDenial(); r != "" {
		return r
	}
	return s.subscriptionDenial()
}

func (s State) customerDenial() Reason {
	switch {
	case !s.CustomerKnown:
		return CustomerNotFound
	case s.Archived:
		return CustomerIsArchived
	case s.ResourceGiven && !s.ResourceKnown:
		return CustomerResourceNotFound
	}
	return ""
}

func (s State) subscriptionDenial() Reason {
	if !s.LiveSubscriptions && !s.Promotions {
		return NoActiveSubscription
	}
	return ""
}

// Facts are everything that one decision about one feature rests on.
type Facts struct {
	State
	FeatureKnown bool
	Row          *Row // nil when no source grants the feature
	// BudgetExceeded says that the subscription has spent what it may, and charges for usage of the feature
	// (domain-entitlements-usage §3.2 step 7). Soft budgets never set it.
	BudgetExceeded bool
}

// Decide answers one check in the documented order: customer, resource, feature, subscription, row
// (domain-entitlements-usage §3.2). usage is the raw usage of the current period, in units of the row's scale.
func Decide(f Facts, usage int64, ask Ask) (granted bool, reason Reason) {
	if r := f.customerDenial(); r != "" {
		return false, r
	}
	if !f.FeatureKnown {
		return false, FeatureNotFound
	}
	if f.Row == nil {
		if r := f.subscriptionDenial(); r != "" {
			return false, r
		}
	}
	if f.BudgetExceeded && f.Row != nil && f.Row.Granted {
		return false, BudgetExceeded
	}
	return Check(f.Row, usage, ask)
}

// Check decides by the row alone (domain-entitlements-usage §3.2 steps 5 and 8). A nil row is
// NoFeatureEntitlementInSubscription. Arguments that do not fit the feature's type are ignored.
func Check(row *Row, usage int64, ask Ask) (granted bool, reason Reason) {
	if row == nil {
		return false, NoFeatureEntitlementInSubscription
	}
	if !row.Granted {
		return false, Revoked
	}
	switch row.Type {
	case Boolean:
		return true, ""
	case Number:
		if row.Meter == None || row.Unlimited || row.Soft || fits(row, usage, ask) {
			return true, ""
		}
		return false, RequestedUsageExceedingLimit
	case Enum:
		for _, v := range ask.RequestedValues {
			if !slices.Contains(row.EnumValues, v) {
				return false, RequestedValuesMismatch
			}
		}
		return true, ""
	}
	return false, Unknown
}

// fits reports whether usage + requested ≤ limit. A sum beyond int64 never fits.
func fits(row *Row, usage int64, ask Ask) bool {
	var limit int64
	if row.HasLimit {
		limit = row.Limit
		if row.Scale > 0 {
			limit = Times(limit, One(row.Scale))
		}
	}
	if row.Divide > 0 {
		usage = row.Shown(usage)
	}
	requested := max(ask.RequestedUsage, 0)
	if ask.RequestedScale != row.Scale {
		requested = rescale(requested, ask.RequestedScale, row.Scale)
	}
	return usage <= math.MaxInt64-requested && usage+requested <= limit
}
