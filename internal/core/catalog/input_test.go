package catalog

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/opt"
)

// refusal is an error's code and the paths that it names.
type refusal struct {
	Code  string
	Paths []string
}

func refused(err error) refusal {
	e, ok := errs.As(err)
	if !ok {
		return refusal{}
	}
	r := refusal{Code: e.Code}
	for _, f := range e.Fields {
		r.Paths = append(r.Paths, f.Path)
	}
	return r
}

func bad(code string, paths ...string) refusal { return refusal{code, paths} }

var long = strings.Repeat("ä", 256)

func ptr[T any](v T) *T { return &v }

func TestNewProductValidate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		given NewProduct
		want  refusal
	}{
		{"minimal", NewProduct{DisplayName: "Demo"}, refusal{}},
		{"every pattern character", NewProduct{ID: "9a_|.-Z", DisplayName: "Demo"}, refusal{}},
		{
			"all bad at once",
			NewProduct{ID: "a/b", DisplayName: " ", Description: &long, Metadata: map[string]string{"": "x"}},
			bad("BadUserInput", "description", "displayName", "id", "metadata"),
		},
		{"an address as id", NewProduct{ID: "a@b", DisplayName: "Demo"}, bad("BadUserInput", "id")},
		{"long id", NewProduct{ID: long, DisplayName: long}, bad("BadUserInput", "displayName", "id")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tc.want, refused(tc.given.Validate())); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNewFeatureValidate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		given NewFeature
		want  refusal
	}{
		{"boolean", NewFeature{DisplayName: "SSO", Type: Boolean}, refusal{}},
		{"configuration", NewFeature{DisplayName: "Retention", Type: Number, MeterType: NoMeter}, refusal{}},
		{"metered", NewFeature{DisplayName: "Seats", Type: Number, MeterType: Fluctuating, Units: ptr("seat")}, refusal{}},
		{
			"metered boolean",
			NewFeature{DisplayName: "SSO", Type: Boolean, MeterType: Incremental},
			bad("MeteringNotAvailableForFeatureType", "meterType"),
		},
		{"enum", NewFeature{DisplayName: "Region", Type: Enum}, bad("UnsupportedFeatureType", "featureType")},
		{"unknown kinds", NewFeature{DisplayName: "X", Type: "TEXT", MeterType: "SUM"}, bad("BadUserInput", "featureType", "meterType")},
		{
			"not yet",
			NewFeature{DisplayName: "X", Type: Number, Unsupported: []string{"unitTransformation"}},
			bad("InvalidArgumentError", "unitTransformation"),
		},
		{
			"long texts",
			NewFeature{DisplayName: "X", Type: Number, Units: &long, UnitsPlural: &long},
			bad("BadUserInput", "featureUnits", "featureUnitsPlural"),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tc.want, refused(tc.given.Validate())); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNewPlanValidate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		given NewPlan
		want  refusal
	}{
		{"unpriced", NewPlan{DisplayName: "Pro"}, refusal{}},
		{"trial of a paid plan", NewPlan{DisplayName: "Pro", PricingType: Paid, Trial: &Trial{14, "DAY", "CONVERT_TO_PAID"}}, refusal{}},
		{"trial of a custom plan", NewPlan{DisplayName: "Pro", PricingType: Custom, Trial: &Trial{1, "MONTH", ""}}, refusal{}},
		{
			"trial of a free plan",
			NewPlan{DisplayName: "Free", PricingType: Free, Trial: &Trial{14, "DAY", ""}},
			bad("InvalidArgumentError", "defaultTrialConfig"),
		},
		{"no length", NewPlan{DisplayName: "Pro", Trial: &Trial{0, "DAY", ""}}, bad("InvalidArgumentError", "defaultTrialConfig.duration")},
		{"endless", NewPlan{DisplayName: "Pro", Trial: &Trial{121, "MONTH", ""}}, bad("InvalidArgumentError", "defaultTrialConfig.duration")},
		{
			"unknown words",
			NewPlan{DisplayName: "Pro", PricingType: "PRO", Trial: &Trial{1, "WEEK", "STOP"}, HiddenFromWidgets: []string{"HOME"}},
			bad("BadUserInput", "defaultTrialConfig.trialEndBehavior", "defaultTrialConfig.units", "hiddenFromWidgets", "pricingType"),
		},
		{"published at once", NewPlan{DisplayName: "Pro", Status: Published}, bad("InvalidArgumentError", "status")},
		{
			"not yet",
			NewPlan{DisplayName: "Pro", Unsupported: []string{"parentPlanId", "defaultTrialConfig.budget"}},
			bad("InvalidArgumentError", "defaultTrialConfig.budget", "parentPlanId"),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tc.want, refused(tc.given.Validate())); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestPricing(t *testing.T) {
	t.Parallel()
	price := func(amount string, c money.Currency) *money.Money {
		return &money.Money{Amount: money.MustDecimal(amount), Currency: c}
	}
	flat := func(p *money.Money) []PricingModel {
		return []PricingModel{{FlatFee, "", []PricePeriod{{Monthly, p}}}}
	}
	const model = "charges.pricingModels[0]"
	for _, tc := range []struct {
		name  string
		given Pricing
		want  refusal
	}{
		{"free", Pricing{Type: Free}, refusal{}},
		{"a price", Pricing{Paid, flat(price("49", ""))}, refusal{}},
		{"nothing", Pricing{Paid, flat(price("0", "eur"))}, refusal{}},
		{"five places", Pricing{Paid, flat(price("0.00001", "usd"))}, refusal{}},
		{"six places", Pricing{Paid, flat(price("0.000001", "usd"))}, bad("InvalidArgumentError", model+".pricePeriods[0].price.amount")},
		{"negative", Pricing{Paid, flat(price("-1", "usd"))}, bad("InvalidArgumentError", model+".pricePeriods[0].price.amount")},
		{"currency", Pricing{Paid, flat(price("1", "USD"))}, bad("BadUserInput", model+".pricePeriods[0].price.currency")},
		{"no price", Pricing{Paid, flat(nil)}, bad("InvalidArgumentError", model+".pricePeriods[0].price")},
		{"no period", Pricing{Paid, []PricingModel{{BillingModel: FlatFee}}}, bad("BadUserInput", model+".pricePeriods")},
		{"price of a free plan", Pricing{Free, flat(price("1", "usd"))}, bad("InvalidArgumentError", "charges.pricingModels")},
		{"not yet", Pricing{Paid, []PricingModel{
			{"PER_UNIT", "ONE_OFF", []PricePeriod{{"ANNUALLY", price("1", "usd")}, {Monthly, price("1", "usd")}}},
			flat(price("1", "usd"))[0],
		}}, bad("InvalidArgumentError", model+".billingCadence", model+".billingModel", model+".pricePeriods[0].billingPeriod",
			model+".pricePeriods[1]", "charges.pricingModels[1]")},
		{"unknown type", Pricing{Type: "GRATIS"}, bad("BadUserInput", "charges.pricingType")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := PlanUpdate{Pricing: &tc.given}.Validate()
			if d := cmp.Diff(tc.want, refused(err)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestUpdatesNameEveryBadField(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		given interface{ Validate() error }
		want  refusal
	}{
		{
			"product",
			ProductUpdate{DisplayName: ptr(""), Description: opt.Some(long), UsageResetCutoff: ptr("SOMETIMES")},
			bad("BadUserInput", "description", "displayName", "usageResetCutoffRule.behavior"),
		},
		{"feature", FeatureUpdate{Units: opt.Some(long), Unsupported: []string{"meter"}}, bad("BadUserInput", "featureUnits", "meter")},
		{"meter alone", FeatureUpdate{Unsupported: []string{"meter"}}, bad("InvalidArgumentError", "meter")},
		{
			"plan",
			PlanUpdate{BillingID: opt.Some(long), Trial: opt.Some(Trial{0, "DAY", ""}), HiddenFromWidgets: opt.Some([]string{"X"})},
			bad("BadUserInput", "billingId", "defaultTrialConfig.duration", "hiddenFromWidgets"),
		},
		{"null clears", PlanUpdate{BillingID: opt.Null[string](), Trial: opt.Null[Trial]()}, refusal{}},
		{"copy", Duplicate{DisplayName: ptr("")}, bad("BadUserInput", "displayName", "targetId")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tc.want, refused(tc.given.Validate())); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestCheckMigration(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]refusal{
		"": {}, NewCustomers: {},
		AllCustomers: bad("InvalidArgumentError", "migrationType"),
		"SOME":       bad("BadUserInput", "migrationType"),
	} {
		if d := cmp.Diff(want, refused(checkMigration(given))); d != "" {
			t.Errorf("%q: %s", given, d)
		}
	}
}

func TestArchivedPlanIsNotPublished(t *testing.T) {
	t.Parallel()
	p := Plan{RefID: "plan-pro", Status: Archived}
	e := edit{plan: p}
	if err := e.publishable(); !errors.Is(err, ErrNoDraft) || !strings.Contains(err.Error(), "archived") {
		t.Errorf("publishing an archived plan: %v", err)
	}
}
