package subscription

import (
	"time"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
)

// What happens to the rest of a period that is paid for when what a subscription costs changes
// (domain-catalog-provisioning §9.10).
const (
	InvoiceImmediately = "INVOICE_IMMEDIATELY" // invoiced at once
	CreateProrations   = "CREATE_PRORATIONS"   // the lines wait for the next invoice
	NoProration        = "NONE"                // nothing; the new price holds from the next period on
)

// Proration is a change of what a subscription costs, within a billing period or with the beginning of another.
type Proration struct {
	// Paid is what has been paid for until the end of Period, with the discounts it was paid with; empty for nothing.
	Paid Bill
	// Next is what the subscription costs from At on; empty for one that ends. Its discounts are computed, not read.
	Next Bill
	// Discount is in force at At, for what is newly charged; nil for none.
	Discount *Discount
	// Period is the one that Paid has been paid for; zero with nothing paid.
	Period Span
	// Restart is a period that begins with the change: the first one, or another cycle's. Everything recurring that was paid
	// is given back for the rest of Period, and Next is charged for what is left of Restart. nil keeps the period.
	Restart *Span
	At      time.Time
	// Behavior is INVOICE_IMMEDIATELY, which "" is too, CREATE_PRORATIONS or NONE.
	Behavior string
}

// Prorate returns the invoice of a change and what counts as paid from then on, until the end of the period or of Restart.
// A line that grows is charged for the difference and one that shrinks gives it back, each for what is left of the period;
// what is paid once is charged whole when it is new or grows, stays paid and is never given back. A line that shrinks or
// ends gives back its discount too: in proportion, so that never more than was paid comes back.
//
// NONE changes nothing: no lines, and Paid stays paid. With Restart it charges the new period and gives nothing back.
func Prorate(p Proration) (Invoice, Bill) {
	cur := p.currency()
	if p.Behavior == NoProration && p.Restart == nil {
		i := invoice(cur, nil)
		i.Start, i.End = p.span()
		return i, p.Paid
	}
	steps := p.steps()
	i := invoice(cur, p.changes(steps))
	i.Start, i.End = p.span()
	i.Deferred = p.Behavior == CreateProrations && !i.Zero()
	return i, paidAfter(cur, steps)
}

// Recurring returns the invoice of a billing period at its start, and what counts as paid in it. What is paid once was
// charged when it came and counts as paid. A period that is a part of a whole one is charged for that part.
func Recurring(next Bill, d *Discount, period Span) (Invoice, Bill) {
	paid := Bill{Currency: next.Currency}
	for _, l := range next.Lines {
		if l.Cadence == catalog.OneOff {
			l.Discount = money.Decimal{}
			paid.Lines = append(paid.Lines, l)
		}
	}
	return Prorate(Proration{Paid: paid, Next: next, Discount: d, Restart: &period, At: period.Start})
}

func (p *Proration) currency() money.Currency {
	if p.Next.Currency != "" {
		return p.Next.Currency
	}
	return p.Paid.Currency
}

// span is the time that the change is about.
func (p *Proration) span() (start, end time.Time) {
	switch {
	case p.Restart != nil:
		return p.Restart.Start, p.Restart.End
	case p.Period.End.After(p.At):
		return p.At, p.Period.End
	}
	return p.At, p.At
}

// changes are the lines of the invoice: what is given back, then what is charged.
func (p *Proration) changes(steps []step) []change {
	oldPart := p.Period.Left(p.At)
	newPart := oldPart
	if p.Restart != nil {
		newPart = p.Restart.Left(p.At)
	}
	var credits, debits []change
	for i := range steps {
		s := &steps[i]
		if s.gone.Sign() > 0 {
			credits = append(credits, s.credit(oldPart))
		}
		if s.grown.Sign() > 0 {
			debits = append(debits, s.debit(newPart))
		}
	}
	return append(credits, debits...)
}
