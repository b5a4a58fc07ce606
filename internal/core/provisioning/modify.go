package provisioning

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/journey"
	"github.com/purserhq/purser/internal/core/subscription"
)

type downgradeTime = journey.DowngradeTime

// modification is what an update changes besides what is ordered, checked.
func (b *book) modification(p *entry, u Update) (m subscription.Modification, err error) {
	var c errs.Checks
	m = subscription.Modification{RestartCycle: u.RestartCycle, Proration: u.Proration, Metadata: u.Metadata}
	if p.Status == subscription.PaymentPending && u.billable() {
		return m, subscription.ErrStatus.Because("The subscription %s waits for its payment.", p.RefID)
	}
	if u.RestartCycle && p.Status != subscription.Active {
		return m, subscription.ErrStatus.At(u.Path+"billingCycleAnchor", "The subscription %s is %s: it has no billing cycle yet.", p.RefID, p.Status)
	}
	plan, has, err := b.sells(p)
	if err != nil {
		return m, err
	}
	if u.PriceOverrides != nil {
		checkTargets(&c, u.Path, *u.PriceOverrides, b.charges(p, u))
		m.PriceOverrides = u.PriceOverrides
	}
	if u.Values != nil {
		cat, err := b.cat()
		if err != nil {
			return m, err
		}
		checkSubscriptionValues(&c, cat, u.Path+"entitlements", plan, *u.Values, has)
		missingValues(&c, cat, u.Path+"entitlements", *u.Values, has)
		m.Values = u.Values
	}
	if u.Coupon.Set {
		m.Coupon = &subscription.CouponChange{}
		if !u.Coupon.Null {
			if m.Coupon.Coupon, err = b.discountFor(&u.Coupon.Value, currencyOf(&p.Subscription), u.Path+"appliedCoupon"); err != nil {
				return m, err
			}
		}
	}
	m.Spend = u.spend(&c, p)
	if u.SalesforceID.Set {
		m.SalesforceID = &u.SalesforceID.Value
	}
	return m, c.Err()
}

func (u Update) spend(c *errs.Checks, p *entry) *subscription.SpendChange {
	if !u.MinimumSpend.Set && !u.Budget.Set {
		return nil
	}
	s := &subscription.SpendChange{MinimumSpend: p.MinimumSpend, Budget: p.Budget}
	if d := u.MinimumSpend; d.Set {
		if s.MinimumSpend = nil; !d.Null {
			s.MinimumSpend = &d.Value
			if own := currencyOf(&p.Subscription); own != "" && own != d.Value.Currency {
				c.Rule(u.Path+"minimumSpend.currency", "must be %s, in which the subscription is paid", own)
			}
		}
	}
	if d := u.Budget; d.Set {
		if s.Budget = nil; !d.Null {
			s.Budget = &d.Value
		}
	}
	return s
}

// sells is the plan of a subscription and what it gives, in the versions that the subscription has.
func (b *book) sells(p *entry) (*catalog.Package, []granted, error) {
	if err := b.price(&p.Subscription); err != nil {
		return nil, nil, err
	}
	cat, err := b.cat()
	if err != nil {
		return nil, nil, err
	}
	known, ok := cat.PackageByID(p.PlanID)
	if !ok {
		return nil, nil, fmt.Errorf("plan %s is missing", p.PlanID)
	}
	plan := *known
	if plan.Latest, err = b.version(p.VersionID); err != nil {
		return nil, nil, err
	}
	t := terms{Sale: subscription.Sale{Plan: plan}}
	for _, id := range p.Bases {
		v, err := b.version(id)
		if err != nil {
			return nil, nil, err
		}
		t.Bases = append(t.Bases, v)
	}
	for _, a := range p.Addons {
		known, ok := cat.PackageByID(a.PackageID)
		if !ok {
			continue
		}
		addon := *known
		if addon.Latest, err = b.version(a.VersionID); err != nil {
			return nil, nil, err
		}
		t.Addons = append(t.Addons, subscription.NewAddon{Package: &addon, Quantity: a.Quantity})
	}
	return &plan, t.entitlements(), nil
}

// charges are the charges of a subscription in all periods and countries, and those of add-ons that an update adds.
func (b *book) charges(p *entry, u Update) []subscription.Charge {
	var list []subscription.Charge
	add := func(addon, version string) {
		if v, err := b.version(version); err == nil {
			for _, price := range v.Prices {
				list = append(list, subscription.Charge{AddonRef: addon, Price: price})
			}
		}
	}
	add("", p.PriceVersionID)
	for _, a := range p.Addons {
		add(a.RefID, a.PriceVersionID)
	}
	if u.Addons != nil && b.catalog != nil {
		for _, a := range *u.Addons {
			if addon, ok := b.catalog.Addon(a.ID); ok && addon.Latest != nil && p.addon(a.ID) == nil {
				add(a.ID, addon.Latest.ID)
			}
		}
	}
	return list
}

