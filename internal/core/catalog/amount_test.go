package catalog

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/base/money"
)

func usd(amount string) *money.Money { return in("usd", amount) }

func in(c money.Currency, amount string) *money.Money {
	return &money.Money{Amount: money.MustDecimal(amount), Currency: c}
}

// tier ends at upTo; 0 is no end, and "" no price.
func tier(upTo int64, unit, flat string) Tier {
	var t Tier
	if upTo != 0 {
		t.UpTo = &upTo
	}
	if unit != "" {
		t.UnitPrice = usd(unit)
	}
	if flat != "" {
		t.FlatPrice = usd(flat)
	}
	return t
}

func tiered(mode string, tiers ...Tier) Price { return Price{TiersMode: mode, Tiers: tiers} }

func TestAmount(t *testing.T) {
	t.Parallel()
	falling := []Tier{tier(5, "20", ""), tier(10, "15", ""), tier(0, "10", "")}
	fees := []Tier{tier(5, "20", "10"), tier(10, "15", "8"), tier(0, "10", "5")}
	stairs := []Tier{tier(10, "", "10"), tier(50, "", "25"), tier(0, "", "40")}
	free := []Tier{tier(100, "0", ""), tier(0, "0.01", "")}
	thousand := Price{Price: usd("3"), BlockSize: ptr(int64(1000))}
	flat := Price{BillingModel: FlatFee, Price: usd("49")}
	for _, tc := range []struct {
		name  string
		given Price
		of    string
		want  string
	}{
		{"per unit", Price{Price: usd("9.9")}, "7", "69.30 usd"},
		{"per unit, a fraction", Price{Price: usd("9.9")}, "0.5", "4.95 usd"},
		{"flat fee", flat, "1", "49.00 usd"},
		{"flat fee of nothing", flat, "0", "0.00 usd"},
		{"minimum spend", Price{BillingModel: MinimumSpend, Price: usd("100")}, "1", "100.00 usd"},
		{"free", Price{Price: usd("0")}, "20", "0.00 usd"},

		{"graduated", tiered(Graduated, falling...), "20", "275.00 usd"},
		{"graduated with tier fees", tiered(Graduated, fees...), "20", "298.00 usd"},
		{"graduated, the first tier filled", tiered(Graduated, fees...), "5", "110.00 usd"},
		{"graduated, the second tier entered", tiered(Graduated, fees...), "6", "133.00 usd"},
		{"graduated, entered by a fraction", tiered(Graduated, fees...), "5.5", "125.50 usd"},
		{"graduated, nothing used", tiered(Graduated, fees...), "0", "0.00 usd"},
		{"graduated, fees alone", tiered(Graduated, stairs...), "11", "35.00 usd"},

		{"volume", tiered(Volume, falling...), "20", "200.00 usd"},
		{"volume with tier fees", tiered(Volume, fees...), "20", "205.00 usd"},
		{"volume, a tier's end", tiered(Volume, falling...), "5", "100.00 usd"},
		{"volume, a tier's begin", tiered(Volume, falling...), "6", "90.00 usd"},
		{"volume, between the two", tiered(Volume, falling...), "5.5", "82.50 usd"},
		{"volume, nothing used", tiered(Volume, fees...), "0", "0.00 usd"},

		{"stair-step, one", tiered(Volume, stairs...), "1", "10.00 usd"},
		{"stair-step, a fraction", tiered(Volume, stairs...), "0.25", "10.00 usd"},
		{"stair-step, a step's end", tiered(Volume, stairs...), "10", "10.00 usd"},
		{"stair-step, the next step", tiered(Volume, stairs...), "11", "25.00 usd"},
		{"stair-step, the open step", tiered(Volume, stairs...), "1000", "40.00 usd"},
		{"stair-step, nothing used", tiered(Volume, stairs...), "0", "0.00 usd"},

		{"free units used up", tiered(Graduated, free...), "100", "0.00 usd"},
		{"beyond the free units", tiered(Graduated, free...), "150", "0.50 usd"},
		{"free units of a volume price", tiered(Volume, free...), "150", "1.50 usd"},

		{"half a package", thousand, "500", "3.00 usd"},
		{"a full package", thousand, "1000", "3.00 usd"},
		{"one more", thousand, "1001", "6.00 usd"},
		{"one and a half packages", thousand, "1500", "6.00 usd"},
		{"a little more than a package", thousand, "1000.001", "6.00 usd"},
		{"a little", thousand, "0.001", "3.00 usd"},
		{"no package", thousand, "0", "0.00 usd"},

		{"a cent's half goes up", Price{Price: usd("0.005")}, "1", "0.01 usd"},
		{"less goes down", Price{Price: usd("0.00499")}, "1", "0.00 usd"},
		{"a half is no even number's", Price{Price: usd("0.125")}, "1", "0.13 usd"},
		{"rounded behind the quantity", Price{Price: usd("0.333")}, "3", "1.00 usd"},
		{"rounded behind the tiers", tiered(Graduated, tier(1, "0.005", ""), tier(0, "0.005", "")), "2", "0.01 usd"},
		{"no decimals, up", Price{Price: in("jpy", "10.5")}, "1", "11 jpy"},
		{"no decimals, down", Price{Price: in("jpy", "10.49")}, "1", "10 jpy"},
		{"three decimals, up", Price{Price: in("kwd", "0.0005")}, "1", "0.001 kwd"},
		{"three decimals, down", Price{Price: in("kwd", "0.00049")}, "1", "0.000 kwd"},
		{"three decimals, all used", Price{Price: in("kwd", "1.234")}, "5", "6.170 kwd"},
		{"large", Price{Price: usd("999999999999999")}, "999999", "999998999999999000001.00 usd"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := Amount(tc.given, money.MustDecimal(tc.of))
			if err != nil || got.String() != tc.want {
				t.Errorf("%s cost %s, %v; want %s", tc.of, got, err, tc.want)
			}
		})
	}
}

