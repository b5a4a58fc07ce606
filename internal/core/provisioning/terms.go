package provisioning

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
)

// What a subscription to a plan can lack (domain-catalog-provisioning §9.3).
var (
	ErrBillingPeriodMissing = errs.New(errs.Invalid, "BillingPeriodMissingError", "The plan has prices for several billing periods: say which.")
	ErrIncompatibleAddon    = errs.New(errs.Invalid, "UncompatibleSubscriptionAddon", "The plan does not go with this add-on.")
	// ErrSinglePlan is a plan in an add-on's place, or the reverse.
	ErrSinglePlan = errs.New(errs.Invalid, "SubscriptionMustHaveSinglePlanError", "A subscription has exactly one plan.")
)

// terms are what a subscription to a plan is sold for, checked.
type terms struct {
	subscription.Sale
	details subscription.Details
	notes   []string // what was dropped, in words
}

// terms checks what was asked for against a plan (domain-catalog-provisioning §9.3 steps 4 to 7). Where the plan has
// several billing periods one must be asked for, unless mustAsk is false and the first is taken.
func (b *book) terms(in Params, plan *catalog.Package, mustAsk bool) (t terms, err error) {
	cat, err := b.cat()
	if err != nil {
		return t, err
	}
	t.Plan, t.Bases = *plan, cat.Bases(plan.Latest)
	if t.Addons, err = chooseAddons(cat, plan, in); err != nil {
		return t, err
	}
	if err := t.choosePeriod(in, mustAsk); err != nil {
		return t, err
	}
	costs := func(a subscription.NewAddon) bool { return a.Package.Latest.PricingType == catalog.Paid }
	if plan.Latest.PricingType == catalog.Paid || slices.ContainsFunc(t.Addons, costs) {
		t.Country = in.Country
		if err := t.oneBill(in); err != nil {
			return t, err
		}
	}
	return t, t.checkDetails(cat, in)
}

// checkDetails takes over what is the subscription's own: quantities, prices, values and bounds of spending.
func (t *terms) checkDetails(cat *catalog.Snapshot, in Params) error {
	var c errs.Checks
	s := subscription.Subscription{Country: t.Country, BillingPeriod: t.BillingPeriod}
	s.PriceOverrides = in.PriceOverrides
	s.Pay("", t.Plan.Latest.Prices)
	for _, a := range t.Addons {
		s.Pay(a.Package.RefID, a.Package.Latest.Prices)
	}
	quantities := chooseQuantities(&c, in, &s)
	checkTargets(&c, in.Path, in.PriceOverrides, t.sold())
	if m := in.MinimumSpend; m != nil {
		if own := currencyOf(&s); own != "" && own != m.Currency {
			c.Rule(in.Path+"minimumSpend.currency", "must be %s, in which the subscription is paid", own)
		}
	}
	has := t.entitlements()
	checkSubscriptionValues(&c, cat, in.Path+"entitlements", &t.Plan, in.Values, has)
	missingValues(&c, cat, in.Path+"entitlements", in.Values, has)
	t.details = subscription.Details{
		Quantities: quantities, PriceOverrides: in.PriceOverrides, Values: in.Values, MinimumSpend: in.MinimumSpend,
		Budget: in.Budget, BillingID: in.BillingID, SalesforceID: in.SalesforceID, CollectionMethod: in.CollectionMethod,
		Proration: in.Proration,
	}
	return c.Err()
}

// currency is what is paid in; "" for nothing.
func (t *terms) currency() money.Currency {
	s := subscription.Subscription{Country: t.Country, BillingPeriod: t.BillingPeriod}
	s.Pay("", t.Plan.Latest.Prices)
	for _, a := range t.Addons {
		s.Pay(a.Package.RefID, a.Package.Latest.Prices)
	}
	return currencyOf(&s)
}

// sold are all prices of the plan and the add-ons, in every period and country.
func (t *terms) sold() []subscription.Charge {
	var list []subscription.Charge
	for _, p := range t.Plan.Latest.Prices {
		list = append(list, subscription.Charge{Price: p})
	}
	for _, a := range t.Addons {
		for _, p := range a.Package.Latest.Prices {
			list = append(list, subscription.Charge{AddonRef: a.Package.RefID, Price: p})
		}
	}
	return list
}

func checkTargets(c *errs.Checks, path string, list []subscription.PriceOverride, sold []subscription.Charge) {
	for i, o := range list {
		if !slices.ContainsFunc(sold, o.Fits) {
			c.Named(catalog.ErrPriceNotFound, fmt.Sprintf("%spriceOverrides[%d]", path, i), "the subscription has no such charge")
		}
	}
}

