package subscription

import (
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
)

func TestSpend(t *testing.T) {
	t.Parallel()
	usd := func(s string) *money.Money {
		return &money.Money{Amount: money.MustDecimal(s), Currency: money.USD}
	}
	n := func(n int64) *int64 { return &n }
	calls := func(change func(c *Charge)) Charge {
		c := Charge{Price: catalog.Price{BillingModel: catalog.UsageBased, FeatureRefID: "calls", Price: usd("0.5")}}
		change(&c)
		return c
	}
	plain := calls(func(*Charge) {})
	overage := calls(func(c *Charge) { c.Overage = true })
	for _, tc := range []struct {
		name    string
		charges []Charge
		used    Used
		want    string
		lines   int
	}{
		{"nothing", nil, Used{Units: 9}, "0", 0},
		{"no usage", []Charge{plain}, Used{}, "0", 0},
		{"less than nothing", []Charge{plain}, Used{Units: -3}, "0", 0},
		{"by the unit", []Charge{plain}, Used{Units: 7}, "3.5", 1},
		{"by the block", []Charge{calls(func(c *Charge) { c.BlockSize = n(1000) })}, Used{Units: 1001}, "1", 1},
		{
			"graduated", []Charge{calls(func(c *Charge) {
				c.Price.Price, c.TiersMode = nil, catalog.Graduated
				c.Tiers = []catalog.Tier{{UpTo: n(5), UnitPrice: usd("20"), FlatPrice: usd("10")}, {UpTo: n(10), UnitPrice: usd("15"), FlatPrice: usd("8")}, {UnitPrice: usd("10"), FlatPrice: usd("5")}}
			})}, Used{Units: 20}, "298", 1,
		},
		{
			"by volume", []Charge{calls(func(c *Charge) {
				c.Price.Price, c.TiersMode = nil, catalog.Volume
				c.Tiers = []catalog.Tier{{UpTo: n(10), UnitPrice: usd("20")}, {UnitPrice: usd("10")}}
			})}, Used{Units: 20}, "200", 1,
		},
		{"a line is rounded", []Charge{calls(func(c *Charge) { c.Price.Price = usd("0.0015") })}, Used{Units: 10}, "0.02", 1},
		{"what is included", []Charge{overage}, Used{Units: 100}, "0", 0},
		{"beyond what is included", []Charge{overage}, Used{Units: 100, Beyond: 3}, "1.5", 1},
		{"a plan and an add-on", []Charge{plain, calls(func(c *Charge) { c.AddonRef = "extra" })}, Used{Units: 4}, "4", 2},
		{"another feature", []Charge{calls(func(c *Charge) { c.FeatureRefID = "seats" })}, Used{Units: 4}, "0", 0},
		{"paid in advance", []Charge{calls(func(c *Charge) { c.BillingModel = catalog.PerUnit })}, Used{Units: 4}, "0", 0},
		{"in credits", []Charge{calls(func(c *Charge) { c.Price.Price = nil })}, Used{Units: 4}, "0", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			lines, sum, err := Spend(tc.charges, map[string]Used{"calls": tc.used})
			if err != nil || !sum.Equal(money.MustDecimal(tc.want)) || len(lines) != tc.lines {
				t.Errorf("%s in %d lines, %v, want %s in %d", sum, len(lines), err, tc.want, tc.lines)
			}
		})
	}
}

func TestSpendSpan(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	running := Subscription{Status: Active, StartDate: start, BillingPeriod: Monthly, BillingCycleAnchor: &start}
	trial := Subscription{Status: InTrial, StartDate: start, BillingPeriod: Monthly}
	moved := running
	moved.StartDate = start.AddDate(0, 0, 9)
	reset := moved
	reset.UsageFrom = &UsageOrigin{Anchor: moved.StartDate.Add(time.Microsecond), Cut: true}
	for _, tc := range []struct {
		name      string
		s         Subscription
		now, from time.Time
		until     time.Time // zero for none
	}{
		{name: "the first period", s: running, now: start.AddDate(0, 0, 12), from: start, until: start.AddDate(0, 1, 0)},
		{name: "the next period", s: running, now: start.AddDate(0, 1, 0), from: start.AddDate(0, 1, 0), until: start.AddDate(0, 2, 0)},
		{name: "a trial", s: trial, now: start.AddDate(0, 2, 0), from: start},
		{name: "it began in the period", s: moved, now: start.AddDate(0, 0, 12), from: moved.StartDate, until: start.AddDate(0, 1, 0)},
		{name: "usage was set back", s: reset, now: start.AddDate(0, 0, 12), from: reset.UsageFrom.Anchor, until: start.AddDate(0, 1, 0)},
	} {
		from, until := tc.s.SpendSpan(tc.now)
		if !from.Equal(tc.from) || (until == nil) != tc.until.IsZero() || until != nil && !until.Equal(tc.until) {
			t.Errorf("%s: from %v to %v", tc.name, from, until)
		}
	}
}

func TestHardBudget(t *testing.T) {
	t.Parallel()
	budget := func(n int64, soft bool) *Budget { return &Budget{money.FromInt(n), soft} }
	trial := &catalog.Trial{Budget: &catalog.TrialBudget{Limit: money.FromInt(5)}}
	soft := &catalog.Trial{Budget: &catalog.TrialBudget{Limit: money.FromInt(5), Soft: true}}
	for _, tc := range []struct {
		name   string
		status Status
		own    *Budget
		trial  *catalog.Trial
		want   string
	}{
		{"none", Active, nil, nil, ""},
		{"hard", Active, budget(9, false), nil, "9"},
		{"soft", Active, budget(9, true), nil, ""},
		{"of the trial", InTrial, nil, trial, "5"},
		{"of the trial, soft", InTrial, nil, soft, ""},
		{"its own in the place of the trial's", InTrial, budget(9, false), trial, "9"},
		{"its own soft one too", InTrial, budget(9, true), trial, ""},
		{"the trial is over", Active, nil, trial, ""},
		{"a trial without", InTrial, nil, &catalog.Trial{}, ""},
	} {
		s := Subscription{Status: tc.status, Details: Details{Budget: tc.own}}
		got := ""
		if b := s.HardBudget(tc.trial); b != nil {
			got = b.String()
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