func TestExactKeepsEveryDigit(t *testing.T) {
	t.Parallel()
	got, err := Exact(tiered(Graduated, tier(3, "0.00001", ""), tier(0, "0.33333", "0.1")), money.MustDecimal("4.5"))
	if err != nil || got.String() != "0.600025 usd" {
		t.Errorf("got %s, %v", got, err)
	}
}

// A price in credits is no money, whatever is used.
func TestCreditsCostNoMoney(t *testing.T) {
	t.Parallel()
	p := Price{BillingModel: UsageBased, CreditRate: &CreditRate{Amount: money.MustDecimal("2.5"), CurrencyID: "tokens"}}
	for name, of := range map[string]func(Price, money.Decimal) (money.Money, error){"Amount": Amount, "Exact": Exact} {
		got, err := of(p, money.FromInt(100))
		if err != nil || !got.Amount.IsZero() || got.Currency != "" {
			t.Errorf("%s: got %s, %v", name, got, err)
		}
	}
}

func TestNegativeQuantityIsRefused(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]Price{
		"per unit": {Price: usd("1")}, "package": {Price: usd("1"), BlockSize: ptr(int64(10))},
		"graduated": tiered(Graduated, tier(0, "1", "")), "volume": tiered(Volume, tier(0, "1", "")), "credits": {},
	} {
		for _, of := range []string{"-1", "-0.00001"} {
			if got, err := Amount(p, money.MustDecimal(of)); !errors.Is(err, ErrInvalidQuantity) {
				t.Errorf("Amount of %s, %s: %s, %v", of, name, got, err)
			}
			if got, err := Exact(p, money.MustDecimal(of)); !errors.Is(err, ErrInvalidQuantity) {
				t.Errorf("Exact of %s, %s: %s, %v", of, name, got, err)
			}
		}
	}
}

