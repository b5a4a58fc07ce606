package subscription_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
)

// april has 30 days.
var april = subscription.Cycle{Period: subscription.Monthly, Anchor: at("2027-04-01T00:00:00Z")}.At(at("2027-04-01T00:00:00Z"))

// on is a number of days into April.
func on(days int) time.Time { return april.Start.AddDate(0, 0, days) }

// billOf is the bill of a plan; its prices' zero FLAT_FEEs included.
func billOf(plan string, quantities []subscription.Quantity, prices ...catalog.Price) subscription.Bill {
	b, err := subscription.BillOf(plan, charges(prices, nil), nil, quantities, nil)
	if err != nil {
		panic(err)
	}
	return b
}

func flat(plan, amount string) subscription.Bill {
	return billOf(plan, nil, price(catalog.FlatFee, "", amount))
}

func seatsAt(n int64, amount string) subscription.Bill {
	return billOf("plan-pro", seats(n).Quantities, price(catalog.PerUnit, "seats", amount))
}

func extra(n int64, prices ...catalog.Price) subscription.Bill {
	b, err := subscription.BillOf("plan-pro", charges(nil, prices), []subscription.Addon{{RefID: "extra", Quantity: n}}, nil, nil)
	if err != nil {
		panic(err)
	}
	return b
}

// paidWith sets the discounts that the lines of a bill were paid with.
func paidWith(b subscription.Bill, discounts ...string) subscription.Bill {
	for i, d := range discounts {
		b.Lines[i].Discount = money.MustDecimal(d)
	}
	return b
}

// shown is an invoice on a few lines.
func shown(i subscription.Invoice) []string {
	var out []string
	for _, l := range i.Lines {
		unit := "-"
		if l.UnitPrice != nil {
			unit = l.UnitPrice.String()
		}
		text := fmt.Sprintf("%s: %d × %s: %s", l.Description, l.Quantity, unit, l.Amount)
		if !l.Discount.IsZero() {
			text += " less " + l.Discount.String()
		}
		out = append(out, text)
	}
	switch {
	case i.Zero():
		return []string{"nothing"}
	case i.Credit.IsZero():
		return append(out, "pay "+i.Total.String())
	}
	return append(out, "balance "+i.Credit.String())
}

// worth is what is paid for after a change.
func worth(b subscription.Bill) []string {
	var out []string
	for _, l := range b.Lines {
		text := l.Description + ": " + l.Amount.String()
		if !l.Discount.IsZero() {
			text += " less " + l.Discount.String()
		}
		out = append(out, text)
	}
	return out
}

type proration = subscription.Proration

