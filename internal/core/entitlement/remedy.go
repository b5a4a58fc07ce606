package entitlement

import (
	"fmt"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/core/subscription"
)

// remedy is a package that would grant what was denied.
type remedy struct {
	pkg      *catalog.Package
	quantity int64
	price    money.Money
}

// remedies says what would change a denial.
func (x *explainer) remedies() error {
	data := map[string]any{"nextResetDate": nil, "package": nil}
	var lines []string
	switch x.a.Reason {
	case "":
		x.step("remedies", "Nothing needs to change.", data)
		return nil
	case rules.NoActiveSubscription, rules.NoFeatureEntitlementInSubscription, rules.RequestedUsageExceedingLimit, rules.RequestedValuesMismatch, rules.Revoked:
	default:
		x.step("remedies", "None: no plan and no add-on changes that.", data)
		return nil
	}
	if p, ok := x.a.Period(); ok && x.a.Reason == rules.RequestedUsageExceedingLimit && x.decide(&x.a.Entitlement.Row, 0) {
		end := wire(time.UnixMicro(p.End))
		data["nextResetDate"] = end
		lines = append(lines, fmt.Sprintf("The usage is reset on %s; the answer is yes then.", end))
	}
	best, err := x.cheapest()
	switch {
	case err != nil:
		return err
	case best != nil:
		v := best.pkg.Latest
		data["package"] = map[string]any{
			"type": string(best.pkg.Kind), "id": best.pkg.RefID, "displayName": v.DisplayName, "quantity": best.quantity, "monthlyPrice": best.price,
		}
		what := fmt.Sprintf("the %s %s (%s)", best.pkg.Kind.Word(), v.DisplayName, best.pkg.RefID)
		if best.quantity > 1 {
			what = fmt.Sprintf("%d of %s", best.quantity, what)
		}
		cost := fmt.Sprintf("for %s a month", best.price)
		if best.price.Amount.IsZero() {
			cost = "at no cost"
		}
		lines = append(lines, fmt.Sprintf("The cheapest that would grant it is %s, %s.", what, cost))
	case len(lines) == 0:
		lines = append(lines, "None: no published plan or add-on would grant it.")
	}
	x.step("remedies", sentences("", lines...), data)
	return nil
}

// decide answers the same check for another row.
func (x *explainer) decide(row *rules.Row, usage int64) bool {
	f := rules.Facts{State: x.set.state(), FeatureKnown: true, Row: row}
	f.LiveSubscriptions = true
	granted, _ := rules.Decide(f, usage, x.q.Ask)
	return granted
}

// with reports whether the check would be granted if a subscription gave other rows; -1 is one more subscription.
func (x *explainer) with(place int, s Subscription) (bool, error) {
	rows, err := RowsOf(s, versions(x.ctx, x.st, x.env, x.catalog), x.catalog.Feature) // what nobody has is not kept
	if err != nil {
		return false, err
	}
	sources := slices.Clone(x.sources)
	if place >= 0 {
		sources[place].Rows = rows
	} else {
		sources = append(sources, Source{Rows: rows})
	}
	e := Compile(sources).Find(x.q.Feature)
	return e != nil && x.decide(&e.Row, x.a.Raw), nil
}

// cheapest looks through the plans and add-ons of the products that the customer has, or of all when it has none.
func (x *explainer) cheapest() (best *remedy, err error) {
	for _, p := range x.catalog.Sold() {
		var r *remedy
		if p.Kind == catalog.KindPlan {
			r, err = x.byPlan(p)
		} else {
			r, err = x.byAddon(p)
		}
		if err != nil {
			return nil, err
		}
		if r != nil && (best == nil || r.price.Amount.Cmp(best.price.Amount) < 0) {
			best = r
		}
	}
	return best, nil
}

