package catalog

import (
	"fmt"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/money"
)

// What a price can be in this edition.
const (
	FlatFee   = "FLAT_FEE"
	Recurring = "RECURRING"
	Monthly   = "MONTHLY"
)

// Pricing is the whole pricing of a draft. It replaces what was there.
type Pricing struct {
	Type   string
	Models []PricingModel
}

// PricingModel is how one charge is made up. An empty cadence is RECURRING.
type PricingModel struct {
	BillingModel   string
	BillingCadence string
	Periods        []PricePeriod
}

// PricePeriod is the price of a charge for one billing period. An empty currency is USD.
type PricePeriod struct {
	BillingPeriod string
	Price         *money.Money
}

const notYet = "is not supported yet: a paid plan has one flat monthly price"

// check records every bad field under charges (domain-catalog-provisioning §3.7).
func (p Pricing) check(c *errs.Checks) {
	checkPricingType(c, "charges.pricingType", p.Type)
	if p.Type != Paid && len(p.Models) > 0 {
		c.Rule("charges.pricingModels", "only a PAID plan has prices")
	}
	for i, m := range p.Models {
		path := fmt.Sprintf("charges.pricingModels[%d]", i)
		if i > 0 {
			c.Rule(path, notYet)
		}
		m.check(c, path)
	}
}

func checkPricingType(c *errs.Checks, path, v string) { checkOneOf(c, path, v, Free, Paid, Custom) }

func (m PricingModel) check(c *errs.Checks, path string) {
	if m.BillingModel != FlatFee {
		c.Rule(path+".billingModel", "%s %s", m.BillingModel, notYet)
	}
	if m.BillingCadence != "" && m.BillingCadence != Recurring {
		c.Rule(path+".billingCadence", "%s %s", m.BillingCadence, notYet)
	}
	if len(m.Periods) == 0 {
		c.Shape(path+".pricePeriods", "must have at least 1 item")
	}
	for i, p := range m.Periods {
		at := fmt.Sprintf("%s.pricePeriods[%d]", path, i)
		if i > 0 {
			c.Rule(at, notYet)
		}
		p.check(c, at)
	}
}

func (p PricePeriod) check(c *errs.Checks, path string) {
	if p.BillingPeriod != Monthly {
		c.Rule(path+".billingPeriod", "%s %s", p.BillingPeriod, notYet)
	}
	if p.Price == nil {
		c.Rule(path+".price", "is required")
		return
	}
	if p.Price.Amount.Sign() < 0 {
		c.Rule(path+".price.amount", "must be at least 0")
	}
	if issue := money.PlacesIssue(p.Price.Amount); issue != "" {
		c.Rule(path+".price.amount", "%s", issue)
	}
	if cur := p.Price.Currency; cur != "" && !cur.Valid() {
		c.Shape(path+".price.currency", "is not a supported lower-case ISO 4217 code")
	}
}

// prices makes the rows of checked pricing.
func (p Pricing) prices(now time.Time) []Price {
	var rows []Price
	for _, m := range p.Models {
		for _, period := range m.Periods {
			price := *period.Price
			if price.Currency == "" {
				price.Currency = money.USD
			}
			rows = append(rows, Price{
				ID: id.New(), BillingModel: FlatFee, BillingCadence: Recurring, BillingPeriod: Monthly,
				Price: price, CreatedAt: now,
			})
		}
	}
	return rows
}
