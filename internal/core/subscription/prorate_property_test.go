package subscription_test

import (
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
)

// bills draws what a subscription may cost: any of six recurring lines, at any price.
func bills(currency money.Currency) *rapid.Generator[subscription.Bill] {
	return rapid.Custom(func(t *rapid.T) subscription.Bill {
		var b subscription.Bill
		for _, pkg := range []string{"a", "b", "c"} {
			for _, model := range []string{catalog.FlatFee, catalog.PerUnit} {
				if rapid.Bool().Draw(t, pkg+model) {
					amount := rapid.StringMatching(`(0|[1-9][0-9]{0,4})(\.[0-9]{1,5})?`).Draw(t, "amount")
					l := subscription.Line{Amount: money.MustDecimal(amount), Quantity: 1}
					l.Package, l.Model, l.Cadence = pkg, model, catalog.Recurring
					b.Currency, b.Lines = currency, append(b.Lines, l)
				}
			}
		}
		return b
	})
}

func discounts() *rapid.Generator[*subscription.Discount] {
	return rapid.Custom(func(t *rapid.T) *subscription.Discount {
		switch rapid.IntRange(0, 2).Draw(t, "discount") {
		case 0:
			return nil
		case 1:
			return &subscription.Discount{PercentOff: rapid.IntRange(1, 100).Draw(t, "percent")}
		}
		return &subscription.Discount{AmountOff: money.MustDecimal(rapid.StringMatching(`[1-9][0-9]{0,3}(\.[0-9]{1,2})?`).Draw(t, "off"))}
	})
}

// value is what a bill that is paid is worth for what is left of a period.
func value(b subscription.Bill, period subscription.Span, now time.Time) *big.Rat {
	sum := new(big.Rat)
	for _, l := range b.Lines {
		sum.Add(sum, l.Amount.Sub(l.Discount).Rat())
	}
	return sum.Mul(sum, period.Left(now))
}

func netOf(i subscription.Invoice) *big.Rat { return i.SubTotal.Sub(i.Discount).Rat() }

// minor is one minor unit of a currency.
func minor(c money.Currency) *big.Rat {
	return new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.MinorUnits())), nil))
}

// within reports whether a and b differ by at most n times the unit, and what a discount that is kept in ten places loses.
func within(a, b *big.Rat, n int64, unit *big.Rat) bool {
	diff := new(big.Rat).Sub(a, b)
	bound := new(big.Rat).Mul(unit, big.NewRat(n, 1))
	return diff.Abs(diff).Cmp(bound.Add(bound, big.NewRat(1, 1e9))) <= 0
}

func currencies() *rapid.Generator[money.Currency] {
	return rapid.SampledFrom([]money.Currency{"jpy", "usd", "kwd"})
}

// Whatever happens at whatever time, what is charged is what the paid bill gains in worth. So nobody pays for more than what
// is used and what is still there, and never more comes back than was paid.
func TestCreditsNeverExceedWhatWasPaid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		currency := currencies().Draw(t, "currency")
		unit := minor(currency)
		now := time.UnixMilli(rapid.Int64Range(1.7e12, 2e12).Draw(t, "start")).UTC()
		cycle := subscription.Cycle{Period: subscription.Monthly, Anchor: now, Zone: rapid.SampledFrom([]string{"", "Europe/Berlin"}).Draw(t, "zone")}
		period := cycle.At(now)
		inv, paid := subscription.Recurring(bills(currency).Draw(t, "first"), discounts().Draw(t, "discount"), period)
		total, lines := netOf(inv), int64(len(inv.Lines))

		for n := range rapid.IntRange(1, 6).Draw(t, "changes") {
			left := int64(max(0, period.End.Sub(now)/time.Millisecond))
			now = now.Add(time.Duration(rapid.Int64Range(0, left).Draw(t, "later")) * time.Millisecond)
			p := proration{
				Paid: paid, Next: bills(currency).Draw(t, fmt.Sprint("bill ", n)), Discount: discounts().Draw(t, "discount"), Period: period, At: now,
				Behavior: rapid.SampledFrom([]string{"", subscription.InvoiceImmediately, subscription.CreateProrations, subscription.NoProration}).Draw(t, "behavior"),
			}
			before := value(paid, period, now)
			if rapid.IntRange(0, 3).Draw(t, "restart") == 0 {
				cycle.Anchor = now
				cycle.Period = rapid.SampledFrom([]string{subscription.Monthly, subscription.Annually}).Draw(t, "period")
				span := cycle.At(now)
				p.Restart = &span
				if p.Behavior == subscription.NoProration {
					before = new(big.Rat) // forgone
				}
			}
			inv, after := subscription.Prorate(p)
			net := subscription.Net(p)
			if p.Restart != nil {
				period = *p.Restart
			}
			gain := new(big.Rat).Sub(value(after, period, now), before)
			if !within(net, gain, 0, unit) {
				t.Fatalf("charged %s for what is worth %s", net.FloatString(12), gain.FloatString(12))
			}
			if !within(netOf(inv), net, int64(len(inv.Lines))+unlisted(p), unit) {
				t.Fatalf("%s became an invoice of %s", net.FloatString(12), netOf(inv).FloatString(12))
			}
			checkPaid(t, after, p)
			checkSums(t, inv)
			paid = after
			total.Add(total, netOf(inv))
			if lines += int64(len(inv.Lines)) + unlisted(p); total.Sign() < 0 && !within(total, new(big.Rat), lines, unit) {
				t.Fatalf("in the end the customer has got %s more than was paid", total.FloatString(12))
			}
		}
	})
}

