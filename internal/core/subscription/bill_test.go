package subscription_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
)

func in(currency money.Currency, amount string) *money.Money {
	return &money.Money{Amount: money.MustDecimal(amount), Currency: currency}
}

func usd(amount string) *money.Money { return in(money.USD, amount) }

// price is a recurring monthly price.
func price(model, feature, amount string) catalog.Price {
	return catalog.Price{
		BillingModel: model, BillingCadence: catalog.Recurring, BillingPeriod: catalog.Monthly, FeatureRefID: feature, Price: usd(amount),
	}
}

func once(p catalog.Price) catalog.Price {
	p.BillingCadence = catalog.OneOff
	return p
}

// tiers are 20 each up to 5, 15 up to 10 and 10 beyond, with a fee for each tier that is entered or without.
func tiers(mode string, fees bool) catalog.Price {
	p := price(catalog.PerUnit, "seats", "0")
	p.Price, p.TiersMode = nil, mode
	five, ten := int64(5), int64(10)
	p.Tiers = []catalog.Tier{{UpTo: &five, UnitPrice: usd("20")}, {UpTo: &ten, UnitPrice: usd("15")}, {UnitPrice: usd("10")}}
	if fees {
		p.Tiers[0].FlatPrice, p.Tiers[1].FlatPrice, p.Tiers[2].FlatPrice = usd("10"), usd("8"), usd("5")
	}
	return p
}

func TestBillOf(t *testing.T) {
	t.Parallel()
	seats := price(catalog.PerUnit, "seats", "10")
	three, thousand := int64(3), int64(1000)
	atLeast3 := seats
	atLeast3.MinQuantity = &three
	tokens := price(catalog.CreditBased, "", "0.5")
	tokens.TopUpCurrency = "tokens"
	blocks := price(catalog.PerUnit, "calls", "7")
	blocks.BlockSize = &thousand
	overage := seats
	overage.Overage = true
	inCredits := price(catalog.CreditBased, "", "1")
	inCredits.Price = nil
	ordered := func(typ, id string, n int64) []subscription.Quantity {
		return []subscription.Quantity{{Type: typ, ID: id, Quantity: n}}
	}

	for _, tc := range []struct {
		name       string
		plan       []catalog.Price
		addon      []catalog.Price // of "extra", which there are two of
		quantities []subscription.Quantity
		minimum    *money.Money
		want       []string // description: quantity × unit price = amount
	}{
		{name: "nothing"},
		{name: "a flat fee", plan: []catalog.Price{price(catalog.FlatFee, "", "49.9")}, want: []string{"plan-pro: 1 × 49.9 = 49.9"}},
		{
			name: "ordered seats", plan: []catalog.Price{seats}, quantities: ordered("FEATURE", "seats", 5),
			want: []string{"seats × 5: 5 × 10 = 50"},
		},
		{name: "else the minimum", plan: []catalog.Price{atLeast3}, want: []string{"seats × 3: 3 × 10 = 30"}},
		{name: "else one", plan: []catalog.Price{seats}, want: []string{"seats × 1: 1 × 10 = 10"}},
		{
			name: "none, when none were ordered", plan: []catalog.Price{atLeast3}, quantities: ordered("FEATURE", "seats", 0),
			want: []string{"seats × 0: 0 × 10 = 0"},
		},
		{
			name: "credits are no feature", plan: []catalog.Price{tokens}, quantities: append(ordered("FEATURE", "tokens", 5), ordered("CREDIT", "tokens", 100)...),
			want: []string{"tokens × 100: 100 × 0.5 = 50"},
		},
		{
			name: "usage, overage and what is charged in credits are not paid in advance",
			plan: []catalog.Price{price(catalog.UsageBased, "calls", "1"), overage, inCredits},
		},
		{
			name: "500 units are one block of 1,000", plan: []catalog.Price{blocks}, quantities: ordered("FEATURE", "calls", 500),
			want: []string{"calls × 500: 500 × - = 7"},
		},
		{
			name: "1,500 units are two blocks", plan: []catalog.Price{blocks}, quantities: ordered("FEATURE", "calls", 1500),
			want: []string{"calls × 1500: 1500 × - = 14"},
		},
		{
			name: "graduated tiers", plan: []catalog.Price{tiers(catalog.Graduated, false)}, quantities: ordered("FEATURE", "seats", 20),
			want: []string{"seats × 20: 20 × - = 275"},
		},
		{
			name: "graduated tiers with fees", plan: []catalog.Price{tiers(catalog.Graduated, true)}, quantities: ordered("FEATURE", "seats", 20),
			want: []string{"seats × 20: 20 × - = 298"},
		},
		{
			name: "volume tiers", plan: []catalog.Price{tiers(catalog.Volume, false)}, quantities: ordered("FEATURE", "seats", 20),
			want: []string{"seats × 20: 20 × - = 200"},
		},
		{
			name: "add-ons count as often as there are", quantities: ordered("FEATURE", "disks", 3),
			addon: []catalog.Price{price(catalog.FlatFee, "", "5"), price(catalog.PerUnit, "disks", "2"), once(price(catalog.FlatFee, "", "1"))},
			want:  []string{"add-on extra × 2: 2 × 5 = 10", "add-on extra, disks × 6: 6 × 2 = 12", "add-on extra × 2, once: 2 × 1 = 2"},
		},
		{
			name: "the plan's minimum spend", plan: []catalog.Price{price(catalog.MinimumSpend, "", "100")},
			want: []string{"minimum spend: 1 × 100 = 100"},
		},
		{
			name: "the subscription's replaces it", plan: []catalog.Price{price(catalog.MinimumSpend, "", "100")}, minimum: usd("80"),
			want: []string{"minimum spend: 1 × 80 = 80"},
		},
		{
			name: "or stands alone", plan: []catalog.Price{price(catalog.FlatFee, "", "5")}, minimum: usd("80"),
			want: []string{"plan-pro: 1 × 5 = 5", "minimum spend: 1 × 80 = 80"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			bill, err := subscription.BillOf("plan-pro", charges(tc.plan, tc.addon), []subscription.Addon{{RefID: "extra", Quantity: 2}}, tc.quantities, tc.minimum)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, l := range bill.Lines {
				unit := "-"
				if l.UnitPrice != nil {
					unit = l.UnitPrice.String()
				}
				got = append(got, fmt.Sprintf("%s: %d × %s = %s", l.Description, l.Quantity, unit, l.Amount))
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("lines (-want +got):\n%s", d)
			}
			if (bill.Currency == money.USD) != (len(tc.want) > 0) {
				t.Errorf("in %q", bill.Currency)
			}
		})
	}
}