func (x *explainer) byPlan(p *catalog.Package) (*remedy, error) {
	place, sub := x.subscriptionTo(p.ProductID)
	if sub == nil && len(x.live) > 0 || sub != nil && sub.PlanID == p.ID && sub.VersionID == p.Latest.ID {
		return nil, nil
	}
	price, ok := p.Latest.MonthlyPrice("", "", "")
	if sub != nil {
		price, ok = x.price(sub, p)
	}
	if !ok {
		return nil, nil
	}
	s := Subscription{PlanID: p.ID, VersionID: p.Latest.ID, PriceVersionID: p.Latest.ID}
	for _, b := range x.catalog.Bases(p.Latest) {
		s.Bases = append(s.Bases, b.ID)
	}
	if ok, err := x.with(place, s); err != nil || !ok {
		return nil, err
	}
	return &remedy{p, 1, price}, nil
}

// mostAddons bounds how many of an add-on are tried.
const mostAddons = 100

func (x *explainer) byAddon(p *catalog.Package) (*remedy, error) {
	version := versions(x.ctx, x.st, x.env, x.catalog)
	for i, s := range x.live {
		sub := x.stored(s.ID)
		v, err := version(s.VersionID)
		if err != nil {
			return nil, err
		}
		if sub == nil || sub.ProductID != p.ProductID || !slices.Contains(v.Compatible, p.RefID) || x.lacks(sub, p) {
			continue
		}
		price, ok := x.price(sub, p)
		if !ok {
			continue
		}
		had := int64(0)
		rest := slices.DeleteFunc(slices.Clone(s.Addons), func(a Addon) bool {
			own := slices.ContainsFunc(sub.Addons, func(o subscription.Addon) bool { return o.PackageID == p.ID && o.VersionID == a.VersionID })
			if own {
				had = a.Quantity
			}
			return own
		})
		for n := int64(1); n <= mostAddons && (p.Latest.MaxQuantity == nil || had+n <= *p.Latest.MaxQuantity); n++ {
			s.Addons = append(slices.Clone(rest), Addon{VersionID: p.Latest.ID, PriceVersionID: p.Latest.ID, Quantity: had + n})
			granted, err := x.with(i, s)
			if err != nil {
				return nil, err
			}
			if granted {
				price.Amount = price.Amount.Mul(money.FromInt(n))
				return &remedy{p, n, price}, nil
			}
			if row := x.rowOf(p.Latest.ID); row == nil || row.Row.Type != rules.Number {
				break // more of it is no more
			}
		}
	}
	return nil, nil
}

// rowOf is what a version gives of the feature.
func (x *explainer) rowOf(version string) *Entitlement {
	v, ok := x.catalog.VersionByID(version)
	if !ok {
		return nil
	}
	return CompileVersion(*v, x.catalog.Feature).Find(x.q.Feature)
}

// lacks reports whether the add-on needs others that the subscription does not have.
func (x *explainer) lacks(sub *subscription.Subscription, p *catalog.Package) bool {
	return slices.ContainsFunc(p.Latest.Dependencies, func(ref string) bool {
		return !slices.ContainsFunc(sub.Addons, func(a subscription.Addon) bool { return a.RefID == ref })
	})
}

// subscriptionTo is the live subscription to a product and its place; the resource's before the customer's.
func (x *explainer) subscriptionTo(productID string) (place int, found *subscription.Subscription) {
	place = -1
	for i, s := range x.live {
		if sub := x.stored(s.ID); sub != nil && sub.ProductID == productID && (found == nil || s.Resource != "") {
			place, found = i, sub
		}
	}
	return place, found
}

func (x *explainer) stored(id string) *subscription.Subscription {
	for i := range x.all {
		if x.all[i].ID == id {
			return &x.all[i]
		}
	}
	return nil
}

// price is what a package costs in a month, in the currency and the billing period of a subscription.
func (x *explainer) price(sub *subscription.Subscription, p *catalog.Package) (money.Money, bool) {
	currency := money.Currency("")
	if v, err := versions(x.ctx, x.st, x.env, x.catalog)(sub.PriceVersionID); err == nil {
		currency = v.CurrencyIn(sub.Country)
	}
	return p.Latest.MonthlyPrice(sub.Country, sub.BillingPeriod, currency)
}
