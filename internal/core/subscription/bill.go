package subscription

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
)

// LineKey says what a line is for. A bill has one line of each key; two bills are compared by it.
type LineKey struct {
	Package string `json:"package"`         // refId of the plan or the add-on
	Addon   bool   `json:"addon,omitempty"` // of an add-on
	Model   string `json:"model"`           // FLAT_FEE, PER_UNIT, CREDIT_BASED or MINIMUM_SPEND
	Cadence string `json:"cadence"`         // RECURRING or ONE_OFF
	Feature string `json:"feature,omitempty"`
	TopUp   string `json:"topUp,omitempty"` // refId of the custom currency that is sold
}

// Line is one charge of a bill.
type Line struct {
	LineKey
	Description string         `json:"description"`
	Quantity    int64          `json:"quantity"`            // units, or add-ons, or 1
	UnitPrice   *money.Decimal `json:"unitPrice,omitempty"` // nil with tiers or blocks
	Amount      money.Decimal  `json:"amount"`              // unrounded, for one whole billing period; what is paid once: all of it
	Discount    money.Decimal  `json:"discount"`            // the part of Amount that is taken off
}

// Bill is what a subscription costs in advance.
type Bill struct {
	Currency money.Currency `json:"currency,omitempty"` // "" without lines
	Lines    []Line         `json:"lines,omitempty"`
}

// Discount is what a coupon takes off.
type Discount struct {
	ID         string        `json:"id,omitempty"` // refId of the coupon; "" for one that was made for the subscription
	Name       string        `json:"name,omitempty"`
	PercentOff int           `json:"percentOff,omitempty"` // 1 to 100; 0 for a fixed one
	AmountOff  money.Decimal `json:"amountOff"`            // of a fixed one: once per whole billing period, in the bill's currency
}

// BillOf returns what a subscription pays in advance and in money for its charges, which are those of one billing period
// and country: usage, overage and charges in credits are left out. A charge counts the quantity that was ordered, else its
// minimum, else 1, and an add-on's is multiplied by how many there are of it. A minimum spend replaces the plan's own. The
// error is errs.BadUserInput for prices in two currencies, or catalog.ErrInvalidQuantity for a quantity below 0.
func BillOf(planRef string, charges []Charge, addons []Addon, quantities []Quantity, minimumSpend *money.Money) (Bill, error) {
	if minimumSpend != nil {
		charges = slices.DeleteFunc(slices.Clone(charges), func(c Charge) bool {
			return c.AddonRef == "" && c.BillingModel == catalog.MinimumSpend
		})
		charges = append(charges, Charge{Price: catalog.Price{
			BillingModel: catalog.MinimumSpend, BillingCadence: catalog.Recurring, Price: minimumSpend,
		}})
	}
	var b Bill
	for i := range charges {
		c := &charges[i]
		times := c.times(addons)
		if !c.inAdvance() || times == 0 {
			continue
		}
		l, err := c.line(planRef, c.units(quantities), times)
		if err != nil {
			return Bill{}, fmt.Errorf("bill %s: %w", l.Description, err)
		}
		if b.Currency != "" && b.Currency != c.Currency() {
			return Bill{}, errs.BadUserInput.Because(
				"A subscription is paid in one currency, and its prices are in %s and %s.", b.Currency, c.Currency())
		}
		b.Currency, b.Lines = c.Currency(), append(b.Lines, l)
	}
	return b, nil
}

// Ordered returns what each charge that is paid in advance counts, one entry per feature or custom currency: the quantity
// that was given, else the charge's minimum, else 1.
func Ordered(charges []Charge, given []Quantity) []Quantity {
	var list []Quantity
	for i := range charges {
		q := Quantity{Type: catalog.FeatureEntitlement, ID: charges[i].FeatureRefID}
		switch charges[i].BillingModel {
		case catalog.PerUnit:
		case catalog.CreditBased:
			q.Type, q.ID = catalog.CreditEntitlement, charges[i].TopUpCurrency
		default:
			continue
		}
		if _, ok := quantityOf(list, q.Type, q.ID); !ok && charges[i].inAdvance() {
			q.Quantity = charges[i].units(given)
			list = append(list, q)
		}
	}
	return list
}

// inAdvance reports whether the charge is paid in advance, and in money.
func (c *Charge) inAdvance() bool {
	return !c.Overage && c.BillingModel != catalog.UsageBased && c.Currency() != ""
}

// times is how many there are of the package whose charge it is.
func (c *Charge) times(addons []Addon) int64 {
	if c.AddonRef == "" {
		return 1
	}
	for _, a := range addons {
		if a.RefID == c.AddonRef {
			return a.Quantity
		}
	}
	return 0
}

// units is how much the charge counts.
func (c *Charge) units(given []Quantity) int64 {
	typ, id := catalog.FeatureEntitlement, c.FeatureRefID
	switch c.BillingModel {
	case catalog.FlatFee, catalog.MinimumSpend:
		return 1
	case catalog.CreditBased:
		typ, id = catalog.CreditEntitlement, c.TopUpCurrency
	}
	if n, ok := quantityOf(given, typ, id); ok {
		return n
	}
	return leastUnits(&c.Price)
}

// leastUnits is how many units a price counts where no number was ordered.
func leastUnits(p *catalog.Price) int64 {
	if p.MinQuantity != nil {
		return *p.MinQuantity
	}
	return 1
}

func quantityOf(list []Quantity, typ, id string) (n int64, ok bool) {
	for _, q := range list {
		if q.Type == typ && q.ID == id {
			return q.Quantity, true
		}
	}
	return 0, false
}

// line bills so many units of the charge so many times.
func (c *Charge) line(planRef string, units, times int64) (Line, error) {
	l := Line{
		LineKey: LineKey{
			Package: planRef, Model: c.BillingModel, Cadence: c.BillingCadence, Feature: c.FeatureRefID, TopUp: c.TopUpCurrency,
		},
		Quantity: units * times,
	}
	if c.AddonRef != "" {
		l.Package, l.Addon = c.AddonRef, true
	}
	l.Description = l.describe(l.Quantity)
	m, err := catalog.Exact(c.Price, money.FromInt(units))
	l.Amount = m.Amount.Mul(money.FromInt(times))
	if len(c.Tiers) == 0 && c.BlockSize == nil && c.Price.Price != nil {
		l.UnitPrice = &c.Price.Price.Amount
	}
	return l, err
}

// describe names a number of what the line is for: "plan-pro", "seats × 5", "add-on extra × 2".
func (k LineKey) describe(n int64) string {
	text, count := k.Package, k.Addon && n != 1
	if k.Addon {
		text = "add-on " + text
	}
	of := ""
	switch k.Model {
	case catalog.PerUnit:
		of, count = k.Feature, true
	case catalog.CreditBased:
		of, count = k.TopUp, true
	case catalog.MinimumSpend:
		of = "minimum spend"
	}
	switch {
	case of != "" && k.Addon:
		text += ", " + of
	case of != "":
		text = of
	}
	if count {
		text += " × " + strconv.FormatInt(n, 10)
	}
	if k.Cadence == catalog.OneOff {
		text += ", once"
	}
	return text
}