// unlisted is the most lines that may have stayed out of the invoice of p, being too small.
func unlisted(p proration) int64 { return int64(len(p.Paid.Lines) + len(p.Next.Lines)) }

// checkPaid checks that discounts are parts of amounts, and that the bill is the next one.
func checkPaid(t *rapid.T, paid subscription.Bill, p proration) {
	for _, l := range paid.Lines {
		if l.Discount.Sign() < 0 || l.Discount.Cmp(l.Amount) > 0 {
			t.Fatalf("%s is taken off %s", l.Discount, l.Amount)
		}
	}
	want := p.Next
	if p.Behavior == subscription.NoProration && p.Restart == nil {
		want = p.Paid
	}
	if d := cmp.Diff(want.Lines, paid.Lines, cmpopts.IgnoreFields(subscription.Line{}, "Discount"), cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("paid (-want +got):\n%s", d)
	}
}

// checkSums checks an invoice against its lines.
func checkSums(t *rapid.T, i subscription.Invoice) {
	var sub, off money.Decimal
	for _, l := range i.Lines {
		sub, off = sub.Add(l.Amount), off.Add(l.Discount)
		if l.Amount.Sign()*l.Discount.Sign() < 0 || l.Amount.Sign()*l.Amount.Sub(l.Discount).Sign() < 0 || l.Amount.Scale() != i.Currency.MinorUnits() {
			t.Fatalf("a line of %s less %s", l.Amount, l.Discount)
		}
	}
	if !sub.Equal(i.SubTotal) || !off.Equal(i.Discount) || !i.Total.Sub(i.Credit).Equal(sub.Sub(off)) || i.Total.Sign() < 0 || i.Credit.Sign() < 0 ||
		i.Total.Sign() > 0 && i.Credit.Sign() > 0 {
		t.Fatalf("%s less %s is %s to pay and %s of balance", i.SubTotal, i.Discount, i.Total, i.Credit)
	}
}

// A change and its reverse at one moment net to zero, and so does none at all, to the last minor unit.
func TestNoChangeCostsNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		currency := currencies().Draw(t, "currency")
		d := discounts().Draw(t, "discount")
		_, paid := subscription.Recurring(bills(currency).Draw(t, "bill"), d, april)
		p := proration{Paid: paid, Next: paid, Discount: discounts().Draw(t, "another"), Period: april, At: april.Start.Add(time.Duration(rapid.IntRange(0, 30*86400).Draw(t, "at")) * time.Second)}
		inv, after := subscription.Prorate(p)
		if !inv.Zero() || !inv.Total.IsZero() || !inv.Credit.IsZero() {
			t.Fatalf("nothing cost %v", shown(inv))
		}
		if d := cmp.Diff(paid, after, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("paid (-before +after):\n%s", d)
		}
		p.Discount = nil
		p.Paid = undiscounted(paid)
		p.Next = bills(currency).Draw(t, "other")
		there, other := subscription.Prorate(p)
		p.Paid, p.Next = other, p.Paid
		back, _ := subscription.Prorate(p)
		if sum := new(big.Rat).Add(netOf(there), netOf(back)); sum.Sign() != 0 {
			t.Fatalf("there and back cost %s", sum.FloatString(3))
		}
	})
}

func undiscounted(b subscription.Bill) subscription.Bill {
	b.Lines = slices.Clone(b.Lines)
	for i := range b.Lines {
		b.Lines[i].Discount = money.Decimal{}
	}
	return b
}