// The worked example and the rows of the table of domain-catalog-provisioning §9.10.
func TestProrate(t *testing.T) {
	t.Parallel()
	setup := once(price(catalog.FlatFee, "", "200"))
	year := subscription.Cycle{Period: subscription.Annually, Anchor: on(15)}.At(on(15))
	month := subscription.Cycle{Period: subscription.Monthly, Anchor: on(15)}.At(on(15))
	rest := subscription.Cycle{Period: subscription.Monthly, Anchor: on(15), Zone: "UTC"}.At(on(15))
	volume := func(n int64) subscription.Bill {
		return billOf("plan-pro", seats(n).Quantities, tiers(catalog.Volume, false))
	}
	minimum := func(amount string) subscription.Bill {
		return billOf("plan-pro", nil, price(catalog.MinimumSpend, "", amount))
	}
	for _, tc := range []struct {
		name string
		p    proration
		want []string
		paid []string
	}{
		{
			"upgrade after 10 days",
			proration{Paid: flat("a", "30"), Next: flat("b", "90"), Period: april, At: on(10)},
			[]string{"a (unused time): 1 × 30: -20.00", "b (rest of the period): 1 × 90: 60.00", "pay 40.00"},
			[]string{"b: 90"},
		},
		{
			"immediate downgrade after 15",
			proration{Paid: flat("b", "90"), Next: flat("a", "30"), Period: april, At: on(15)},
			[]string{"b (unused time): 1 × 90: -45.00", "a (rest of the period): 1 × 30: 15.00", "balance 30.00"},
			[]string{"a: 30"},
		},
		{
			"three more seats after 15",
			proration{Paid: seatsAt(5, "10"), Next: seatsAt(8, "10"), Period: april, At: on(15)},
			[]string{"seats × 3 (rest of the period): 3 × 10: 15.00", "pay 15.00"},
			[]string{"seats × 8: 80"},
		},
		{
			"three seats fewer",
			proration{Paid: seatsAt(8, "10"), Next: seatsAt(5, "10"), Period: april, At: on(15)},
			[]string{"seats × 3 (unused time): 3 × 10: -15.00", "balance 15.00"},
			[]string{"seats × 5: 50"},
		},
		{
			"seats 5 to 6 where fewer were scheduled",
			proration{Paid: seatsAt(5, "10"), Next: seatsAt(6, "10"), Period: april, At: on(20)},
			[]string{"seats × 1 (rest of the period): 1 × 10: 3.33", "pay 3.33"},
			[]string{"seats × 6: 60"},
		},
		{
			"migration from price 10 to 20",
			proration{Paid: flat("a", "10"), Next: flat("a", "20"), Period: april, At: on(15)},
			[]string{"a (rest of the period): 1 × 10: 5.00", "pay 5.00"},
			[]string{"a: 20"},
		},
		{
			"a lower price",
			proration{Paid: seatsAt(5, "10"), Next: seatsAt(5, "8"), Period: april, At: on(15)},
			[]string{"seats × 5 (unused time): 5 × 2: -5.00", "balance 5.00"},
			[]string{"seats × 5: 40"},
		},
		{
			"more seats at another price",
			proration{Paid: seatsAt(5, "10"), Next: seatsAt(6, "12"), Period: april, At: on(15)},
			[]string{"seats × 6 (rest of the period): 6 × -: 11.00", "pay 11.00"},
			[]string{"seats × 6: 72"},
		},
		{
			"more seats in tiers",
			proration{Paid: volume(6), Next: volume(8), Period: april, At: on(15)},
			[]string{"seats × 2 (rest of the period): 2 × -: 15.00", "pay 15.00"},
			[]string{"seats × 8: 120"},
		},
		{
			"more seats that cost less",
			proration{Paid: volume(5), Next: volume(6), Period: april, At: on(15)},
			[]string{"seats × 6 (unused time): 6 × -: -5.00", "balance 5.00"},
			[]string{"seats × 6: 90"},
		},
		{
			"500 to 1,500 calls in blocks of 1,000",
			proration{Paid: calls(500), Next: calls(1500), Period: april, At: on(15)},
			[]string{"calls × 1000 (rest of the period): 1000 × -: 3.50", "pay 3.50"},
			[]string{"calls × 1500: 14"},
		},
		{
			"within a block",
			proration{Paid: calls(1200), Next: calls(1500), Period: april, At: on(15)},
			[]string{"nothing"},
			[]string{"calls × 1500: 14"},
		},
		{
			"a minimum spend is a line",
			proration{Paid: minimum("100"), Next: minimum("160"), Period: april, At: on(15)},
			[]string{"minimum spend (rest of the period): 1 × 60: 30.00", "pay 30.00"},
			[]string{"minimum spend: 160"},
		},
		{
			"a second add-on",
			proration{Paid: extra(1, price(catalog.FlatFee, "", "6")), Next: extra(2, price(catalog.FlatFee, "", "6")), Period: april, At: on(15)},
			[]string{"add-on extra (rest of the period): 1 × 6: 3.00", "pay 3.00"},
			[]string{"add-on extra × 2: 12"},
		},
		{
			"paid to free",
			proration{Paid: flat("a", "30"), Next: billOf("free", nil), Period: april, At: on(10)},
			[]string{"a (unused time): 1 × 30: -20.00", "balance 20.00"},
			nil,
		},
		{
			"free to paid begins a cycle",
			proration{Next: flat("a", "30"), Restart: &month, At: on(15)},
			[]string{"a: 1 × 30: 30.00", "pay 30.00"},
			[]string{"a: 30"},
		},
		{
			"a first period that is a part",
			proration{Next: flat("a", "30"), Restart: &rest, At: on(15)},
			[]string{"a (rest of the period): 1 × 30: 15.00", "pay 15.00"},
			[]string{"a: 30"},
		},
		{
			"immediate cancellation",
			proration{Paid: seatsAt(5, "10"), Period: april, At: on(20)},
			[]string{"seats × 5 (unused time): 5 × 10: -16.67", "balance 16.67"},
			nil,
		},
		{
			"a longer period starts over",
			proration{Paid: flat("a", "30"), Next: flat("a", "300"), Period: april, Restart: &year, At: on(15)},
			[]string{"a (unused time): 1 × 30: -15.00", "a: 1 × 300: 300.00", "pay 285.00"},
			[]string{"a: 300"},
		},
		{
			"an anchor now starts over",
			proration{Paid: flat("a", "30"), Next: flat("a", "30"), Period: april, Restart: &month, At: on(15)},
			[]string{"a (unused time): 1 × 30: -15.00", "a: 1 × 30: 30.00", "pay 15.00"},
			[]string{"a: 30"},
		},
		{
			"lines that wait",
			proration{Paid: flat("a", "30"), Next: flat("b", "90"), Period: april, At: on(10), Behavior: subscription.CreateProrations},
			[]string{"a (unused time): 1 × 30: -20.00", "b (rest of the period): 1 × 90: 60.00", "pay 40.00"},
			[]string{"b: 90"},
		},
		{
			"no proration",
			proration{Paid: flat("a", "30"), Next: flat("b", "90"), Period: april, At: on(10), Behavior: subscription.NoProration},
			[]string{"nothing"},
			[]string{"a: 30"},
		},
		{
			"no proration, but a new period",
			proration{
				Paid: flat("a", "30"), Next: flat("a", "300"), Period: april, Restart: &year, At: on(15), Behavior: subscription.NoProration,
			},
			[]string{"a: 1 × 300: 300.00", "pay 300.00"},
			[]string{"a: 300"},
		},
		{
			"no change",
			proration{Paid: flat("a", "30"), Next: flat("a", "30"), Period: april, At: on(10)},
			[]string{"nothing"},
			[]string{"a: 30"},
		},
		{
			"at the end nothing is due",
			proration{Paid: flat("a", "30"), Next: flat("b", "90"), Period: april, At: april.End},
			[]string{"nothing"},
			[]string{"b: 90"},
		},
		{
			"what is new and paid once is charged whole",
			proration{Paid: flat("a", "30"), Next: billOf("a", nil, price(catalog.FlatFee, "", "30"), setup), Period: april, At: on(15)},
			[]string{"a, once: 1 × 200: 200.00", "pay 200.00"},
			[]string{"a: 30", "a, once: 200"},
		},
		{
			"and stays paid",
			proration{Paid: billOf("a", nil, price(catalog.FlatFee, "", "30"), setup), Next: flat("b", "60"), Period: april, At: on(15)},
			[]string{"a (unused time): 1 × 30: -15.00", "b (rest of the period): 1 × 60: 30.00", "pay 15.00"},
			[]string{"b: 60", "a, once: 200"},
		},
		{
			"also when a cycle begins",
			proration{
				Paid: billOf("a", nil, price(catalog.FlatFee, "", "30"), setup), Next: billOf("a", nil, price(catalog.FlatFee, "", "30"), setup),
				Period: april, Restart: &month, At: on(15),
			},
			[]string{"a (unused time): 1 × 30: -15.00", "a: 1 × 30: 30.00", "pay 15.00"},
			[]string{"a: 30", "a, once: 200"},
		},
		{
			"more of what is paid once",
			proration{Paid: extra(1, setup), Next: extra(3, setup), Period: april, At: on(15)},
			[]string{"add-on extra × 2, once: 2 × 200: 400.00", "pay 400.00"},
			[]string{"add-on extra × 3, once: 600"},
		},
		{
			"and less of it",
			proration{Paid: extra(3, setup), Next: extra(1, setup), Period: april, At: on(15)},
			[]string{"nothing"},
			[]string{"add-on extra × 3, once: 600"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			inv, paid := subscription.Prorate(tc.p)
			if d := cmp.Diff(tc.want, shown(inv)); d != "" {
				t.Errorf("invoice (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tc.paid, worth(paid)); d != "" {
				t.Errorf("paid (-want +got):\n%s", d)
			}
			if inv.Deferred != (tc.p.Behavior == subscription.CreateProrations) {
				t.Errorf("deferred: %v", inv.Deferred)
			}
		})
	}
}

func calls(n int64) subscription.Bill {
	p, thousand := price(catalog.PerUnit, "calls", "7"), int64(1000)
	p.BlockSize = &thousand
	return billOf("plan-pro", []subscription.Quantity{{Type: "FEATURE", ID: "calls", Quantity: n}}, p)
}

func TestProrateDiscounts(t *testing.T) {
	t.Parallel()
	month := subscription.Cycle{Period: subscription.Monthly, Anchor: on(15)}.At(on(15))
	percent := func(n int) *subscription.Discount { return &subscription.Discount{ID: "coupon", PercentOff: n} }
	off := func(amount string) *subscription.Discount {
		return &subscription.Discount{ID: "coupon", AmountOff: money.MustDecimal(amount)}
	}
	both := func(a, b string) subscription.Bill {
		return billOf("a", nil, price(catalog.FlatFee, "", a), price(catalog.PerUnit, "seats", b))
	}
	setup := once(price(catalog.FlatFee, "", "200"))
	for _, tc := range []struct {
		name string
		p    proration
		want []string
		paid []string
	}{
		{
			"a percentage of what is charged and of what comes back",
			proration{Paid: paidWith(flat("a", "30"), "3"), Next: flat("b", "90"), Discount: percent(10), Period: april, At: on(10)},
			[]string{"a (unused time): 1 × 30: -20.00 less -2.00", "b (rest of the period): 1 × 90: 60.00 less 6.00", "pay 36.00"},
			[]string{"b: 90 less 9"},
		},
		{
			"what was paid without a coupon comes back without one",
			proration{Paid: flat("a", "30"), Next: flat("b", "90"), Discount: percent(10), Period: april, At: on(10)},
			[]string{"a (unused time): 1 × 30: -20.00", "b (rest of the period): 1 × 90: 60.00 less 6.00", "pay 34.00"},
			[]string{"b: 90 less 9"},
		},
		{
			"a coupon that is over still reduces what comes back",
			proration{Paid: paidWith(flat("a", "30"), "15"), Period: april, At: on(10)},
			[]string{"a (unused time): 1 × 30: -20.00 less -10.00", "balance 10.00"},
			nil,
		},
		{
			"growing takes the percentage of the difference",
			proration{Paid: paidWith(seatsAt(5, "10"), "10"), Next: seatsAt(8, "10"), Discount: percent(50), Period: april, At: on(15)},
			[]string{"seats × 3 (rest of the period): 3 × 10: 15.00 less 7.50", "pay 7.50"},
			[]string{"seats × 8: 80 less 25"},
		},
		{
			"shrinking gives back its part",
			proration{Paid: paidWith(seatsAt(8, "10"), "24"), Next: seatsAt(5, "10"), Discount: percent(50), Period: april, At: on(15)},
			[]string{"seats × 3 (unused time): 3 × 10: -15.00 less -4.50", "balance 10.50"},
			[]string{"seats × 5: 50 less 15"},
		},
		{
			"a fixed amount is shared in proportion",
			proration{Next: both("30", "60"), Discount: off("10"), Restart: &month, At: on(15)},
			[]string{"a: 1 × 30: 30.00 less 3.33", "seats × 1: 1 × 60: 60.00 less 6.67", "pay 80.00"},
			[]string{"a: 30 less 3.3333333334", "seats × 1: 60 less 6.6666666667"},
		},
		{
			"and prorated",
			proration{Next: flat("a", "30"), Discount: off("10"), Period: april, At: on(15)},
			[]string{"a (rest of the period): 1 × 30: 15.00 less 5.00", "pay 10.00"},
			[]string{"a: 30 less 10"},
		},
		{
			"what stays paid holds it already",
			proration{Paid: paidWith(flat("a", "30"), "10"), Next: both("30", "60"), Discount: off("10"), Period: april, At: on(15)},
			[]string{"seats × 1 (rest of the period): 1 × 60: 30.00", "pay 30.00"},
			[]string{"a: 30 less 10", "seats × 1: 60"},
		},
		{
			"a part of it",
			proration{Paid: paidWith(flat("a", "8"), "8"), Next: both("8", "60"), Discount: off("10"), Period: april, At: on(15)},
			[]string{"seats × 1 (rest of the period): 1 × 60: 30.00 less 1.00", "pay 29.00"},
			[]string{"a: 8 less 8", "seats × 1: 60 less 2"},
		},
		{
			"what ends gives it to what comes",
			proration{Paid: paidWith(flat("a", "30"), "10"), Next: flat("b", "90"), Discount: off("10"), Period: april, At: on(10)},
			[]string{"a (unused time): 1 × 30: -20.00 less -6.67", "b (rest of the period): 1 × 90: 60.00 less 6.67", "pay 40.00"},
			[]string{"b: 90 less 10"},
		},
		{
			"more than there is to pay",
			proration{Next: flat("a", "30"), Discount: off("50"), Restart: &month, At: on(15)},
			[]string{"a: 1 × 30: 30.00 less 30.00", "pay 0.00"},
			[]string{"a: 30 less 30"},
		},
		{
			"what is paid once takes a percentage and no fixed amount",
			proration{Next: billOf("a", nil, price(catalog.FlatFee, "", "30"), setup), Discount: percent(10), Restart: &month, At: on(15)},
			[]string{"a: 1 × 30: 30.00 less 3.00", "a, once: 1 × 200: 200.00 less 20.00", "pay 207.00"},
			[]string{"a: 30 less 3", "a, once: 200"},
		},
		{
			"no fixed amount off it",
			proration{Next: billOf("a", nil, price(catalog.FlatFee, "", "30"), setup), Discount: off("50"), Restart: &month, At: on(15)},
			[]string{"a: 1 × 30: 30.00 less 30.00", "a, once: 1 × 200: 200.00", "pay 200.00"},
			[]string{"a: 30 less 30", "a, once: 200"},
		},
		{
			"a new cycle takes all of it again",
			proration{Paid: paidWith(flat("a", "30"), "10"), Next: flat("a", "30"), Discount: off("10"), Period: april, Restart: &month, At: on(15)},
			[]string{"a (unused time): 1 × 30: -15.00 less -5.00", "a: 1 × 30: 30.00 less 10.00", "pay 10.00"},
			[]string{"a: 30 less 10"},
		},
		{
			"a coupon alone changes nothing before the next invoice",
			proration{Paid: flat("a", "30"), Next: flat("a", "30"), Discount: percent(50), Period: april, At: on(15)},
			[]string{"nothing"},
			[]string{"a: 30"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			inv, paid := subscription.Prorate(tc.p)
			if d := cmp.Diff(tc.want, shown(inv)); d != "" {
				t.Errorf("invoice (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tc.paid, worth(paid)); d != "" {
				t.Errorf("paid (-want +got):\n%s", d)
			}
		})
	}
}

func TestRecurring(t *testing.T) {
	t.Parallel()
	next := billOf("a", nil, price(catalog.FlatFee, "", "30"), once(price(catalog.FlatFee, "", "200")), price(catalog.PerUnit, "seats", "0"))
	inv, paid := subscription.Recurring(next, &subscription.Discount{PercentOff: 10}, april)
	if d := cmp.Diff([]string{"a: 1 × 30: 30.00 less 3.00", "pay 27.00"}, shown(inv)); d != "" {
		t.Errorf("invoice (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"a: 30 less 3", "a, once: 200", "seats × 1: 0"}, worth(paid)); d != "" {
		t.Errorf("paid (-want +got):\n%s", d)
	}
	if !inv.Start.Equal(april.Start) || !inv.End.Equal(april.End) || inv.SubTotal.String() != "30.00" || inv.Discount.String() != "3.00" {
		t.Errorf("from %v to %v: %s less %s", inv.Start, inv.End, inv.SubTotal, inv.Discount)
	}
	part := subscription.Cycle{Period: subscription.Monthly, Anchor: on(15), Zone: "UTC"}.At(on(15))
	inv, _ = subscription.Recurring(next, nil, part)
	if d := cmp.Diff([]string{"a (rest of the period): 1 × 30: 15.00", "pay 15.00"}, shown(inv)); d != "" {
		t.Errorf("a part (-want +got):\n%s", d)
	}
	if inv, paid = subscription.Recurring(subscription.Bill{}, nil, april); !inv.Zero() || len(paid.Lines) != 0 {
		t.Errorf("nothing costs %v, %v", shown(inv), worth(paid))
	}
}

// Each line is rounded to what its currency is paid in.
func TestInvoicesRoundToMinorUnits(t *testing.T) {
	t.Parallel()
	for currency, want := range map[money.Currency][]string{
		"jpy": {"a (unused time): 1 × 10: -7", "b (rest of the period): 1 × 20: 13", "pay 6"},
		"usd": {"a (unused time): 1 × 10: -6.67", "b (rest of the period): 1 × 20: 13.33", "pay 6.66"},
		"kwd": {"a (unused time): 1 × 10: -6.667", "b (rest of the period): 1 × 20: 13.333", "pay 6.666"},
	} {
		bill := func(plan, amount string) subscription.Bill {
			p := price(catalog.FlatFee, "", "0")
			p.Price = in(currency, amount)
			return billOf(plan, nil, p)
		}
		inv, _ := subscription.Prorate(proration{Paid: bill("a", "10"), Next: bill("b", "20"), Period: april, At: on(10)})
		if d := cmp.Diff(want, shown(inv)); d != "" || inv.Currency != currency {
			t.Errorf("%s, in %s (-want +got):\n%s", currency, inv.Currency, d)
		}
	}
}

// Two currencies are refused before; nothing of one is set off against the other.
func TestProrateTwoCurrencies(t *testing.T) {
	t.Parallel()
	euros := price(catalog.FlatFee, "", "0")
	euros.Price = in("eur", "90")
	inv, paid := subscription.Prorate(proration{Paid: flat("a", "30"), Next: billOf("b", nil, euros), Period: april, At: on(10)})
	if d := cmp.Diff([]string{"b (rest of the period): 1 × 90: 60.00", "pay 60.00"}, shown(inv)); d != "" || paid.Currency != "eur" {
		t.Errorf("in %s (-want +got):\n%s", paid.Currency, d)
	}
}

func TestProrateSpans(t *testing.T) {
	t.Parallel()
	month := subscription.Cycle{Period: subscription.Monthly, Anchor: on(15)}.At(on(15))
	for _, tc := range []struct {
		name       string
		p          proration
		start, end time.Time
	}{
		{"the rest of the period", proration{Period: april, At: on(10)}, on(10), april.End},
		{"a new one", proration{Period: april, Restart: &month, At: on(15)}, month.Start, month.End},
		{"none", proration{At: on(10)}, on(10), on(10)},
	} {
		if inv, _ := subscription.Prorate(tc.p); !inv.Start.Equal(tc.start) || !inv.End.Equal(tc.end) {
			t.Errorf("%s: %v to %v", tc.name, inv.Start, inv.End)
		}
	}
}
