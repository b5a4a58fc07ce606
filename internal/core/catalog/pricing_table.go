package catalog

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
)

// PricingTable is what a pricing page shows of a product: visible published plans in order.
type PricingTable struct {
	Product *Product
	Plans   []Offer
}

// Offer is a plan or an add-on as it is sold in one country.
type Offer struct {
	*Package
	Prices       []Price
	Entitlements []Offered
	Addons       []Offer // of plans: compatible visible ones, by refId
}

// Offered is an entitlement of an offer.
type Offered struct {
	Entitlement
	Feature       *Feature // nil for credits
	InheritedFrom string   // refId of the base plan whose entitlement it is; "" for the offer's own
}

// PricingTables are read from memory.
type PricingTables struct{ db tx.Runner[Store] }

// NewPricingTables returns the use case on a database.
func NewPricingTables(db tx.Runner[Store]) *PricingTables { return &PricingTables{db} }

// Get returns the pricing table of a product; "" is the only one that sells anything, else the default
// product. Prices are those of the country
// where there are any, else the default ones; a currency chooses the country whose prices are in it, and is passed over
// where there is none.
func (s *PricingTables) Get(ctx context.Context, env tenant.ID, productRef, country string, currency money.Currency) (PricingTable, error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (PricingTable, error) {
		c, err := st.Catalog(ctx, env)
		if err != nil {
			return PricingTable{}, err
		}
		return c.PricingTable(productRef, country, currency)
	})
}

// PricingTable makes a pricing table; see PricingTables.Get.
func (s *Snapshot) PricingTable(productRef, country string, currency money.Currency) (PricingTable, error) {
	product, err := s.offered(productRef)
	if err != nil {
		return PricingTable{}, err
	}
	t := PricingTable{Product: product, Plans: []Offer{}}
	for _, p := range s.plansOf[product.ID] {
		if p.Visible() {
			t.Plans = append(t.Plans, s.offer(p, country, currency))
		}
	}
	sortOffers(t.Plans, product.PlanOrder)
	return t, nil
}

func (s *Snapshot) offered(ref string) (*Product, error) {
	if ref != "" {
		if p, ok := s.Product(ref); ok && p.Status == Published {
			return p, nil
		}
		return nil, ErrProductNotFound
	}
	var only *Product
	several := false
	for _, p := range s.products {
		if p.Status == Published && slices.ContainsFunc(s.plansOf[p.ID], func(plan *Package) bool { return plan.Visible() }) {
			several = only != nil
			if only = p; several {
				break
			}
		}
	}
	standard, ok := s.DefaultProduct()
	switch {
	case only != nil && !several:
		return only, nil
	case ok && standard.Status == Published:
		return standard, nil
	case several:
		return nil, errs.InvalidArgument.At("productId", "There are several products: say which.")
	}
	return nil, ErrProductNotFound
}

// offer is a package in a country, or in the one that has prices in the currency.
func (s *Snapshot) offer(p *Package, country string, currency money.Currency) Offer {
	v := p.Latest
	if found, ok := v.CountryFor(country, currency); ok {
		country = found
	}
	o := Offer{Package: p, Prices: Applicable(v.Prices, country), Entitlements: s.entitlementsOf(p), Addons: []Offer{}}
	for _, ref := range v.Compatible {
		if a, ok := s.Addon(ref); ok && a.Visible() {
			o.Addons = append(o.Addons, s.offer(a, country, v.CurrencyIn(country)))
		}
	}
	return o
}

// entitlementsOf are the package's own entitlements and those that it inherits, without hidden ones.
func (s *Snapshot) entitlementsOf(p *Package) []Offered {
	list := []Offered{}
	seen := map[string]bool{}
	for i, v := range append([]*Version{p.Latest}, s.Bases(p.Latest)...) {
		from := ""
		if i > 0 {
			from = s.byID[v.PackageID].RefID
		}
		for _, e := range v.Entitlements {
			key := e.Type + e.Ref()
			if seen[key] {
				continue
			}
			seen[key] = true
			if slices.Contains(e.HiddenFromWidgets, Paywall) {
				continue
			}
			if i == 0 { // the prices of a base are not inherited
				e.Soft = v.Soft(&e)
			}
			f, _ := s.Feature(e.FeatureRefID)
			list = append(list, Offered{e, f, from})
		}
	}
	return list
}

// sortOffers brings plans into the order that was set, and the others behind them: free ones, paid ones by price, custom
// ones (domain-catalog-provisioning §3.5).
func sortOffers(list []Offer, order []string) {
	place := map[string]int{}
	for i, ref := range order {
		place[ref] = i - len(order)
	}
	rank := map[string]int{Free: 0, Paid: 1, Custom: 2}
	slices.SortFunc(list, func(a, b Offer) int {
		return cmp.Or(
			cmp.Compare(place[a.RefID], place[b.RefID]),
			cmp.Compare(rank[a.Latest.PricingType], rank[b.Latest.PricingType]),
			yearly(a.Prices).Cmp(yearly(b.Prices)),
			cmp.Compare(a.RefID, b.RefID),
		)
	})
}

// yearly is the least that the prices cost in a year: flat fees, minimum spends and the fewest units; usage and credits
// are 0
// (domain-catalog-provisioning §9.9, starting price).
func yearly(prices []Price) money.Decimal {
	sums := map[string]money.Decimal{}
	for i := range prices {
		p := &prices[i]
		if p.Overage || p.BillingCadence != Recurring || p.BillingModel == UsageBased || p.BillingModel == CreditBased {
			continue
		}
		quantity := money.FromInt(1)
		if p.MinQuantity != nil {
			quantity = money.FromInt(*p.MinQuantity)
		}
		amount, err := Exact(*p, quantity)
		if err != nil {
			continue // a minimum is never below 0
		}
		times := money.FromInt(1)
		if p.BillingPeriod == Monthly {
			times = money.FromInt(12)
		}
		sums[p.BillingPeriod] = sums[p.BillingPeriod].Add(amount.Amount.Mul(times))
	}
	monthly, hasMonthly := sums[Monthly]
	annually, hasAnnually := sums[Annually]
	switch {
	case hasMonthly && hasAnnually && monthly.Cmp(annually) < 0, !hasAnnually:
		return monthly
	}
	return annually
}

// Ranks are the places of a product's plans in its pricing table, hidden ones included: a later place gives more.
func (s *Snapshot) Ranks(product *Product) map[string]int {
	var list []Offer
	for _, p := range s.plansOf[product.ID] {
		if p.Latest != nil {
			list = append(list, Offer{Package: p, Prices: Applicable(p.Latest.Prices, "")})
		}
	}
	sortOffers(list, product.PlanOrder)
	ranks := make(map[string]int, len(list))
	for i, o := range list {
		ranks[o.RefID] = i
	}
	return ranks
}
