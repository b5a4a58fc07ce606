package catalog

import (
	"errors"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/journey"
)

func TestPublishable(t *testing.T) {
	t.Parallel()
	trial := &Trial{Duration: 14, Units: "DAY"}
	price := []Price{{BillingModel: FlatFee, BillingCadence: Recurring, BillingPeriod: Monthly}}
	startsFree := journey.Settings{StartSetup: journey.FreePlan, StartPlanID: "plan"}
	startsTrial := journey.Settings{StartSetup: journey.TrialPeriod, StartPlanID: "plan"}
	downgrades := journey.Settings{EndSetup: journey.DowngradeToFree, DowngradePlanID: "plan"}
	for _, tc := range []struct {
		name     string
		settings journey.Settings
		draft    *Version
		want     error
	}{
		{"free", journey.Settings{}, &Version{PricingType: Free}, nil},
		{"paid", journey.Settings{}, &Version{PricingType: Paid, Prices: price}, nil},
		{"custom with a trial", journey.Settings{}, &Version{PricingType: Custom, Trial: trial}, nil},
		{"no draft", journey.Settings{}, nil, ErrAlreadyPublished},
		{"no pricing type", journey.Settings{}, &Version{}, ErrPricingTypeNotSet},
		{"no price", journey.Settings{}, &Version{PricingType: Paid}, errs.InvalidArgument},
		{"free with a trial", journey.Settings{}, &Version{PricingType: Free, Trial: trial}, errs.InvalidArgument},
		{"free start stays free", startsFree, &Version{PricingType: Free}, nil},
		{"free start becomes paid", startsFree, &Version{PricingType: Paid, Prices: price}, ErrDefaultStartPlan},
		{"trial start keeps its trial", startsTrial, &Version{PricingType: Paid, Prices: price, Trial: trial}, nil},
		{"trial start loses its trial", startsTrial, &Version{PricingType: Paid, Prices: price}, ErrDefaultStartPlan},
		{"trial start becomes free", startsTrial, &Version{PricingType: Free}, ErrDefaultStartPlan},
		{"downgrade plan stays free", downgrades, &Version{PricingType: Free}, nil},
		{"downgrade plan becomes paid", downgrades, &Version{PricingType: Paid, Prices: price}, ErrDowngradePlan},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			e := edit{product: Product{Settings: tc.settings}, pkg: Package{Kind: KindPlan, RefID: "plan", Status: Published, Draft: tc.draft}}
			if err := e.publishable(); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestCopyTo(t *testing.T) {
	t.Parallel()
	now := time.Unix(1, 0)
	v := Version{
		ID: "v", PackageID: "p", Number: 3, Status: Published, IsLatest: true, PublishedAt: &now, DisplayName: "Pro",
		Entitlements: []Entitlement{{ID: "e", FeatureID: "f"}}, Prices: []Price{{ID: "c"}},
	}
	c := v.copyTo("q", 1, now)
	if c.ID == v.ID || c.PackageID != "q" || c.Number != 1 || c.Status != Draft || c.IsLatest || c.PublishedAt != nil {
		t.Errorf("copy: %+v", c)
	}
	if c.Entitlements[0].ID == "e" || c.Entitlements[0].FeatureID != "f" || c.Prices[0].ID == "c" || c.DisplayName != "Pro" {
		t.Errorf("content: %+v", c)
	}
	if v.Entitlements[0].ID != "e" || v.Prices[0].ID != "c" {
		t.Errorf("the original changed: %+v", v)
	}
}

func TestViews(t *testing.T) {
	t.Parallel()
	published := Package{Status: Published, Latest: &Version{Number: 1}, Draft: &Version{Number: 2}}
	unpublished := Package{Status: Draft, Draft: &Version{Number: 1}}
	hidden := Package{Status: Published, Latest: &Version{Number: 1}, HiddenFromWidgets: []string{Paywall}}
	archived := Package{Status: Archived, Latest: &Version{Number: 1}}
	for _, tc := range []struct {
		name string
		plan Package
		view View
		want int64 // 0 for ErrPlanNotFound
	}{
		{"published before draft", published, Shown, 1},
		{"the draft when asked", published, InDraft, 2},
		{"a client sees the published one", published, Public, 1},
		{"the draft when there is nothing else", unpublished, Shown, 1},
		{"a client sees no draft", unpublished, Public, 0},
		{"no draft", hidden, InDraft, 0},
		{"hidden from clients", hidden, Public, 0},
		{"shown to servers", hidden, Shown, 1},
		{"archived from clients", archived, Public, 0},
		{"archived to servers", archived, Shown, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v, err := tc.plan.version(tc.view)
			if tc.want == 0 {
				if !errors.Is(err, ErrPlanNotFound) {
					t.Errorf("got %+v, %v", v, err)
				}
				return
			}
			if err != nil || v.Number != tc.want {
				t.Errorf("got %+v, %v, want version %d", v, err, tc.want)
			}
		})
	}
}

// A trial that only its budget ends has no end date.
func TestTrialWithoutEnd(t *testing.T) {
	t.Parallel()
	trial := Trial{Units: "DAY", Budget: &TrialBudget{Limit: money.MustDecimal("50")}}
	if end, ok := trial.Ends(time.Unix(0, 0)); ok {
		t.Errorf("it ends at %s", end)
	}
	if got := trial.String(); got != "trial with a budget of 50" {
		t.Errorf("in words: %s", got)
	}
}

func TestTrialEnds(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time {
		v, err := time.Parse(time.DateTime, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tc := range []struct {
		trial       Trial
		start, want string
	}{
		{Trial{Duration: 14, Units: "DAY"}, "2026-02-20 10:30:00", "2026-03-06 10:30:00"},
		{Trial{Duration: 1, Units: "MONTH"}, "2026-01-15 10:30:00", "2026-02-15 10:30:00"},
		{Trial{Duration: 1, Units: "MONTH"}, "2026-01-31 23:59:59", "2026-02-28 23:59:59"},
		{Trial{Duration: 1, Units: "MONTH"}, "2028-01-31 00:00:00", "2028-02-29 00:00:00"},
		{Trial{Duration: 13, Units: "MONTH"}, "2026-12-31 00:00:00", "2028-01-31 00:00:00"},
	} {
		if got, ok := tc.trial.Ends(at(tc.start)); !ok || !got.Equal(at(tc.want)) {
			t.Errorf("%d %s from %s: got %s, want %s", tc.trial.Duration, tc.trial.Units, tc.start, got, tc.want)
		}
	}
}
