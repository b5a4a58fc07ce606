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
		{"enum", NewFeature{DisplayName: "Region", Type: Enum, EnumValues: []EnumValue{{"eu", "Europe"}}}, refusal{}},
		{"enum without values", NewFeature{DisplayName: "Region", Type: Enum}, bad("InvalidArgumentError", "enumConfiguration")},
		{"values of a number", NewFeature{DisplayName: "X", Type: Number, EnumValues: []EnumValue{{"eu", "Europe"}}}, bad("InvalidArgumentError", "enumConfiguration")},
		{
			"bad values",
			NewFeature{DisplayName: "X", Type: Enum, EnumValues: []EnumValue{{"eu", ""}, {"", "x"}, {"eu", "x"}}},
			bad("BadUserInput", "enumConfiguration[0].displayName", "enumConfiguration[1].value", "enumConfiguration[2].value"),
		},
		{"metered enum", NewFeature{DisplayName: "X", Type: Enum, MeterType: Fluctuating, EnumValues: []EnumValue{{"eu", "Europe"}}}, bad("MeteringNotAvailableForFeatureType", "meterType")},
		{"unknown kinds", NewFeature{DisplayName: "X", Type: "TEXT", MeterType: "SUM"}, bad("BadUserInput", "featureType", "meterType")},
		{
			"transformation of what is not metered",
			NewFeature{DisplayName: "X", Type: Number, Transformation: &Transformation{Divide: 0, Round: "NEAREST"}},
			bad("BadUserInput", "unitTransformation", "unitTransformation.divide", "unitTransformation.round"),
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
		given NewPackage
		want  refusal
	}{
		{"unpriced", NewPackage{DisplayName: "Pro"}, refusal{}},
		{"trial of a paid plan", NewPackage{DisplayName: "Pro", PricingType: Paid, Trial: &Trial{Duration: 14, Units: "DAY", EndBehavior: "CONVERT_TO_PAID"}}, refusal{}},
		{"trial of a custom plan", NewPackage{DisplayName: "Pro", PricingType: Custom, Trial: &Trial{Duration: 1, Units: "MONTH"}}, refusal{}},
		{
			"trial of a free plan",
			NewPackage{DisplayName: "Free", PricingType: Free, Trial: &Trial{Duration: 14, Units: "DAY"}},
			bad("InvalidArgumentError", "defaultTrialConfig"),
		},
		{"no length", NewPackage{DisplayName: "Pro", Trial: &Trial{Duration: 0, Units: "DAY"}}, bad("InvalidArgumentError", "defaultTrialConfig.duration")},
		{"endless", NewPackage{DisplayName: "Pro", Trial: &Trial{Duration: 121, Units: "MONTH"}}, bad("InvalidArgumentError", "defaultTrialConfig.duration")},
		{
			"unknown words",
			NewPackage{DisplayName: "Pro", PricingType: "PRO", Trial: &Trial{Duration: 1, Units: "WEEK", EndBehavior: "STOP"}, HiddenFromWidgets: []string{"HOME"}},
			bad("BadUserInput", "defaultTrialConfig.trialEndBehavior", "defaultTrialConfig.units", "hiddenFromWidgets", "pricingType"),
		},
		{"published at once", NewPackage{DisplayName: "Pro", Status: Published}, bad("InvalidArgumentError", "status")},
		{
			"budget alone",
			NewPackage{DisplayName: "Pro", PricingType: Paid, Trial: &Trial{Units: "DAY", Budget: &TrialBudget{Limit: money.MustDecimal("50")}}},
			refusal{},
		},
		{
			"budget of a custom plan",
			NewPackage{DisplayName: "Pro", PricingType: Custom, Trial: &Trial{Duration: 1, Units: "DAY", Budget: &TrialBudget{}}},
			bad("InvalidArgumentError", "defaultTrialConfig.budget", "defaultTrialConfig.budget.limit"),
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
		{
			"plan",
			PackageUpdate{BillingID: opt.Some(long), Trial: opt.Some(Trial{Units: "DAY"}), HiddenFromWidgets: opt.Some([]string{"X"})},
			bad("BadUserInput", "billingId", "defaultTrialConfig.duration", "hiddenFromWidgets"),
		},
		{"null clears", PackageUpdate{BillingID: opt.Null[string](), Trial: opt.Null[Trial]()}, refusal{}},
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
		"": {}, NewCustomers: {}, AllCustomers: {},
		"SOME": bad("BadUserInput", "migrationType"),
	} {
		if d := cmp.Diff(want, refused(checkMigration(given))); d != "" {
			t.Errorf("%q: %s", given, d)
		}
	}
}

func TestArchivedPlanIsNotPublished(t *testing.T) {
	t.Parallel()
	p := Package{RefID: "plan-pro", Status: Archived}
	e := edit{pkg: p}
	if err := e.publishable(); !errors.Is(err, ErrNoDraft) || !strings.Contains(err.Error(), "archived") {
		t.Errorf("publishing an archived plan: %v", err)
	}
}
