package subscription_test

import (
	"math/big"
	"testing"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
)

func TestClassifyPlans(t *testing.T) {
	t.Parallel()
	const free, paid, custom = catalog.Free, catalog.Paid, catalog.Custom
	offer := func(ref, pricing string, price int64, period string, rank int, ancestors ...string) subscription.Offer {
		o := subscription.Offer{PlanRef: ref, PricingType: pricing, Period: period, Rank: rank, Ancestors: ancestors}
		if price > 0 {
			o.StartingPrice = big.NewRat(price, 1)
		}
		return o
	}
	for _, tc := range []struct {
		name     string
		from, to subscription.Offer
		want     subscription.Direction
		back     subscription.Direction
	}{
		{"it inherits from the current one, at a lower price", offer("a", paid, 30, "", 0), offer("b", paid, 10, "", 0, "x", "a"), 1, -1},
		{"it inherits from the current one, of another type", offer("a", custom, 0, "", 0), offer("b", free, 0, "", 0, "a"), 1, -1},
		{"a higher starting price", offer("a", paid, 30, "", 2), offer("b", paid, 31, "", 1), 1, -1},
		{"a higher price for a shorter period", offer("a", paid, 30, "ANNUALLY", 2), offer("b", paid, 31, "MONTHLY", 1), 1, -1},
		{"the same price for a longer period", offer("a", paid, 30, "MONTHLY", 2), offer("b", paid, 30, "ANNUALLY", 1), 1, 0},
		{"the same price and period", offer("a", paid, 30, "MONTHLY", 1), offer("b", paid, 30, "MONTHLY", 2), 0, 0},
		{"usage alone costs nothing to start with", offer("a", paid, 0, "MONTHLY", 1), offer("b", paid, 1, "MONTHLY", 2), 1, -1},
		{"custom plans by their place in the table", offer("a", custom, 50, "", 1), offer("b", custom, 10, "", 2), 1, -1},
		{"custom plans at one place", offer("a", custom, 50, "", 1), offer("b", custom, 10, "", 1), 0, 0},
		{"free plans are alike", offer("a", free, 0, "", 1), offer("b", free, 0, "", 2), 0, 0},
		{"free to paid", offer("a", free, 0, "", 2), offer("b", paid, 0, "MONTHLY", 1), 1, -1},
		{"paid to custom", offer("a", paid, 90, "ANNUALLY", 2), offer("b", custom, 0, "", 1), 1, -1},
		{"free to custom", offer("a", "", 0, "", 2), offer("b", custom, 0, "", 1), 1, -1},
	} {
		if got := subscription.ClassifyPlans(tc.from, tc.to); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
		if got := subscription.ClassifyPlans(tc.to, tc.from); got != tc.back {
			t.Errorf("back from: %s: %d, want %d", tc.name, got, tc.back)
		}
	}
}

func TestStartingPrice(t *testing.T) {
	t.Parallel()
	yearly := func(p catalog.Price) catalog.Price {
		p.BillingPeriod = catalog.Annually
		return p
	}
	three := int64(3)
	seats := price(catalog.PerUnit, "seats", "10")
	atLeast3 := seats
	atLeast3.MinQuantity = &three
	overage := seats
	overage.Overage = true
	fee := price(catalog.FlatFee, "", "30")
	for _, tc := range []struct {
		name   string
		prices []catalog.Price
		want   *big.Rat
	}{
		{"nothing", nil, new(big.Rat)},
		{"a flat fee", []catalog.Price{fee}, big.NewRat(30, 1)},
		{"and the fewest seats", []catalog.Price{fee, atLeast3}, big.NewRat(60, 1)},
		{"one where there is no minimum", []catalog.Price{fee, seats}, big.NewRat(40, 1)},
		{"and a minimum spend", []catalog.Price{fee, price(catalog.MinimumSpend, "", "5")}, big.NewRat(35, 1)},
		{"usage, overage and what is paid once count nothing", []catalog.Price{
			fee, price(catalog.UsageBased, "calls", "9"), overage, once(price(catalog.FlatFee, "", "99")),
		}, big.NewRat(30, 1)},
		{"a twelfth of a year, exactly", []catalog.Price{yearly(price(catalog.FlatFee, "", "100"))}, big.NewRat(25, 3)},
		{"the cheaper of both periods", []catalog.Price{fee, yearly(price(catalog.FlatFee, "", "300"))}, big.NewRat(25, 1)},
		{"which may be the month", []catalog.Price{fee, yearly(price(catalog.FlatFee, "", "372"))}, big.NewRat(30, 1)},
		{"usage alone", []catalog.Price{price(catalog.UsageBased, "calls", "9")}, new(big.Rat)},
		{"once alone", []catalog.Price{once(fee)}, new(big.Rat)},
		{"tiers", []catalog.Price{tiers(catalog.Graduated, true)}, big.NewRat(30, 1)},
	} {
		if got := subscription.StartingPrice(tc.prices); got.Cmp(tc.want) != 0 {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}
