package catalog

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/opt"
)

var (
	sso   = Feature{ID: "1", RefID: "feature-sso", Type: Boolean, MeterType: NoMeter}
	days  = Feature{ID: "2", RefID: "feature-days", Type: Number, MeterType: NoMeter}
	calls = Feature{ID: "3", RefID: "feature-calls", Type: Number, MeterType: Incremental}

	region = Feature{ID: "5", RefID: "feature-region", Type: Enum, MeterType: NoMeter, EnumValues: []EnumValue{{"eu", "Europe"}, {"us", "America"}}}
)

func resets(period, at string) map[string]opt.Of[string] {
	return map[string]opt.Of[string]{period: opt.Some(at)}
}

func TestNewEntitlementIsChecked(t *testing.T) {
	t.Parallel()
	ten, unlimited := opt.Some(int64(10)), opt.Some(true)
	for _, tc := range []struct {
		name    string
		feature Feature
		given   EntitlementUpdate
		want    refusal
	}{
		{"boolean", sso, EntitlementUpdate{}, refusal{}},
		{
			"boolean with a limit", sso,
			EntitlementUpdate{UsageLimit: ten, Soft: opt.Some(true)},
			bad("InvalidArgumentError", "hasSoftLimit", "usageLimit"),
		},
		{"limit", days, EntitlementUpdate{UsageLimit: opt.Some(int64(0))}, refusal{}},
		{"unlimited", days, EntitlementUpdate{Unlimited: unlimited}, refusal{}},
		{"neither", days, EntitlementUpdate{}, bad("InvalidArgumentError", "usageLimit")},
		{"not unlimited is no limit", days, EntitlementUpdate{Unlimited: opt.Some(false)}, bad("InvalidArgumentError", "usageLimit")},
		{"both", days, EntitlementUpdate{UsageLimit: ten, Unlimited: unlimited}, bad("InvalidArgumentError", "hasUnlimitedUsage")},
		{"negative", days, EntitlementUpdate{UsageLimit: opt.Some(int64(-1))}, bad("InvalidArgumentError", "usageLimit")},
		{"value set per subscription", days, EntitlementUpdate{IsCustom: opt.Some(true)}, refusal{}},
		{"override", sso, EntitlementUpdate{Behavior: ptr(Override)}, bad("CannotAddOverrideEntitlementToPlan", "behavior")},
		{
			"unknown words", sso,
			EntitlementUpdate{Behavior: ptr("Add"), HiddenFromWidgets: opt.Some([]string{"HOME"})},
			bad("BadUserInput", "behavior", "hiddenFromWidgets"),
		},
		{"reset", calls, EntitlementUpdate{UsageLimit: ten, ResetPeriod: opt.Some("DAY")}, refusal{}},
		{
			"reset of a value", days,
			EntitlementUpdate{UsageLimit: ten, ResetPeriod: opt.Some("DAY")},
			bad("InvalidEntitlementResetPeriod", "resetPeriod"),
		},
		{"unknown reset", calls, EntitlementUpdate{UsageLimit: ten, ResetPeriod: opt.Some("DECADE")}, bad("BadUserInput", "resetPeriod")},
		{"anchor", calls, EntitlementUpdate{UsageLimit: ten, ResetPeriod: opt.Some("WEEK"), Resets: resets("WEEK", "EveryMonday")}, refusal{}},
		{
			"anchor of another period", calls,
			EntitlementUpdate{UsageLimit: ten, ResetPeriod: opt.Some("WEEK"), Resets: resets("MONTH", "StartOfTheMonth")},
			bad("InvalidEntitlementResetPeriod", "monthlyResetPeriodConfiguration"),
		},
		{
			"unknown anchor", calls,
			EntitlementUpdate{UsageLimit: ten, ResetPeriod: opt.Some("YEAR"), Resets: resets("YEAR", "StartOfTheMonth")},
			bad("InvalidEntitlementResetPeriod", "yearlyResetPeriodConfiguration.accordingTo"),
		},
		{
			"anchor without period", calls,
			EntitlementUpdate{UsageLimit: ten, Resets: resets("YEAR", "SubscriptionStart")},
			bad("InvalidEntitlementResetPeriod", "yearlyResetPeriodConfiguration"),
		},
		{"values of a boolean", sso, EntitlementUpdate{EnumValues: opt.Some([]string{"eu"})}, bad("UnsupportedFeatureType", "enumValues")},
		{"values", region, EntitlementUpdate{EnumValues: opt.Some([]string{"eu"})}, refusal{}},
		{"no values", region, EntitlementUpdate{}, bad("InvalidArgumentError", "enumValues")},
		{"unknown value", region, EntitlementUpdate{EnumValues: opt.Some([]string{"eu", "mars"})}, bad("InvalidArgumentError", "enumValues")},
		{"limit of an enum", region, EntitlementUpdate{EnumValues: opt.Some([]string{"eu"}), UsageLimit: ten}, bad("InvalidArgumentError", "usageLimit")},
		{"credits of a feature", days, EntitlementUpdate{UsageLimit: ten, Cadence: opt.Some("MONTH")}, bad("InvalidArgumentError", "cadence")},
		{
			"long texts", sso,
			EntitlementUpdate{Description: opt.Some(long), DisplayName: opt.Some(long)},
			bad("BadUserInput", "description", "displayNameOverride"),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var c errs.Checks
			e := newEntitlement(tc.feature, time.Unix(0, 0))
			tc.given.apply(&c, "", KindPlan, tc.feature, &e)
			if d := cmp.Diff(tc.want, refused(c.Err())); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestEntitlementUpdateKeepsWhatFits(t *testing.T) {
	t.Parallel()
	ten := int64(10)
	for _, tc := range []struct {
		name        string
		from, want  Entitlement
		given       EntitlementUpdate
		wantRefusal refusal
	}{
		{
			name:  "a limit ends unlimited usage",
			from:  Entitlement{Unlimited: true},
			given: EntitlementUpdate{UsageLimit: opt.Some(ten)},
			want:  Entitlement{UsageLimit: &ten},
		},
		{
			name:  "unlimited usage ends the limit",
			from:  Entitlement{UsageLimit: &ten},
			given: EntitlementUpdate{Unlimited: opt.Some(true)},
			want:  Entitlement{Unlimited: true},
		},
		{
			name:        "clearing the limit leaves nothing",
			from:        Entitlement{UsageLimit: &ten},
			given:       EntitlementUpdate{UsageLimit: opt.Null[int64]()},
			want:        Entitlement{},
			wantRefusal: bad("InvalidArgumentError", "usageLimit"),
		},
		{
			name:  "another period loses its anchor",
			from:  Entitlement{UsageLimit: &ten, ResetPeriod: "MONTH", ResetConfiguration: &ResetConfiguration{"StartOfTheMonth"}},
			given: EntitlementUpdate{ResetPeriod: opt.Some("WEEK")},
			want:  Entitlement{UsageLimit: &ten, ResetPeriod: "WEEK", ResetConfiguration: &ResetConfiguration{"SubscriptionStart"}},
		},
		{
			name:  "the same period keeps it",
			from:  Entitlement{UsageLimit: &ten, ResetPeriod: "MONTH", ResetConfiguration: &ResetConfiguration{"StartOfTheMonth"}},
			given: EntitlementUpdate{ResetPeriod: opt.Some("MONTH")},
			want:  Entitlement{UsageLimit: &ten, ResetPeriod: "MONTH", ResetConfiguration: &ResetConfiguration{"StartOfTheMonth"}},
		},
		{
			name:  "null ends the resets",
			from:  Entitlement{UsageLimit: &ten, ResetPeriod: "MONTH", ResetConfiguration: &ResetConfiguration{"StartOfTheMonth"}},
			given: EntitlementUpdate{ResetPeriod: opt.Null[string]()},
			want:  Entitlement{UsageLimit: &ten},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var c errs.Checks
			e := tc.from
			e.Behavior, tc.want.Behavior = Increment, Increment
			tc.given.apply(&c, "", KindPlan, calls, &e)
			if d := cmp.Diff(tc.want, e); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tc.wantRefusal, refused(c.Err())); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAddNamesEveryBadRow(t *testing.T) {
	t.Parallel()
	old := Feature{ID: "4", RefID: "feature-old", Type: Boolean, MeterType: NoMeter, Status: FeatureSuspended}
	features := map[string]*Feature{sso.RefID: &sso, days.RefID: &days, old.RefID: &old}
	row := func(ref string, u EntitlementUpdate) NewEntitlement {
		return NewEntitlement{Ref: ref, EntitlementUpdate: u}
	}
	limit := EntitlementUpdate{UsageLimit: opt.Some(int64(1))}
	for _, tc := range []struct {
		name string
		in   []NewEntitlement
		want refusal
	}{
		{"good", []NewEntitlement{row("feature-sso", EntitlementUpdate{})}, refusal{}},
		{"unknown", []NewEntitlement{row("feature-x", EntitlementUpdate{})}, bad("FeatureNotFound", "entitlements[0].id")},
		{"archived", []NewEntitlement{row("feature-old", EntitlementUpdate{})}, bad("InvalidArgumentError", "entitlements[0].id")},
		{"in the plan already", []NewEntitlement{row("feature-days", limit)}, bad("DuplicatedEntityNotAllowed", "entitlements[0].id")},
		{
			"twice",
			[]NewEntitlement{row("feature-sso", EntitlementUpdate{}), row("feature-sso", limit)},
			bad("DuplicatedEntityNotAllowed", "entitlements[1].id"),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var c errs.Checks
			v := Version{Entitlements: []Entitlement{{FeatureRefID: days.RefID}}}
			v.add(&c, KindPlan, tc.in, features, nil, time.Unix(0, 0))
			if d := cmp.Diff(tc.want, refused(c.Err())); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSortEntitlements(t *testing.T) {
	t.Parallel()
	rows := []Entitlement{
		{FeatureRefID: "b"},
		{FeatureRefID: "a"},
		{FeatureRefID: "d", Order: ptr(2.0)},
		{FeatureRefID: "c", Order: ptr(2.0)},
		{FeatureRefID: "z", Order: ptr(-1.0)},
	}
	SortEntitlements(rows)
	var got strings.Builder
	for _, r := range rows {
		got.WriteString(r.FeatureRefID)
	}
	if got.String() != "zcdab" {
		t.Errorf("got %s, want zcdab", got.String())
	}
}
