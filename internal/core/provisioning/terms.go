package provisioning

import (
	"fmt"
	"slices"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/journey"
	"github.com/purserhq/purser/internal/core/subscription"
)

// What a subscription to a plan can lack (domain-catalog-provisioning §9.3).
var (
	ErrBillingPeriodMissing = errs.New(errs.Invalid, "BillingPeriodMissingError", "The plan has prices for several billing periods: say which.")
	ErrIncompatibleAddon    = errs.New(errs.Invalid, "UncompatibleSubscriptionAddon", "The plan does not go with this add-on.")
)

// terms are what a subscription to a plan is sold for.
type terms struct {
	period  string
	country string
	addons  []subscription.NewAddon
	notes   []string // what was dropped, in words
}

// terms takes from the request what survives the journey's decision, and checks it against the plan that came of it.
func (p provision) terms(cat *catalog.Snapshot, plan *catalog.Package, dec journey.Decision) (t terms, err error) {
	in := p.req.Subscription
	if !slices.Contains(dec.Dropped, "addons") {
		if t.addons, err = chooseAddons(cat, plan, in.Addons); err != nil {
			return t, err
		}
	}
	if err := missingValues(cat, plan, t.addons); err != nil {
		return t, err
	}
	if err := t.choosePeriod(plan, dec); err != nil {
		return t, err
	}
	costs := func(a subscription.NewAddon) bool { return a.Package.Latest.PricingType == catalog.Paid }
	if plan.Latest.PricingType != catalog.Paid && !slices.ContainsFunc(t.addons, costs) {
		return t, nil
	}
	if !slices.Contains(dec.Dropped, "billingCountryCode") {
		t.country = in.Country
	}
	return t, t.oneBill(plan, in.Addons)
}

// choosePeriod takes the asked for period if plan and add-ons are sold in it. Of several, one must be asked for, unless
// the journey chose the plan and takes the first.
func (t *terms) choosePeriod(plan *catalog.Package, dec journey.Decision) error {
	asked, mustAsk := dec.BillingPeriod, dec.Strategy == journey.RequestedPlan
	versions := make([]*catalog.Version, len(t.addons))
	for i, a := range t.addons {
		versions[i] = a.Package.Latest
	}
	has, none := catalog.Periods(plan.Latest, versions)
	switch {
	case none:
		return catalog.ErrPriceNotFound.At(paramsPath+"addons", "The add-ons are sold in no billing period that they have in common.")
	case len(has) == 0 && asked != "" && plan.Latest.PricingType == catalog.Free:
		t.notes = append(t.notes, fmt.Sprintf("Dropped: billingPeriod (%s is free).", plan.RefID))
	case len(has) == 0 && asked != "":
		t.notes = append(t.notes, fmt.Sprintf("Dropped: billingPeriod (%s has no prices).", plan.RefID))
	case len(has) == 0:
	case asked == "" && len(has) > 1 && mustAsk:
		return ErrBillingPeriodMissing.At(paramsPath+"billingPeriod", "The plan %s has prices for %v: say which.", plan.RefID, has)
	case asked == "":
		t.period = has[0]
	case !slices.Contains(has, asked):
		return catalog.ErrPriceNotFound.At(paramsPath+"billingPeriod", "The plan %s is sold for %v here, not for %s.", plan.RefID, has, asked)
	default:
		t.period = asked
	}
	return nil
}

// missingValues refuses a plan or an add-on that leaves the value of an entitlement to each subscription and has no
// default for it: values per subscription cannot be given yet.
func missingValues(cat *catalog.Snapshot, plan *catalog.Package, addons []subscription.NewAddon) error {
	var c errs.Checks
	in := func(p *catalog.Package, versions ...*catalog.Version) {
		seen := map[string]bool{} // what a plan has itself, it does not inherit
		for _, v := range versions {
			for i := range v.Entitlements {
				e := &v.Entitlements[i]
				f, ok := cat.Feature(e.FeatureRefID)
				if !ok || seen[e.FeatureRefID] {
					continue
				}
				seen[e.FeatureRefID] = true
				if e.IsCustom && e.UsageLimit == nil && !e.Unlimited && len(e.EnumValues) == 0 && f.Type != catalog.Boolean {
					c.Shape(paramsPath+"entitlements", "%s has no value in the %s %s, and values per subscription are not supported yet", e.FeatureRefID, p.Kind.Word(), p.RefID)
				}
			}
		}
	}
	in(plan, append([]*catalog.Version{plan.Latest}, cat.Bases(plan.Latest)...)...)
	for _, a := range addons {
		in(a.Package, a.Package.Latest)
	}
	return c.Err()
}

