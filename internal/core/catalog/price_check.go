package catalog

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/purserhq/purser/internal/base/errs"

	"github.com/purserhq/purser/internal/base/money"
)

// price checks that there is exactly one way to compute the price.
func (k *pricingCheck) price(p *PricePeriod, mode string, ch charge, path string) {
	switch {
	case p.Price != nil && len(p.Tiers) > 0:
		k.Rule(path+".tiers", "cannot be combined with price")
	case len(p.Tiers) > 0 && mode == "":
		k.Rule(path+".tiers", "needs tiersMode VOLUME or GRADUATED")
	case mode != "" && len(p.Tiers) == 0:
		k.Rule(path+".tiers", "is required with tiersMode")
	case p.Price == nil && len(p.Tiers) == 0 && p.CreditRate == nil:
		k.Rule(path+".price", "is required")
	}
	if len(p.Tiers) > 0 && (ch.model == FlatFee || ch.model == MinimumSpend) {
		k.Rule(path+".tiers", "%s has no tiers", ch.model)
	}
	if p.Price != nil {
		k.amount(p.Price, path+".price")
	}
	k.tiers(p.Tiers, path)
	k.block(p, ch, path)
	k.credits(p, ch, path)
	if cur := currencyOf(p); cur != "" {
		k.rows = append(k.rows, pricedIn{ch, p.BillingPeriod, p.Country, cur, path})
	}
}

// currencyOf is the currency of a price as it was written; usd where none was.
func currencyOf(p *PricePeriod) money.Currency {
	m := p.Price
	if m == nil && len(p.Tiers) > 0 {
		if m = p.Tiers[0].UnitPrice; m == nil {
			m = p.Tiers[0].FlatPrice
		}
	}
	if m == nil {
		return ""
	}
	return cmp.Or(m.Currency, money.USD)
}

func (k *pricingCheck) amount(m *money.Money, path string) {
	if m.Amount.Sign() < 0 {
		k.Rule(path+".amount", "must be at least 0")
	}
	if issue := money.PriceIssue(m.Amount); issue != "" {
		k.Rule(path+".amount", "%s", issue)
	}
	if cur := m.Currency; cur != "" && !cur.Valid() {
		k.Shape(path+".currency", "is not a supported lower-case ISO 4217 code")
	}
}

// tiers checks that tiers ascend, end open and cost something in one currency.
func (k *pricingCheck) tiers(tiers []Tier, path string) {
	var below int64
	var cur money.Currency
	for i, t := range tiers {
		at := fmt.Sprintf("%s.tiers[%d]", path, i)
		last := i == len(tiers)-1
		switch {
		case last && t.UpTo != nil:
			k.Rule(at+".upTo", "must be absent in the last tier: it has no end")
		case !last && t.UpTo == nil:
			k.Rule(at+".upTo", "is required in all tiers but the last")
		case t.UpTo != nil && *t.UpTo <= below:
			k.Rule(at+".upTo", "must be more than %d, where the tier before ends", below)
		}
		if t.UpTo != nil {
			below = *t.UpTo
		}
		if t.UnitPrice == nil && t.FlatPrice == nil {
			k.Rule(at, "needs a unitPrice or a flatPrice")
		}
		for _, m := range []struct {
			name  string
			price *money.Money
		}{{".unitPrice", t.UnitPrice}, {".flatPrice", t.FlatPrice}} {
			if m.price == nil {
				continue
			}
			k.amount(m.price, at+m.name)
			if own := cmp.Or(m.price.Currency, money.USD); cur == "" {
				cur = own
			} else if own != cur {
				k.Rule(at+m.name+".currency", "all tiers must have the same currency")
			}
		}
	}
}

// sameBoundaries compares the tiers of a period with those of the first (domain-catalog-provisioning §3.7).
func (k *pricingCheck) sameBoundaries(first, tiers []Tier, path string) {
	end := func(t Tier) int64 {
		if t.UpTo == nil {
			return -1
		}
		return *t.UpTo
	}
	if len(tiers) == 0 || len(first) == 0 {
		return
	}
	if !slices.EqualFunc(first, tiers, func(a, b Tier) bool { return end(a) == end(b) }) {
		k.Rule(path+".tiers", "must end at the same quantities as in the other prices of this charge")
	}
}

func (k *pricingCheck) block(p *PricePeriod, ch charge, path string) {
	switch {
	case p.BlockSize == nil:
	case ch.model == FlatFee || ch.model == MinimumSpend:
		k.Rule(path+".blockSize", "%s has no units", ch.model)
	case len(p.Tiers) > 0:
		k.Rule(path+".blockSize", "cannot be combined with tiers")
	case *p.BlockSize < 1 || *p.BlockSize > 1_000_000_000_000:
		k.Rule(path+".blockSize", "must be from 1 to 1000000000000")
	}
}

func (k *pricingCheck) credits(p *PricePeriod, ch charge, path string) {
	if p.GrantCadence != "" {
		checkOneOf(k.Checks, path+".creditGrantCadence", p.GrantCadence, "BEGINNING_OF_BILLING_PERIOD", Monthly)
		if ch.model != CreditBased {
			k.Rule(path+".creditGrantCadence", "only CREDIT_BASED grants credits")
		}
	}
	if r := p.CreditRate; r != nil {
		if ch.model != UsageBased {
			k.Rule(path+".creditRate", "only USAGE_BASED is charged in credits")
		}
		if r.Amount.Sign() <= 0 {
			k.Rule(path+".creditRate.amount", "must be more than 0")
		} else if issue := money.PriceIssue(r.Amount); issue != "" {
			k.Rule(path+".creditRate.amount", "%s", issue)
		}
		checkRef(k.Checks, path+".creditRate.currencyId", r.CurrencyID)
	}
}

// CheckTiers records what is wrong with tiers that are given outside of a catalog.
func CheckTiers(c *errs.Checks, path string, tiers []Tier) {
	(&pricingCheck{Checks: c}).tiers(tiers, path)
}
