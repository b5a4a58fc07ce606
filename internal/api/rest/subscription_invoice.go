package rest

import (
	"cmp"
	"fmt"
	"math/big"
	"time"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/subscription"
)

type spanBody struct {
	Start Time `json:"start"`
	End   Time `json:"end"`
}

// invoiceBody is an invoice on the wire: the original's members, and how it is paid.
type invoiceBody struct {
	SubTotal           money.Decimal              `json:"subTotal" doc:"The sum of the lines; below 0 when more is given back than charged."`
	Discount           money.Decimal              `json:"discount"`
	Tax                money.Decimal              `json:"tax"`
	Total              money.Decimal              `json:"total" doc:"To be paid: 0 or more."`
	Credit             money.Decimal              `json:"credit" doc:"What is given back beyond what is charged: it becomes the customer's balance."`
	FromBalance        money.Decimal              `json:"fromBalance" doc:"Paid from the customer's balance."`
	AmountDue          money.Decimal              `json:"amountDue" doc:"What remains to be paid."`
	Currency           Opt[string]                `json:"currency"`
	Lines              []invoiceLineBody          `json:"lines"`
	Discounts          []discountBody             `json:"discounts"`
	DiscountDetails    Given[discountDetailsBody] `json:"discountDetails,omitzero"`
	BillingPeriodRange Given[spanBody]            `json:"billingPeriodRange,omitzero" doc:"The time that is charged."`
}

type invoiceLineBody struct {
	Description string        `json:"description"`
	Quantity    int64         `json:"quantity"`
	UnitPrice   money.Decimal `json:"unitPrice" doc:"For a whole billing period; with tiers or blocks the average of this line."`
	SubTotal    money.Decimal `json:"subTotal" doc:"Below 0 when it is given back."`
	Currency    string        `json:"currency"`
}

type discountBody struct {
	Amount      money.Decimal `json:"amount"`
	Currency    string        `json:"currency"`
	Description string        `json:"description"`
}

type discountDetailsBody struct {
	Code        Given[string]        `json:"code,omitzero"`
	Percentage  Given[int64]         `json:"percentage,omitzero"`
	FixedAmount Given[money.Decimal] `json:"fixedAmount,omitzero"`
}

// span is absent for a time that has no bounds.
func span(start, end time.Time) Given[spanBody] {
	if start.IsZero() && end.IsZero() {
		return Given[spanBody]{}
	}
	return give(spanBody{At(start), At(end)})
}

func invoiceOf(inv *subscription.Invoice, discounts []subscription.Discount) invoiceBody {
	currency := string(inv.Currency)
	b := invoiceBody{
		SubTotal: inv.SubTotal, Discount: inv.Discount, Total: inv.Total, Credit: inv.Credit, FromBalance: inv.FromBalance,
		AmountDue: inv.AmountDue, Currency: text(currency), Lines: make([]invoiceLineBody, 0, len(inv.Lines)),
		Discounts: []discountBody{}, BillingPeriodRange: span(inv.Start, inv.End),
	}
	for _, l := range inv.Lines {
		b.Lines = append(b.Lines, invoiceLineBody{l.Description, l.Quantity, unitPriceOf(l), l.Amount, currency})
	}
	for _, d := range discounts {
		b.Discounts = append(b.Discounts, discountBody{off(inv, d, len(discounts) == 1), currency, discountTextOf(d, inv.Currency)})
	}
	if len(discounts) > 0 {
		b.DiscountDetails = give(discountDetailsOf(discounts[0]))
	}
	return b
}

// off is what one discount takes off an invoice. Where it is the only one, that is the invoice's own, exact sum.
func off(inv *subscription.Invoice, d subscription.Discount, alone bool) money.Decimal {
	switch {
	case alone:
		return inv.Discount
	case d.PercentOff > 0:
		part := new(big.Rat).Mul(inv.SubTotal.Rat(), big.NewRat(int64(d.PercentOff), 100))
		return money.FromRat(part, inv.Currency.MinorUnits(), money.HalfUp)
	}
	return d.AmountOff
}

func discountTextOf(d subscription.Discount, currency money.Currency) string {
	if d.PercentOff > 0 {
		return cmp.Or(d.Name, d.ID, fmt.Sprintf("%d %% off", d.PercentOff))
	}
	return cmp.Or(d.Name, d.ID, money.Money{Amount: d.AmountOff, Currency: currency}.String()+" off")
}

func discountDetailsOf(d subscription.Discount) discountDetailsBody {
	var b discountDetailsBody
	if d.ID != "" {
		b.Code = give(d.ID)
	}
	if d.PercentOff > 0 {
		b.Percentage = give(int64(d.PercentOff))
	} else {
		b.FixedAmount = give(d.AmountOff)
	}
	return b
}

// unitPriceOf is the price of one unit, and where units have different prices their average in this line.
func unitPriceOf(l subscription.InvoiceLine) money.Decimal {
	switch {
	case l.UnitPrice != nil:
		return *l.UnitPrice
	case l.Quantity == 0 || l.Quantity == 1:
		return l.Amount
	}
	return money.FromRat(new(big.Rat).Quo(l.Amount.Rat(), big.NewRat(l.Quantity, 1)), money.MaxPlaces, money.HalfUp)
}