// A change that is made in two steps at one moment costs what it does in one, with the same percentage off all along or with
// none. (A discount that what was paid did not have comes with what is newly charged, so that the way matters.)
func TestTwoStepsCostWhatOneDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		currency := currencies().Draw(t, "currency")
		var d *subscription.Discount
		if rapid.Bool().Draw(t, "discounted") {
			d = &subscription.Discount{PercentOff: rapid.IntRange(1, 100).Draw(t, "percent")}
		}
		_, paid := subscription.Recurring(bills(currency).Draw(t, "from"), d, april)
		middle, to := bills(currency).Draw(t, "middle"), bills(currency).Draw(t, "to")
		now := april.Start.Add(time.Duration(rapid.IntRange(0, 30*86400).Draw(t, "at")) * time.Second)

		whole := proration{Paid: paid, Next: to, Discount: d, Period: april, At: now}
		_, after := subscription.Prorate(whole)
		first := proration{Paid: paid, Next: middle, Discount: d, Period: april, At: now}
		_, between := subscription.Prorate(first)
		second := proration{Paid: between, Next: to, Discount: d, Period: april, At: now}
		_, twice := subscription.Prorate(second)

		if sum := new(big.Rat).Add(subscription.Net(first), subscription.Net(second)); sum.Cmp(subscription.Net(whole)) != 0 {
			t.Fatalf("%s in two steps, %s in one", sum.FloatString(12), subscription.Net(whole).FloatString(12))
		}
		if d := cmp.Diff(after, twice, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("paid (-one +two):\n%s", d)
		}
	})
}

// A fixed amount is taken off once in a period, however often something is added.
func TestFixedAmountIsTakenOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := &subscription.Discount{AmountOff: money.MustDecimal(rapid.StringMatching(`[1-9][0-9]{0,3}`).Draw(t, "off"))}
		_, paid := subscription.Recurring(bills("usd").Draw(t, "bill"), d, april)
		for range rapid.IntRange(0, 5).Draw(t, "changes") {
			now := on(rapid.IntRange(0, 30).Draw(t, "day"))
			_, paid = subscription.Prorate(proration{Paid: paid, Next: bills("usd").Draw(t, "next"), Discount: d, Period: april, At: now})
			amount, off := new(big.Rat), new(big.Rat)
			for _, l := range paid.Lines {
				amount.Add(amount, l.Amount.Rat())
				off.Add(off, l.Discount.Rat())
			}
			if off.Cmp(d.AmountOff.Rat()) > 0 && !within(off, d.AmountOff.Rat(), 0, new(big.Rat)) || off.Cmp(amount) > 0 {
				t.Fatalf("%s of %s is taken off %s", off.FloatString(12), d.AmountOff, amount.FloatString(2))
			}
		}
	})
}

// What was just paid comes back to the last fraction at most, also where a discount was shared into parts without an end.
func TestCancellingAtOnceGivesBackNoMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		first := proration{Next: bills("usd").Draw(t, "bill"), Discount: discounts().Draw(t, "discount"), Restart: &april, At: april.Start}
		_, paid := subscription.Prorate(first)
		net := subscription.Net(first)
		back := subscription.Net(proration{Paid: paid, Period: april, At: april.Start})
		if sum := net.Add(net, back); sum.Sign() < 0 || !within(sum, new(big.Rat), 0, new(big.Rat)) {
			t.Fatalf("%s is kept", sum.FloatString(12))
		}
	})
}

// What is paid once is charged once: it is in no credit, and an invoice has all of it whatever is left of the period.
func TestOnceIsChargedOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var paid subscription.Bill
		most, total := map[subscription.LineKey]*big.Rat{}, new(big.Rat)
		for n := range rapid.IntRange(1, 5).Draw(t, "changes") {
			next := bills("usd").Draw(t, fmt.Sprint("bill ", n))
			for i := range next.Lines {
				l := &next.Lines[i]
				l.Cadence = catalog.OneOff
				if most[l.LineKey] == nil || most[l.LineKey].Cmp(l.Amount.Rat()) < 0 {
					most[l.LineKey] = l.Amount.Rat()
				}
			}
			p := proration{Paid: paid, Next: next, Period: april, At: on(rapid.IntRange(0, 30).Draw(t, "day"))}
			if rapid.Bool().Draw(t, "restart") {
				p.Restart = &april
			}
			inv, after := subscription.Prorate(p)
			if inv.Credit.Sign() > 0 {
				t.Fatalf("given back: %v", shown(inv))
			}
			total.Add(total, subscription.Net(p))
			paid = after
		}
		for _, q := range most {
			total.Sub(total, q)
		}
		if total.Sign() != 0 {
			t.Fatalf("%s more was charged than the most there was of each", total.FloatString(12))
		}
	})
}
