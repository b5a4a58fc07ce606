package subscription

import (
	"math/big"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
)

// step is what becomes of one line, in amounts for a whole billing period. They are fractions, none below 0: only an
// invoice rounds.
type step struct {
	old, next  *Line    // nil where it is not in the bill
	whole      bool     // what was paid ends and what is next begins anew
	gone, lost *big.Rat // what is given back, and its discount
	grown, off *big.Rat // what is newly charged, and its discount
	held       *big.Rat // the discount of what stays paid
	oneOff     bool
}

// steps compares what was paid with what is next, in the order of the bills.
func (p *Proration) steps() []step {
	var list []step
	old := map[LineKey]*Line{}
	var gone []*Line
	if p.Paid.Currency == p.currency() { // two currencies are refused before; nothing could be set off
		for i := range p.Paid.Lines {
			old[p.Paid.Lines[i].LineKey] = &p.Paid.Lines[i]
			gone = append(gone, &p.Paid.Lines[i])
		}
	}
	stays := map[LineKey]bool{}
	for i := range p.Next.Lines {
		l := &p.Next.Lines[i]
		stays[l.LineKey] = true
		list = append(list, p.step(old[l.LineKey], l))
	}
	for _, l := range gone {
		if !stays[l.LineKey] {
			list = append(list, p.step(l, nil))
		}
	}
	p.Discount.apply(list)
	return list
}

// step compares two lines of one key, of which one may be nil.
func (p *Proration) step(old, next *Line) step {
	s := step{
		old: old, next: next, whole: p.Restart != nil || old == nil || next == nil,
		gone: new(big.Rat), lost: new(big.Rat), grown: new(big.Rat), off: new(big.Rat), held: new(big.Rat),
	}
	was, discount, is := new(big.Rat), new(big.Rat), new(big.Rat)
	if old != nil {
		was, discount = old.Amount.Rat(), old.Discount.Rat()
		s.oneOff = old.Cadence == catalog.OneOff
	}
	if next != nil {
		is = next.Amount.Rat()
		s.oneOff = next.Cadence == catalog.OneOff
	}
	diff := new(big.Rat).Sub(is, was)
	switch {
	case s.oneOff:
		s.whole = old == nil
		s.grown = atLeast0(diff)
	case p.Restart != nil:
		s.grown = is
		if p.Behavior != NoProration {
			s.gone, s.lost = was, discount
		}
	case diff.Sign() >= 0:
		s.grown, s.held = diff, discount
	default:
		s.gone.Neg(diff)
		s.lost.Mul(discount, new(big.Rat).Quo(s.gone, was))
		s.held.Sub(discount, s.lost)
	}
	return s
}

// apply sets the discounts of what is newly charged. A percentage takes its part of every line. A fixed amount is taken
// once per whole period off what recurs, as far as what stays paid does not hold it already, and shared in proportion.
func (d *Discount) apply(steps []step) {
	if d == nil {
		return
	}
	if d.PercentOff > 0 {
		part := big.NewRat(int64(min(d.PercentOff, 100)), 100)
		for i := range steps {
			steps[i].off.Mul(steps[i].grown, part)
		}
		return
	}
	left, sum := d.AmountOff.Rat(), new(big.Rat)
	for i := range steps {
		if s := &steps[i]; !s.oneOff {
			left.Sub(left, s.held)
			sum.Add(sum, s.grown)
		}
	}
	if left.Sign() <= 0 || sum.Sign() == 0 {
		return
	}
	if left.Cmp(sum) > 0 {
		left = sum
	}
	part := new(big.Rat).Quo(left, sum)
	for i := range steps {
		if s := &steps[i]; !s.oneOff {
			s.off.Mul(s.grown, part)
		}
	}
}

// discountPlaces is how exactly the discount of what is paid is kept, in digits after the point.
const discountPlaces = 10

// paidAfter is what counts as paid once the steps are invoiced.
func paidAfter(c money.Currency, steps []step) Bill {
	b := Bill{Currency: c}
	for i := range steps {
		s := &steps[i]
		l := s.next
		if s.oneOff && (l == nil || s.old != nil && s.old.Amount.Cmp(l.Amount) > 0) {
			l = s.old // what is paid once stays paid
		}
		if l == nil {
			continue
		}
		after := *l
		after.Discount = money.Decimal{}
		if !s.oneOff {
			// Rounded up, since a discount that is too small would give back more than was paid.
			off := money.FromRat(new(big.Rat).Add(s.held, s.off), discountPlaces, money.Up).Add(money.Decimal{})
			if after.Discount = off; off.Cmp(l.Amount) > 0 {
				after.Discount = l.Amount
			}
		}
		b.Lines = append(b.Lines, after)
	}
	if len(b.Lines) == 0 {
		b.Currency = ""
	}
	return b
}

func atLeast0(q *big.Rat) *big.Rat {
	if q.Sign() < 0 {
		return new(big.Rat)
	}
	return q
}
