package subscription

import (
	"slices"
	"time"

	"github.com/purserhq/purser/internal/core/catalog"
)

// Collection methods of payments (domain-catalog-provisioning §9.4).
const (
	CollectCharge  = "CHARGE"
	CollectInvoice = "INVOICE"
	CollectNone    = "NONE"
)

// Billed reports whether the subscription is charged by itself: custom ones are not, nor those that were made so.
func (s *Subscription) Billed() bool {
	return s.PricingType != catalog.Custom && s.CollectionMethod != CollectNone
}

// Backdated reports whether the subscription began before it was made: its first invoice is that of the next period
// (domain-catalog-provisioning §9.3 step 8).
func (s *Subscription) Backdated() bool { return s.StartDate.Before(s.CreatedAt) }

// Bill is what the subscription pays in advance, as it stands. Its prices have been read.
func (s *Subscription) Bill() (Bill, error) {
	return BillOf(s.PlanRef, s.Prices, s.Addons, s.Quantities, s.MinimumSpend)
}

// PaidFor is what has been paid for a period: what was written down, else the whole bill with the discount that was in
// force when the period began. At that very instant nothing of it is paid yet.
func (s *Subscription) PaidFor(bill Bill, span Span, discount *Discount, at time.Time) Bill {
	switch {
	case s.Paid != nil && s.Paid.Until.Equal(span.End):
		return s.Paid.Bill
	case !span.Start.Before(at):
		return bill.Once()
	}
	_, paid := Recurring(bill, discount, span)
	return paid
}

// WaitingFor are the lines that the next invoice charges: in a period those of its changes, at its very beginning those of
// the period before.
func (s *Subscription) WaitingFor(span Span, at time.Time) []InvoiceLine {
	if p := s.Paid; p != nil && (p.Until.Equal(span.End) || p.Until.Equal(span.Start) && !span.Start.Before(at)) {
		return p.Waiting
	}
	return nil
}

// ForNothing is the bill as paid by a full discount: what is added to it is charged, and nothing of it comes back.
func (b Bill) ForNothing() Bill {
	b.Lines = slices.Clone(b.Lines)
	for i := range b.Lines {
		b.Lines[i].Discount = b.Lines[i].Amount
	}
	return b
}

// Once are the lines that are paid once.
func (b Bill) Once() Bill {
	out := Bill{}
	for _, l := range b.Lines {
		if l.Cadence == catalog.OneOff {
			out.Currency = b.Currency
			out.Lines = append(out.Lines, l)
		}
	}
	return out
}