func charges(plan, extra []catalog.Price) []subscription.Charge {
	var list []subscription.Charge
	for _, p := range plan {
		list = append(list, subscription.Charge{Price: p})
	}
	for _, p := range extra {
		list = append(list, subscription.Charge{AddonRef: "extra", Price: p})
	}
	return list
}

func TestBillOfRefuses(t *testing.T) {
	t.Parallel()
	seats := []catalog.Price{price(catalog.PerUnit, "seats", "10")}
	_, err := subscription.BillOf("plan-pro", charges(seats, nil), nil, nil, in("eur", "80"))
	if !errors.Is(err, errs.BadUserInput) {
		t.Errorf("two currencies: %v", err)
	}
	_, err = subscription.BillOf("plan-pro", charges(seats, nil), nil, []subscription.Quantity{{Type: "FEATURE", ID: "seats", Quantity: -1}}, nil)
	if !errors.Is(err, catalog.ErrInvalidQuantity) {
		t.Errorf("less than nothing: %v", err)
	}
	bill, err := subscription.BillOf("plan-pro", charges(nil, seats), nil, nil, nil)
	if err != nil || len(bill.Lines) != 0 {
		t.Errorf("an add-on that there is none of: %+v, %v", bill, err)
	}
}

func TestOrdered(t *testing.T) {
	t.Parallel()
	three := int64(3)
	disks := price(catalog.PerUnit, "disks", "2")
	disks.MinQuantity = &three
	tokens := price(catalog.CreditBased, "", "0.5")
	tokens.TopUpCurrency = "tokens"
	list := charges([]catalog.Price{
		price(catalog.FlatFee, "", "5"), price(catalog.PerUnit, "seats", "10"), disks, price(catalog.UsageBased, "calls", "1"), tokens,
	}, []catalog.Price{price(catalog.PerUnit, "seats", "1")})
	got := subscription.Ordered(list, []subscription.Quantity{{Type: "FEATURE", ID: "seats", Quantity: 5}, {Type: "FEATURE", ID: "gone", Quantity: 1}})
	want := []subscription.Quantity{{Type: "FEATURE", ID: "seats", Quantity: 5}, {Type: "FEATURE", ID: "disks", Quantity: 3}, {Type: "CREDIT", ID: "tokens", Quantity: 1}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Bills and invoices are stored: they come back as they were.
func TestBillsAndInvoicesAreStored(t *testing.T) {
	t.Parallel()
	bill := paidWith(flat("a", "29.99999"), "9.9999966667")
	var again subscription.Bill
	text, err := json.Marshal(bill)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"currency":"usd","lines":[{"package":"a","model":"FLAT_FEE","cadence":"RECURRING","description":"a",` +
		`"quantity":1,"unitPrice":29.99999,"amount":29.99999,"discount":9.9999966667}]}`
	if d := cmp.Diff(want, string(text)); d != "" {
		t.Errorf("bill (-want +got):\n%s", d)
	}
	if err := json.Unmarshal(text, &again); err != nil || cmp.Diff(bill, again) != "" {
		t.Errorf("it came back as %+v, %v", again, err)
	}
	inv, _ := subscription.Prorate(proration{Paid: bill, Period: april, At: on(10), Behavior: subscription.CreateProrations})
	if text, err = json.Marshal(inv); err != nil {
		t.Fatal(err)
	}
	want = `{"currency":"usd","lines":[{"description":"a (unused time)","quantity":1,"unitPrice":29.99999,"amount":-20.00,"discount":-6.67}],` +
		`"subTotal":-20.00,"discount":-6.67,"total":0.00,"credit":13.33,"start":"2027-04-11T00:00:00Z","end":"2027-05-01T00:00:00Z","fromBalance":0,"amountDue":0,"deferred":true}`
	if d := cmp.Diff(want, string(text)); d != "" {
		t.Errorf("invoice (-want +got):\n%s", d)
	}
}
