package provisioning

import (
	"fmt"
	"slices"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/subscription"
)

// granted is an entitlement that a subscription gives, and by which package.
type granted struct {
	*catalog.Entitlement
	by *catalog.Package
}

// entitlements are those of a plan, what it inherits, and its add-ons; what a plan has itself it does not inherit.
func (t *terms) entitlements() []granted {
	var list []granted
	seen := map[string]bool{}
	for _, v := range append([]*catalog.Version{t.Plan.Latest}, t.Bases...) {
		for i := range v.Entitlements {
			e := &v.Entitlements[i]
			if key := e.Type + e.Ref(); !seen[key] {
				seen[key] = true
				list = append(list, granted{e, &t.Plan})
			}
		}
	}
	for _, a := range t.Addons {
		for i := range a.Package.Latest.Entitlements {
			list = append(list, granted{&a.Package.Latest.Entitlements[i], a.Package})
		}
	}
	return list
}

// missingValues wants a value for every entitlement that leaves it to the subscription and has no default
// (domain-catalog-provisioning §9.3 step 7).
func missingValues(c *errs.Checks, cat *catalog.Snapshot, path string, values []subscription.Value, has []granted) {
	for _, g := range has {
		if !g.IsCustom || slices.ContainsFunc(values, func(v subscription.Value) bool { return v.Type == g.Type && v.ID == g.Ref() }) {
			continue
		}
		if g.Type == catalog.CreditEntitlement {
			if g.Amount == nil {
				c.Shape(path, "%s has no amount in the %s %s: give one here", g.Ref(), g.by.Kind.Word(), g.by.RefID)
			}
			continue
		}
		f, ok := cat.Feature(g.FeatureRefID)
		if ok && g.UsageLimit == nil && !g.Unlimited && len(g.EnumValues) == 0 && f.Type != catalog.Boolean {
			c.Shape(path, "%s has no value in the %s %s: give one here", g.FeatureRefID, g.by.Kind.Word(), g.by.RefID)
		}
	}
}

// checkSubscriptionValues checks values of one subscription's own: on custom plans of every entitlement that it has, on
// others of those that leave it to the subscription (domain-catalog-provisioning §9.3 step 7, §9.12).
func checkSubscriptionValues(c *errs.Checks, cat *catalog.Snapshot, path string, plan *catalog.Package, list []subscription.Value, has []granted) {
	for i, v := range list {
		at := fmt.Sprintf("%s[%d].", path, i)
		g := slices.IndexFunc(has, func(g granted) bool { return g.Type == v.Type && g.Ref() == v.ID })
		f, isFeature := cat.Feature(v.ID)
		switch {
		case v.Type == subscription.FeatureType && !isFeature:
			c.Named(catalog.ErrFeatureNotFound, at+"id", "there is no feature %s", v.ID)
			continue
		case g < 0:
			c.Named(entitlement.ErrNone, at+"id", "the plan %s and the add-ons have no entitlement to %s", plan.RefID, v.ID)
			continue
		case plan.Latest.PricingType != catalog.Custom && !has[g].IsCustom:
			c.Rule(at+"id", "the plan %s is %s: only values of custom plans can be set, and those that a plan leaves open", plan.RefID, plan.Latest.PricingType)
			continue
		}
		if v.Type == subscription.CreditType {
			checkCreditValue(c, at, v)
		} else {
			checkFeatureValue(c, at, v, f)
		}
	}
}

func checkCreditValue(c *errs.Checks, at string, v subscription.Value) {
	if v.Amount == nil {
		c.Shape(at+"amount", "is required")
	} else {
		checkAmount(c, at+"amount", *v.Amount)
	}
	if v.Cadence != "" && v.Cadence != "MONTH" && v.Cadence != "YEAR" {
		c.Shape(at+"cadence", "must be MONTH or YEAR")
	}
}

func checkFeatureValue(c *errs.Checks, at string, v subscription.Value, f *catalog.Feature) {
	limited := v.UsageLimit != nil || v.Unlimited
	switch f.Type {
	case catalog.Number:
		if !limited {
			c.Shape(at+"usageLimit", "is required, or hasUnlimitedUsage")
		}
	case catalog.Enum:
		if len(v.EnumValues) == 0 {
			c.Shape(at+"enumValues", "is required")
		}
		for i, e := range v.EnumValues {
			if !slices.ContainsFunc(f.EnumValues, func(known catalog.EnumValue) bool { return known.Value == e }) {
				c.Rule(fmt.Sprintf("%senumValues[%d]", at, i), "%s has no value %s", f.RefID, e)
			}
		}
	}
	if f.Type != catalog.Number && limited {
		c.Rule(at+"usageLimit", "only features of type NUMBER have it")
	}
	if f.Type != catalog.Enum && len(v.EnumValues) > 0 {
		c.Rule(at+"enumValues", "only features of type ENUM have it")
	}
	if v.ResetPeriod != "" && f.MeterType == catalog.NoMeter {
		c.Named(catalog.ErrResetPeriod, at+"resetPeriod", "only metered features have it")
	}
}