// currencyOf is what a subscription is paid in; "" for nothing.
func currencyOf(s *subscription.Subscription) (cur money.Currency) {
	for i := range s.Prices {
		if cur = s.Prices[i].Currency(); cur != "" {
			return cur
		}
	}
	return ""
}

// chooseQuantities takes the quantities that were asked for, checked against the charges (§9.3 step 5). Those that were
// not asked for are settled later.
func chooseQuantities(c *errs.Checks, in Params, s *subscription.Subscription) []subscription.Quantity {
	list := slices.Clone(in.Charges)
	paths := make([]string, len(list))
	for i := range list {
		paths[i] = fmt.Sprintf("%scharges[%d]", in.Path, i)
	}
	if n := in.UnitQuantity; n != nil {
		q, ok := onlyCharge(s)
		switch {
		case !ok:
			c.Rule(in.Path+"unitQuantity", "the subscription has not exactly one charge by quantity: use charges")
		case slices.ContainsFunc(list, func(o subscription.Quantity) bool { return o.Type == q.Type && o.ID == q.ID }):
			c.Rule(in.Path+"unitQuantity", "is in charges too")
		default:
			q.Quantity = *n
			list, paths = append(list, q), append(paths, in.Path+"unitQuantity")
		}
	}
	checkBounds(c, list, paths, s)
	return list
}

// checkBounds checks quantities against the bounds of the charges that count them.
func checkBounds(c *errs.Checks, list []subscription.Quantity, paths []string, s *subscription.Subscription) {
	for i, q := range list {
		counted := false
		for j := range s.Prices {
			typ, id, ok := s.Prices[j].Counted()
			if !ok || typ != q.Type || id != q.ID {
				continue
			}
			counted = true
			if err := s.Prices[j].CheckQuantity(q.Quantity); err != nil {
				path := paths[i]
				if strings.HasSuffix(path, "]") {
					path += ".quantity"
				}
				c.Named(catalog.ErrInvalidQuantity, path, "%s", message(err))
				break
			}
		}
		if !counted {
			c.Named(catalog.ErrPriceNotFound, paths[i], "the subscription has no charge for a quantity of %s", q.ID)
		}
	}
}

func message(err error) string {
	if e, ok := errs.As(err); ok {
		return e.Message
	}
	return err.Error()
}

func onlyCharge(s *subscription.Subscription) (q subscription.Quantity, ok bool) {
	n := 0
	for i := range s.Prices {
		if typ, id, counted := s.Prices[i].Counted(); counted && (typ != q.Type || id != q.ID) {
			q = subscription.Quantity{Type: typ, ID: id}
			n++
		}
	}
	return q, n == 1
}

// choosePeriod takes the asked for period if plan and add-ons are sold in it. Of several, one must be asked for, unless
// the journey chose the plan and takes the first.
func (t *terms) choosePeriod(in Params, mustAsk bool) error {
	plan, asked := &t.Plan, in.BillingPeriod
	versions := make([]*catalog.Version, len(t.Addons))
	for i, a := range t.Addons {
		versions[i] = a.Package.Latest
	}
	has, none := catalog.Periods(plan.Latest, versions)
	switch {
	case none:
		return catalog.ErrPriceNotFound.At(in.Path+"addons", "The add-ons are sold in no billing period that they have in common.")
	case len(has) == 0 && asked != "" && plan.Latest.PricingType == catalog.Free:
		t.notes = append(t.notes, fmt.Sprintf("Dropped: billingPeriod (%s is free).", plan.RefID))
	case len(has) == 0 && asked != "":
		t.notes = append(t.notes, fmt.Sprintf("Dropped: billingPeriod (%s has no prices).", plan.RefID))
	case len(has) == 0:
	case asked == "" && len(has) > 1 && mustAsk:
		return ErrBillingPeriodMissing.At(in.Path+"billingPeriod", "The plan %s has prices for %v: say which.", plan.RefID, has)
	case asked == "":
		t.BillingPeriod = has[0]
	case !slices.Contains(has, asked):
		return catalog.ErrPriceNotFound.At(in.Path+"billingPeriod", "The plan %s is sold for %v here, not for %s.", plan.RefID, has, asked)
	default:
		t.BillingPeriod = asked
	}
	return nil
}