// chooseAddons checks add-ons against the plan and against each other (domain-catalog-provisioning §9.3 step 6).
func chooseAddons(cat *catalog.Snapshot, plan *catalog.Package, in []AddonQuantity) ([]subscription.NewAddon, error) {
	var c errs.Checks
	var list []subscription.NewAddon
	chosen := map[string]bool{}
	for i, a := range in {
		path := fmt.Sprintf("%saddons[%d].", paramsPath, i)
		addon, ok := cat.Addon(a.ID)
		switch {
		case !ok || addon.Status == catalog.Archived || addon.ProductID != plan.ProductID:
			c.Named(catalog.ErrAddonNotFound, path+"id", "there is no add-on %s", a.ID)
			continue
		case addon.Latest == nil:
			c.Named(catalog.ErrUnpublished, path+"id", "the add-on %s is not published yet", a.ID)
			continue
		case chosen[a.ID]:
			c.Rule(path+"id", "is there twice: add the quantities up")
		}
		chosen[a.ID] = true
		checkAddon(&c, path, plan, addon, a.Quantity)
		list = append(list, subscription.NewAddon{Package: addon, Quantity: a.Quantity})
	}
	for i, a := range in {
		if addon, ok := cat.Addon(a.ID); ok && addon.Latest != nil {
			for _, need := range addon.Latest.Dependencies {
				if !chosen[need] {
					c.Rule(fmt.Sprintf("%saddons[%d].id", paramsPath, i), "%s needs the add-on %s", a.ID, need)
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b subscription.NewAddon) int {
		if a.Package.RefID < b.Package.RefID {
			return -1
		}
		return 1
	})
	return list, c.Err()
}

func checkAddon(c *errs.Checks, path string, plan, addon *catalog.Package, quantity int64) {
	v := addon.Latest
	switch {
	case !slices.Contains(plan.Latest.Compatible, addon.RefID):
		c.Named(ErrIncompatibleAddon, path+"id", "the plan %s does not go with the add-on %s", plan.RefID, addon.RefID)
	case v.PricingType == catalog.Custom && plan.Latest.PricingType != catalog.Custom:
		c.Named(ErrIncompatibleAddon, path+"id", "the add-on %s is custom: only custom plans can have it", addon.RefID)
	}
	switch {
	case quantity < 1:
		c.Named(catalog.ErrInvalidQuantity, path+"quantity", "must be at least 1")
	case v.MaxQuantity != nil && quantity > *v.MaxQuantity:
		c.Named(catalog.ErrInvalidQuantity, path+"quantity", "must be at most %d", *v.MaxQuantity)
	case quantity > 999_999:
		c.Named(catalog.ErrInvalidQuantity, path+"quantity", "must be at most 999999")
	}
}

// oneBill refuses add-ons that cannot be on one bill with the plan, or with each other: without a price for the period,
// or in another currency.
func (t *terms) oneBill(plan *catalog.Package, in []AddonQuantity) error {
	var c errs.Checks
	first, want := plan, plan.Latest.CurrencyIn(t.country)
	for _, a := range t.addons {
		addon := a.Package
		path := fmt.Sprintf("%saddons[%d].id", paramsPath, slices.IndexFunc(in, func(q AddonQuantity) bool { return q.ID == addon.RefID }))
		if has := addon.Latest.BillingPeriods(); len(has) > 0 && !slices.Contains(has, t.period) {
			c.Named(catalog.ErrPriceNotFound, path, "the add-on %s has no price for %s", addon.RefID, t.period)
		}
		got := addon.Latest.CurrencyIn(t.country)
		if want == "" {
			first, want = addon, got
		}
		if _, ok := addon.Latest.CountryFor(t.country, want); got != "" && !ok {
			c.Named(catalog.ErrPriceNotFound, path, "the add-on %s costs %s, and the %s %s %s", addon.RefID, got, first.Kind.Word(), first.RefID, want)
		}
	}
	return c.Err()
}

// latestAddons are the add-ons of a scheduled subscription as they are sold now. One that was archived meanwhile stays
// in its last version.
func latestAddons(cat *catalog.Snapshot, s subscription.Subscription) []subscription.NewAddon {
	var list []subscription.NewAddon
	for _, a := range s.Addons {
		if p, ok := cat.PackageByID(a.PackageID); ok && p.Latest != nil {
			list = append(list, subscription.NewAddon{Package: p, Quantity: a.Quantity})
		}
	}
	return list
}

// rowsOf are the entitlements of a subscription whose versions are all in force.
func rowsOf(cat *catalog.Snapshot, s subscription.Subscription) *entitlement.Rows {
	of := func(id string) *entitlement.Rows {
		v, ok := cat.VersionByID(id)
		if !ok {
			return nil
		}
		return entitlement.CompileVersion(*v, cat.Feature)
	}
	var bases []*entitlement.Rows
	for _, id := range s.Bases {
		if v, ok := cat.VersionByID(id); ok {
			bases = append(bases, entitlement.CompileBase(*v, cat.Feature))
		}
	}
	var addons []entitlement.Beside
	for _, a := range s.Addons {
		addons = append(addons, entitlement.Beside{Rows: of(a.VersionID), Quantity: a.Quantity})
	}
	return entitlement.Combine(of(s.VersionID), bases, addons)
}