// checkAddonChange checks the add-ons that an update asks for: those that are there already may stay as they are.
func (b *book) checkAddonChange(c *errs.Checks, p *entry, u Update) error {
	cat, err := b.cat()
	if err != nil {
		return err
	}
	known, ok := cat.PackageByID(p.PlanID)
	if !ok {
		return fmt.Errorf("plan %s is missing", p.PlanID)
	}
	pinned, err := b.version(p.VersionID)
	if err != nil {
		return err
	}
	plan := *known
	merged := *pinned
	if known.Latest != nil {
		merged.Compatible = append(slices.Clone(pinned.Compatible), known.Latest.Compatible...)
	}
	plan.Latest = &merged
	seen := map[string]bool{}
	for i, a := range *u.Addons {
		path := fmt.Sprintf("%saddons[%d].", u.Path, i)
		if seen[a.ID] {
			c.Rule(path+"id", "is there twice: add the quantities up")
		}
		seen[a.ID] = true
		if has := p.addon(a.ID); has != nil {
			if v, err := b.version(has.VersionID); err == nil && a.Quantity != has.Quantity {
				checkAddonQuantity(c, path, v, a.Quantity)
			}
			continue
		}
		if addon, ok := findAddon(c, cat, &plan, path, a.ID); ok {
			checkCompatible(c, path, &plan, addon)
			checkAddonQuantity(c, path, addon.Latest, a.Quantity)
			b.checkOneBill(c, path, p, addon)
		}
	}
	checkDependencies(c, cat, u.Path, *u.Addons)
	return nil
}

// checkOneBill refuses an add-on that cannot be on one bill with what is there.
func (b *book) checkOneBill(c *errs.Checks, path string, p *entry, addon *catalog.Package) {
	if has := addon.Latest.BillingPeriods(); len(has) > 0 && p.BillingPeriod != "" && !slices.Contains(has, p.BillingPeriod) {
		c.Named(catalog.ErrPriceNotFound, path+"id", "the add-on %s has no price for %s", addon.RefID, p.BillingPeriod)
	}
	cur := currencyOf(&p.Subscription)
	if got := addon.Latest.CurrencyIn(p.Country); got != "" && cur != "" {
		if _, ok := addon.Latest.CountryFor(p.Country, cur); !ok {
			c.Named(catalog.ErrPriceNotFound, path+"id", "the add-on %s costs %s, and the subscription %s", addon.RefID, got, cur)
		}
	}
}

func (p *entry) addon(ref string) *subscription.Addon {
	for i := range p.Addons {
		if p.Addons[i].RefID == ref {
			return &p.Addons[i]
		}
	}
	return nil
}

func notSold(p *entry, u Update, has []string) error {
	return catalog.ErrPriceNotFound.At(u.Path+"billingPeriod", "The plan %s is sold for %v here, not for %s.", p.PlanRef, has, u.BillingPeriod)
}

// order makes the subscription have what terms say: add-ons that it has keep their versions, new ones are had in their
// latest.
func (b *book) order(s *subscription.Subscription, t subscription.Terms) error {
	cat, err := b.cat()
	if err != nil {
		return err
	}
	var addons []subscription.Addon
	for _, ref := range slices.Sorted(maps.Keys(t.Addons)) {
		i := slices.IndexFunc(s.Addons, func(a subscription.Addon) bool { return a.RefID == ref })
		if i >= 0 {
			a := s.Addons[i]
			a.Quantity = t.Addons[ref]
			addons = append(addons, a)
			continue
		}
		p, ok := cat.Addon(ref)
		if !ok || p.Latest == nil {
			continue // it was checked, and named
		}
		addons = append(addons, subscription.Addon{PackageID: p.ID, RefID: ref, VersionID: p.Latest.ID, PriceVersionID: p.Latest.ID, Quantity: t.Addons[ref]})
	}
	slices.SortFunc(addons, func(a, b subscription.Addon) int { return cmp.Compare(a.RefID, b.RefID) })
	s.Addons, s.BillingPeriod = addons, t.BillingPeriod
	s.Quantities = slices.Clone(t.Quantities)
	if err := b.reprice(s); err != nil {
		return err
	}
	s.SettleQuantities()
	return nil
}

// modify changes a subscription now, and charges the difference.
func (b *book) modify(p *entry, m subscription.Modification, t subscription.Terms, d subscription.Direction, restart bool, behavior string) (inv subscription.Invoice, err error) {
	in, err := b.chargingOf(&p.Subscription, behavior)
	if err != nil {
		return inv, err
	}
	before := p.Subscription
	s := p.Subscription
	s.Metadata = maps.Clone(s.Metadata)
	s.Coupons = slices.Clone(s.Coupons)
	m.ApplyTo(&s, b.at)
	if err := b.order(&s, t); err != nil {
		return inv, err
	}
	if unchanged(&before, &s) && !restart {
		return inv, nil
	}
	ch := subscription.Updated(s, b.at, subscription.Note{Direction: d})
	if restart || s.BillingPeriod != before.BillingPeriod {
		if s.Status == subscription.Active {
			zone := s.Zone
			ch.RestartCycle(b.at)
			if !restart { // another period keeps to the account's months
				ch.Subscription.Zone = zone
			}
		}
		if cycle, ok := ch.Subscription.Cycle(); ok {
			span := cycle.At(b.at)
			in.restart = &span
		}
	}
	if _, ok := ch.Subscription.Cycle(); ok {
		if inv, err = b.charge(&ch, in); err != nil {
			return inv, err
		}
	}
	b.write(p, ch)
	p.Prices = ch.Subscription.Prices
	if p.Status.Live() && entitledOtherwise(&before, &s) {
		b.entitled(p.Resource, "subscription_updated")
	}
	return inv, nil
}

// unchanged compares all that an update can change.
func unchanged(a, b *subscription.Subscription) bool {
	return a.BillingPeriod == b.BillingPeriod && slices.Equal(a.Addons, b.Addons) && maps.Equal(a.Metadata, b.Metadata) && sameJSON(a.Details, b.Details)
}

// entitledOtherwise reports whether what the subscription gives may have changed.
func entitledOtherwise(a, b *subscription.Subscription) bool {
	return !slices.Equal(a.Addons, b.Addons) || !slices.Equal(a.Quantities, b.Quantities) || !sameJSON(a.Values, b.Values) || !sameJSON(a.Budget, b.Budget)
}