// chooseAddons checks add-ons against the plan and against each other (domain-catalog-provisioning §9.3 step 6).
func chooseAddons(cat *catalog.Snapshot, plan *catalog.Package, in Params) ([]subscription.NewAddon, error) {
	var c errs.Checks
	var list []subscription.NewAddon
	chosen := map[string]bool{}
	for i, a := range in.Addons {
		path := fmt.Sprintf("%saddons[%d].", in.Path, i)
		addon, ok := findAddon(&c, cat, plan, path, a.ID)
		if !ok {
			continue
		}
		if chosen[a.ID] {
			c.Rule(path+"id", "is there twice: add the quantities up")
		}
		chosen[a.ID] = true
		checkCompatible(&c, path, plan, addon)
		checkAddonQuantity(&c, path, addon.Latest, a.Quantity)
		list = append(list, subscription.NewAddon{Package: addon, Quantity: a.Quantity})
	}
	checkDependencies(&c, cat, in.Path, in.Addons)
	slices.SortFunc(list, func(a, b subscription.NewAddon) int { return cmp.Compare(a.Package.RefID, b.Package.RefID) })
	return list, c.Err()
}

// findAddon finds an add-on that can be sold with a plan's product.
func findAddon(c *errs.Checks, cat *catalog.Snapshot, plan *catalog.Package, path, ref string) (*catalog.Package, bool) {
	addon, ok := cat.Addon(ref)
	switch {
	case !ok || addon.Status == catalog.Archived || addon.ProductID != plan.ProductID:
		if _, isPlan := cat.Plan(ref); isPlan && !ok {
			c.Named(ErrSinglePlan, path+"id", "%s is a plan, and a subscription has one: in planId", ref)
			return nil, false
		}
		c.Named(catalog.ErrAddonNotFound, path+"id", "there is no add-on %s", ref)
		return nil, false
	case addon.Latest == nil:
		c.Named(catalog.ErrUnpublished, path+"id", "the add-on %s is not published yet", ref)
		return nil, false
	}
	return addon, true
}

func checkCompatible(c *errs.Checks, path string, plan, addon *catalog.Package) {
	switch {
	case !slices.Contains(plan.Latest.Compatible, addon.RefID):
		c.Named(ErrIncompatibleAddon, path+"id", "the plan %s does not go with the add-on %s", plan.RefID, addon.RefID)
	case addon.Latest.PricingType == catalog.Custom && plan.Latest.PricingType != catalog.Custom:
		c.Named(ErrIncompatibleAddon, path+"id", "the add-on %s is custom: only custom plans can have it", addon.RefID)
	}
}

func checkAddonQuantity(c *errs.Checks, path string, v *catalog.Version, quantity int64) {
	switch {
	case quantity < 1:
		c.Named(catalog.ErrInvalidQuantity, path+"quantity", "must be at least 1")
	case v.MaxQuantity != nil && quantity > *v.MaxQuantity:
		c.Named(catalog.ErrInvalidQuantity, path+"quantity", "must be at most %d", *v.MaxQuantity)
	case quantity > catalog.MaxUnits:
		c.Named(catalog.ErrInvalidQuantity, path+"quantity", "must be at most %d", catalog.MaxUnits)
	}
}

// checkDependencies wants the add-ons that others need.
func checkDependencies(c *errs.Checks, cat *catalog.Snapshot, path string, list []AddonQuantity) {
	for i, a := range list {
		addon, ok := cat.Addon(a.ID)
		if !ok || addon.Latest == nil {
			continue
		}
		for _, need := range addon.Latest.Dependencies {
			if !slices.ContainsFunc(list, func(o AddonQuantity) bool { return o.ID == need }) {
				c.Rule(fmt.Sprintf("%saddons[%d].id", path, i), "%s needs the add-on %s", a.ID, need)
			}
		}
	}
}

// oneBill refuses add-ons that cannot be on one bill with the plan, or with each other: without a price for the period,
// or in another currency.
func (t *terms) oneBill(in Params) error {
	var c errs.Checks
	first, want := &t.Plan, t.Plan.Latest.CurrencyIn(t.Country)
	for _, a := range t.Addons {
		addon := a.Package
		path := fmt.Sprintf("%saddons[%d].id", in.Path, slices.IndexFunc(in.Addons, func(q AddonQuantity) bool { return q.ID == addon.RefID }))
		if has := addon.Latest.BillingPeriods(); len(has) > 0 && !slices.Contains(has, t.BillingPeriod) {
			c.Named(catalog.ErrPriceNotFound, path, "the add-on %s has no price for %s", addon.RefID, t.BillingPeriod)
		}
		got := addon.Latest.CurrencyIn(t.Country)
		if want == "" {
			first, want = addon, got
		}
		if _, ok := addon.Latest.CountryFor(t.Country, want); got != "" && !ok {
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