func TestCheckQuantity(t *testing.T) {
	t.Parallel()
	bounded := Price{MinQuantity: ptr(int64(2)), MaxQuantity: ptr(int64(5))}
	for _, tc := range []struct {
		name  string
		given Price
		n     int64
		want  error
	}{
		{"no bounds", Price{}, 1, nil},
		{"no bounds, none", Price{}, 0, nil},
		{"no bounds, many", Price{}, 1 << 62, nil},
		{"below 0", Price{}, -1, ErrInvalidQuantity},
		{"at the minimum", bounded, 2, nil},
		{"below the minimum", bounded, 1, ErrInvalidQuantity},
		{"none of a minimum", bounded, 0, ErrInvalidQuantity},
		{"at the maximum", bounded, 5, nil},
		{"above the maximum", bounded, 6, ErrInvalidQuantity},
		{"a minimum of 0", Price{MinQuantity: ptr(int64(0))}, 0, nil},
		{"a minimum alone", Price{MinQuantity: ptr(int64(2))}, 999_999, nil},
		{"a maximum alone", Price{MaxQuantity: ptr(int64(2))}, 0, nil},
	} {
		if err := tc.given.CheckQuantity(tc.n); !errors.Is(err, tc.want) {
			t.Errorf("%s: %d gives %v, want %v", tc.name, tc.n, err, tc.want)
		}
	}
}

// amounts are prices with at most 5 places.
func amounts() *rapid.Generator[money.Decimal] {
	return rapid.Map(rapid.Int64Range(0, 10_000_000), func(n int64) money.Decimal {
		return money.FromInt(n).Mul(money.MustDecimal("0.00001"))
	})
}

// quantities are whole more often than not.
func quantities() *rapid.Generator[money.Decimal] {
	return rapid.Custom(func(t *rapid.T) money.Decimal {
		n := money.FromInt(rapid.Int64Range(0, 120).Draw(t, "whole"))
		return n.Add(money.MustDecimal(rapid.SampledFrom([]string{"0", "0", "0.5", "0.001"}).Draw(t, "part")))
	})
}

// anyTiers are up to 4 tiers, with fees or without.
func anyTiers(fees bool) *rapid.Generator[[]Tier] {
	return rapid.Custom(func(t *rapid.T) (tiers []Tier) {
		ends := append(rapid.SliceOfN(rapid.Int64Range(1, 30), 0, 3).Draw(t, "widths"), 0)
		var end int64
		for i, width := range ends {
			one := Tier{UnitPrice: &money.Money{Amount: amounts().Draw(t, "unit"), Currency: money.USD}}
			if end += width; i < len(ends)-1 {
				one.UpTo = ptr(end)
			}
			if fees && rapid.Bool().Draw(t, "fee") {
				one.FlatPrice = &money.Money{Amount: amounts().Draw(t, "flat"), Currency: money.USD}
			}
			tiers = append(tiers, one)
		}
		return tiers
	})
}

func exact(t *rapid.T, p Price, quantity money.Decimal) money.Decimal {
	m, err := Exact(p, quantity)
	if err != nil {
		t.Fatal(err)
	}
	return m.Amount
}

func TestGraduatedIsMonotone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := tiered(Graduated, anyTiers(true).Draw(t, "tiers")...)
		a, more := quantities().Draw(t, "a"), quantities().Draw(t, "more")
		if less, all := exact(t, p, a), exact(t, p, a.Add(more)); less.Cmp(all) > 0 {
			t.Fatalf("%s cost %s, and %s more cost %s", a, less, more, all)
		}
	})
}

// Counted unit by unit, each at the price of the tier that it is in.
func TestGraduatedIsTheSumOfItsUnits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tiers := anyTiers(true).Draw(t, "tiers")
		n := rapid.Int64Range(0, 120).Draw(t, "n")
		var want money.Decimal
		entered := -1
		for unit := int64(1); unit <= n; unit++ {
			at := 0
			for tiers[at].UpTo != nil && *tiers[at].UpTo < unit {
				at++
			}
			want = want.Add(tiers[at].UnitPrice.Amount)
			if at != entered && tiers[at].FlatPrice != nil {
				want = want.Add(tiers[at].FlatPrice.Amount)
			}
			entered = at
		}
		if got := exact(t, tiered(Graduated, tiers...), money.FromInt(n)); !got.Equal(want) {
			t.Fatalf("%d cost %s, want %s", n, got, want)
		}
	})
}

