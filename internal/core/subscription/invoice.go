package subscription

import (
	"math/big"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/money"
)

// Invoice is what is charged at one moment, or given back.
type Invoice struct {
	Currency money.Currency `json:"currency,omitempty"`
	Lines    []InvoiceLine  `json:"lines"`
	SubTotal money.Decimal  `json:"subTotal"` // the sum of the lines' amounts, below 0 when more is given back
	Discount money.Decimal  `json:"discount"` // the sum of the lines' discounts
	Total    money.Decimal  `json:"total"`    // to be paid: SubTotal less Discount, 0 or more
	Credit   money.Decimal  `json:"credit"`   // what is left of what is given back: it becomes the customer's balance
	Start    time.Time      `json:"start"`    // the time that is charged
	End      time.Time      `json:"end"`
	// FromBalance is paid from the customer's balance, AmountDue is what remains.
	FromBalance money.Decimal `json:"fromBalance"`
	AmountDue   money.Decimal `json:"amountDue"`
	Deferred    bool          `json:"deferred,omitempty"` // the lines wait for the next invoice
}

// InvoiceLine is rounded once, half up, to the currency's minor units: Amount and Discount each for itself. Both are below 0
// in a line that gives something back.
type InvoiceLine struct {
	Description string         `json:"description"`
	Quantity    int64          `json:"quantity"`
	UnitPrice   *money.Decimal `json:"unitPrice,omitempty"` // for a whole billing period; nil with tiers or blocks
	Amount      money.Decimal  `json:"amount"`
	Discount    money.Decimal  `json:"discount"`
}

// Zero reports whether the invoice says nothing: no line. One whose lines cancel each other out says something.
func (i Invoice) Zero() bool { return len(i.Lines) == 0 }

// Add puts lines that waited for this invoice before its own.
func (i *Invoice) Add(waiting []InvoiceLine) {
	if len(waiting) == 0 {
		return
	}
	i.Lines = append(slices.Clone(waiting), i.Lines...)
	for _, l := range waiting {
		i.SubTotal, i.Discount = i.SubTotal.Add(l.Amount), i.Discount.Add(l.Discount)
	}
	i.total()
}

// total is what the lines come to.
func (i *Invoice) total() {
	none := money.Decimal{}.Quantize(i.Currency.MinorUnits(), money.Down)
	i.Total, i.Credit = none, none
	if net := i.SubTotal.Sub(i.Discount).Quantize(i.Currency.MinorUnits(), money.HalfUp); net.Sign() > 0 {
		i.Total = net
	} else {
		i.Credit = none.Sub(net).Quantize(i.Currency.MinorUnits(), money.HalfUp)
	}
}

// invoice rounds changes to lines and adds them up. Lines of less than half a minor unit stay out.
func invoice(c money.Currency, changes []change) Invoice {
	i := Invoice{Currency: c, Lines: []InvoiceLine{}}
	for _, ch := range changes {
		l := InvoiceLine{
			Description: ch.text, Quantity: ch.quantity, UnitPrice: ch.unit,
			Amount:   round(new(big.Rat).Mul(ch.amount, ch.part), c),
			Discount: round(new(big.Rat).Mul(ch.discount, ch.part), c),
		}
		if l.Amount.IsZero() {
			continue
		}
		i.Lines = append(i.Lines, l)
		i.SubTotal, i.Discount = i.SubTotal.Add(l.Amount), i.Discount.Add(l.Discount)
	}
	net := i.SubTotal.Sub(i.Discount)
	if net.Sign() > 0 {
		i.Total = net
	} else {
		i.Credit = money.Decimal{}.Sub(net)
	}
	for _, sum := range []*money.Decimal{&i.SubTotal, &i.Discount, &i.Total, &i.Credit} {
		*sum = sum.Quantize(c.MinorUnits(), money.HalfUp) // exact already: this pads like the lines
	}
	return i
}

func round(q *big.Rat, c money.Currency) money.Decimal {
	return money.FromRat(q, c.MinorUnits(), money.HalfUp)
}

// change is a line of an invoice before it is rounded.
type change struct {
	text             string
	quantity         int64
	unit             *money.Decimal
	amount, discount *big.Rat // for a whole billing period; below 0 when given back
	part             *big.Rat // of a period, 0 to 1
}

// credit gives back what is gone for a part of a period.
func (s *step) credit(part *big.Rat) change {
	c := s.shown(s.old)
	c.text += " (unused time)"
	c.amount, c.discount, c.part = new(big.Rat).Neg(s.gone), new(big.Rat).Neg(s.lost), part
	return c
}

// debit charges what is new for a part of a period; what is paid once is charged whole.
func (s *step) debit(part *big.Rat) change {
	c := s.shown(s.next)
	c.amount, c.discount, c.part = s.grown, s.off, part
	one := big.NewRat(1, 1)
	switch {
	case s.oneOff:
		c.part = one
	case part.Cmp(one) < 0:
		c.text += " (rest of the period)"
	}
	return c
}

// shown says what a change is about: the line as a whole, or by how many units or by how much a unit it differs.
func (s *step) shown(l *Line) change {
	if s.whole {
		return change{text: l.Description, quantity: l.Quantity, unit: l.UnitPrice}
	}
	more := s.next.Quantity - s.old.Quantity
	sameUnit := s.next.UnitPrice == nil && s.old.UnitPrice == nil
	if s.next.UnitPrice != nil && s.old.UnitPrice != nil {
		diff := s.next.UnitPrice.Sub(*s.old.UnitPrice)
		if sameUnit = diff.IsZero(); more == 0 {
			diff = diff.Mul(money.FromInt(int64(diff.Sign())))
			return change{text: s.next.Description, quantity: s.next.Quantity, unit: &diff}
		}
	}
	if sameUnit && more != 0 && (more > 0) == (s.grown.Sign() > 0) {
		more = max(more, -more)
		return change{text: s.next.describe(more), quantity: more, unit: s.next.UnitPrice}
	}
	return change{text: s.next.Description, quantity: s.next.Quantity}
}
