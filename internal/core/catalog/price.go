package catalog

import (
	"cmp"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/money"
)

// Billing models (domain-catalog-provisioning §3.7).
const (
	FlatFee      = "FLAT_FEE"
	PerUnit      = "PER_UNIT"
	UsageBased   = "USAGE_BASED"
	CreditBased  = "CREDIT_BASED"
	MinimumSpend = "MINIMUM_SPEND"
)

// Cadences, periods and tier modes.
const (
	Recurring = "RECURRING"
	OneOff    = "ONE_OFF"

	Monthly  = "MONTHLY"
	Annually = "ANNUALLY"

	Volume    = "VOLUME"
	Graduated = "GRADUATED"
)

// When overage is billed.
const (
	OnSubscriptionRenewal = "ON_SUBSCRIPTION_RENEWAL"
)

// Price is one row of a version's pricing: a charge in one billing period and one country. Those of published versions
// never change and are referred to by their ID.
type Price struct {
	ID             string
	Overage        bool // charged beyond the included quantity
	BillingModel   string
	BillingCadence string
	BillingPeriod  string
	Country        string // ISO 3166-1 alpha-2; "" for the default
	FeatureID      string // internal; "" where the model has none
	FeatureRefID   string
	Price          *money.Money // per unit, per block or flat; nil with tiers, or when credits alone are charged
	TiersMode      string       // VOLUME, GRADUATED or "" without tiers
	Tiers          []Tier
	BlockSize      *int64 // units that are sold together; nil for one
	MinQuantity    *int64 // of PER_UNIT and CREDIT_BASED
	MaxQuantity    *int64
	CreditRate     *CreditRate
	GrantCadence   string // of CREDIT_BASED: BEGINNING_OF_BILLING_PERIOD or MONTHLY
	TopUpCurrency  string // of CREDIT_BASED: the custom currency that is sold
	ResetPeriod    string // of the feature's usage that the charge counts
	Reset          *ResetConfiguration
	CreatedAt      time.Time
}

// Tier is a range of quantities, from just above the tier before to UpTo. The last one has no end.
type Tier struct {
	UpTo      *int64       `json:"upTo,omitempty" minimum:"1" doc:"The last quantity of this tier; absent in the last tier."`
	UnitPrice *money.Money `json:"unitPrice,omitempty"`
	FlatPrice *money.Money `json:"flatPrice,omitempty"`
}

// CreditRate charges usage in credits of a custom currency.
type CreditRate struct {
	Amount      money.Decimal `json:"amount"`
	CurrencyID  string        `json:"currencyId" minLength:"1" maxLength:"255" format:"ref"`
	CostFormula string        `json:"costFormula,omitempty" maxLength:"1000"`
}

// Currency is what the price is paid in; "" when credits alone are charged.
func (p *Price) Currency() money.Currency {
	switch {
	case p.Price != nil:
		return p.Price.Currency
	case len(p.Tiers) > 0 && p.Tiers[0].UnitPrice != nil:
		return p.Tiers[0].UnitPrice.Currency
	case len(p.Tiers) > 0 && p.Tiers[0].FlatPrice != nil:
		return p.Tiers[0].FlatPrice.Currency
	}
	return ""
}

// charge is what a price is a price of: rows of one charge differ in period and country alone.
type charge struct {
	overage                           bool
	model, cadence, feature, currency string
}

func (p *Price) charge() charge {
	return charge{p.Overage, p.BillingModel, p.BillingCadence, p.FeatureRefID, p.TopUpCurrency}
}

// Applicable are the prices of a version in a country: in every period those for it where there are any, else the default
// ones (domain-catalog-provisioning §3.8).
func Applicable(prices []Price, country string) []Price {
	type key struct {
		charge
		period string
	}
	best := map[key]int{}
	for i := range prices {
		p := &prices[i]
		if p.Country != "" && p.Country != country {
			continue
		}
		k := key{p.charge(), p.BillingPeriod}
		if old, ok := best[k]; !ok || prices[old].Country == "" {
			best[k] = i
		}
	}
	out := make([]Price, 0, len(best))
	for _, i := range best {
		out = append(out, prices[i])
	}
	sortPrices(out)
	return out
}

// Payable are the applicable prices that a subscription pays in a billing period. What is charged once, or beyond the
// included quantity, is so in any period: by its price for this one, else by its first.
func Payable(prices []Price, period, country string) []Price {
	list := Applicable(prices, country)
	has := map[charge]bool{}
	for i := range list {
		if list[i].BillingPeriod == period {
			has[list[i].charge()] = true
		}
	}
	return slices.DeleteFunc(list, func(p Price) bool {
		if p.BillingPeriod == period {
			return false
		}
		instead := !has[p.charge()] && (p.BillingCadence == OneOff || p.Overage)
		has[p.charge()] = true
		return !instead
	})
}

// Periods are the billing periods that a plan with add-ons can be sold in: the plan's, else those that its add-ons have
// in common. none reports add-ons that have none in common.
func Periods(plan *Version, addons []*Version) (has []string, none bool) {
	if has = plan.BillingPeriods(); len(has) > 0 {
		return has, false
	}
	first := true
	for _, a := range addons {
		own := a.BillingPeriods()
		switch {
		case len(own) == 0:
		case first:
			has, first = own, false
		default:
			has = slices.DeleteFunc(has, func(period string) bool { return !slices.Contains(own, period) })
		}
	}
	return has, !first && len(has) == 0
}

// CurrencyIn is the currency of the version's prices in a country; "" when it has none.
func (v *Version) CurrencyIn(country string) money.Currency {
	for _, p := range Applicable(v.Prices, country) {
		if c := p.Currency(); c != "" {
			return c
		}
	}
	return ""
}

// CountryFor is a country whose prices are in a currency: the asked one if they are, else the default prices if they are,
// else the first in alphabetical order. ok is false when the version has no price in the currency.
func (v *Version) CountryFor(country string, c money.Currency) (found string, ok bool) {
	if c == "" || v.CurrencyIn(country) == c {
		return country, true
	}
	if v.CurrencyIn("") == c {
		return "", true
	}
	var countries []string
	for _, p := range v.Prices {
		if p.Country != "" && p.Currency() == c {
			countries = append(countries, p.Country)
		}
	}
	if len(countries) == 0 {
		return country, false
	}
	return slices.Min(countries), true
}

var modelOrder = []string{FlatFee, MinimumSpend, PerUnit, UsageBased, CreditBased}

// sortPrices brings prices into the order in which they are shown: what is charged in advance first, then by feature,
// period and country.
func sortPrices(prices []Price) {
	slices.SortFunc(prices, func(a, b Price) int {
		return cmp.Or(
			boolOrder(a.Overage, b.Overage),
			cmp.Compare(slices.Index(modelOrder, a.BillingModel), slices.Index(modelOrder, b.BillingModel)),
			-cmp.Compare(a.BillingCadence, b.BillingCadence), // RECURRING before ONE_OFF
			cmp.Compare(a.FeatureRefID, b.FeatureRefID),
			cmp.Compare(a.TopUpCurrency, b.TopUpCurrency),
			-cmp.Compare(a.BillingPeriod, b.BillingPeriod), // MONTHLY before ANNUALLY
			cmp.Compare(a.Country, b.Country),
		)
	})
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