func TestSplittingIsNeverCheaperWhenPricesFall(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tiers := anyTiers(false).Draw(t, "tiers")
		for i := 1; i < len(tiers); i++ {
			if before := tiers[i-1].UnitPrice; tiers[i].UnitPrice.Amount.Cmp(before.Amount) > 0 {
				tiers[i].UnitPrice = before
			}
		}
		p := tiered(Graduated, tiers...)
		a, b := quantities().Draw(t, "a"), quantities().Draw(t, "b")
		if apart, together := exact(t, p, a).Add(exact(t, p, b)), exact(t, p, a.Add(b)); apart.Cmp(together) < 0 {
			t.Fatalf("%s and %s cost %s apart, and %s together", a, b, apart, together)
		}
	})
}

func TestOneOpenTierIsAPricePerUnit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		unit, quantity := &money.Money{Amount: amounts().Draw(t, "unit"), Currency: money.USD}, quantities().Draw(t, "quantity")
		want := exact(t, Price{Price: unit}, quantity)
		if !want.Equal(unit.Amount.Mul(quantity)) {
			t.Fatalf("%s at %s cost %s", quantity, unit, want)
		}
		for _, mode := range []string{Volume, Graduated} {
			if got := exact(t, tiered(mode, Tier{UnitPrice: unit}), quantity); !got.Equal(want) {
				t.Fatalf("%s: %s cost %s, want %s", mode, quantity, got, want)
			}
		}
	})
}

func TestRoundingIsAtMostHalfAMinorUnit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cur := rapid.SampledFrom(money.Currencies()).Draw(t, "currency")
		p := Price{Price: &money.Money{Amount: amounts().Draw(t, "price"), Currency: cur}}
		quantity := quantities().Draw(t, "quantity")
		got, err := Amount(p, quantity)
		if err != nil || got.Currency != cur || got.Amount.Scale() != cur.MinorUnits() {
			t.Fatalf("got %s, %v", got, err)
		}
		unit := money.FromInt(1)
		for range cur.MinorUnits() {
			unit = unit.Mul(money.MustDecimal("0.1"))
		}
		// From −½ up to and with +½: a tie goes up.
		twice := got.Amount.Sub(exact(t, p, quantity)).Mul(money.FromInt(2))
		if twice.Cmp(unit) > 0 || twice.Add(unit).Sign() <= 0 {
			t.Fatalf("%s became %s", exact(t, p, quantity), got)
		}
	})
}

func TestBlocksAreRoundedUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		price, size := amounts().Draw(t, "price"), rapid.Int64Range(1, 50).Draw(t, "size")
		quantity := quantities().Draw(t, "quantity")
		p := Price{Price: &money.Money{Amount: price, Currency: money.USD}, BlockSize: &size}
		cost := exact(t, p, quantity).Mul(money.FromInt(size)) // all times the size: nothing is divided
		share := price.Mul(quantity)
		if cost.Cmp(share) < 0 {
			t.Fatalf("%s in blocks of %d cost less than their share", quantity, size)
		}
		if next := share.Add(price.Mul(money.FromInt(size))); price.Sign() > 0 && cost.Cmp(next) >= 0 {
			t.Fatalf("%s in blocks of %d cost a block too many", quantity, size)
		}
	})
}

func TestCurrencyOfAPrice(t *testing.T) {
	t.Parallel()
	eur := in("eur", "1")
	for name, tc := range map[string]struct {
		given Price
		want  money.Currency
	}{
		"price":           {Price{Price: eur}, "eur"},
		"unit price":      {Price{Tiers: []Tier{{UnitPrice: eur}}}, "eur"},
		"flat price":      {Price{Tiers: []Tier{{FlatPrice: eur}}}, "eur"},
		"nothing is paid": {Price{CreditRate: &CreditRate{}}, ""},
	} {
		if d := cmp.Diff(tc.want, tc.given.Currency()); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
