package rest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/rules"
)

func TestParseCheck(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		query string
		want  checkQuery
		bad   string
	}{
		{query: "featureId=seats", want: checkQuery{feature: "seats"}},
		{query: "currencyId=credits&resourceId=r%7C1", want: checkQuery{currency: "credits", resource: "r|1"}},
		{
			query: "featureId=m&requestedValues=a%2Cb,,c&requestedValues=d&requestedUsage=7",
			want:  checkQuery{feature: "m", ask: rules.Ask{RequestedUsage: 7, RequestedValues: []string{"a", "b", "c", "d"}}},
		},
		{query: "featureId=m&requestedUsage=1.50", want: checkQuery{feature: "m", ask: rules.Ask{RequestedUsage: 15, RequestedScale: 1}}},
		{query: "featureId=m&trackUsage=1&x=", want: checkQuery{feature: "m", unknown: []string{"trackUsage", "x"}}},
		{query: "", bad: "BadUserInput featureId: or currencyId is required"},
		{query: "featureId=", bad: "BadUserInput featureId: or currencyId is required"},
		{query: "featureId=a&currencyId=b", bad: "BadUserInput currencyId: cannot be combined with featureId"},
		{query: "featureId=a&featureId=b", bad: "BadUserInput featureId: is given more than once"},
		{query: "featureId=a&requestedUsage=-1", bad: "BadUserInput requestedUsage: must be at least 0"},
		{query: "featureId=a&requestedUsage=", bad: "BadUserInput requestedUsage: must be a number of at most 6 decimal places, below 9.2e18"},
		{query: "requestedUsage=x", bad: "BadUserInput featureId: or currencyId is required; requestedUsage: must be a number of at most 6 decimal places, below 9.2e18"},
		{query: "featureId=%zz", bad: "BadUserInput query: is malformed"},
		{query: "featureId=%00", bad: "BadUserInput query: must not contain the character U+0000"},
	} {
		t.Run(tc.query, func(t *testing.T) {
			t.Parallel()
			got, err := parseCheck(tc.query)
			if tc.bad != "" {
				x := &exchange{ResponseWriter: httptest.NewRecorder()}
				x.Header().Set("X-Request-Id", "r")
				x.fail(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody), err)
				if got := problemOf(t, x.ResponseWriter.(*httptest.ResponseRecorder)); got != tc.bad {
					t.Errorf("got %s, want %s", got, tc.bad)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, got, cmp.AllowUnexported(checkQuery{})); d != "" {
				t.Errorf("query (-want +got):\n%s", d)
			}
		})
	}
}

// metered is an answer with everything that the first edition can say.
func metered() entitlement.Answer {
	description, units := `Who may log in; "admins" too`, "seat"
	return entitlement.Answer{
		Reason: rules.RequestedUsageExceedingLimit,
		Feature: entitlement.Feature{
			RefID: "seats", DisplayName: "Plätze", Description: &description, Type: catalog.Number, MeterType: catalog.Incremental,
			Status: "ACTIVE", Units: &units, UnitsPlural: &units, Metadata: map[string]string{"b": "<2>", "a": "1"},
		},
		Entitlement: &entitlement.Entitlement{
			Counter: 1,
			Row: rules.Row{
				Type: rules.Number, Meter: rules.Incremental, Granted: true, HasLimit: true, Limit: 10,
				Reset: rules.Reset{Unit: rules.Month, Calendar: true},
			},
			ResetPeriod: "MONTH", ResetConfiguration: "StartOfTheMonth", HiddenFromWidgets: []string{"PAYWALL", "CHECKOUT"},
			UpdatedAt: time.Date(2026, 1, 2, 3, 4, 5, 678999000, time.FixedZone("", 3600)),
		},
		Ask: rules.Ask{RequestedUsage: 11}, At: time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC).UnixMicro(),
		Origin: rules.Origin{Anchor: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC).UnixMicro()},
	}
}

func TestEntitlementRecord(t *testing.T) {
	t.Parallel()
	a := metered()
	for _, tc := range []struct {
		name string
		a    entitlement.Answer
		kind string
		want string
	}{
		{
			"everything", a, featureType, `{"accessDeniedReason":"RequestedUsageExceedingLimit","isGranted":false,"type":"FEATURE",` +
				`"feature":{"id":"seats","displayName":"Plätze","description":"Who may log in; \"admins\" too","featureType":"NUMBER",` +
				`"meterType":"INCREMENTAL","featureStatus":"ACTIVE","featureUnits":"seat","featureUnitsPlural":"seat",` +
				`"additionalMetaData":{"a":"1","b":"\u003c2\u003e"}},"hasUnlimitedUsage":false,"hasSoftLimit":false,"usageLimit":10,` +
				`"currentUsage":0,"requestedUsage":11,"resetPeriod":"MONTH","resetPeriodConfiguration":{"accordingTo":"StartOfTheMonth"},` +
				`"usagePeriodAnchor":"2026-01-02T00:00:00.000Z","usagePeriodStart":"2026-01-01T00:00:00.000Z",` +
				`"usagePeriodEnd":"2026-02-01T00:00:00.000Z","nextResetDate":"2026-02-01T00:00:00.000Z",` +
				`"hiddenFromWidgets":["PAYWALL","CHECKOUT"],"entitlementUpdatedAt":"2026-01-02T02:04:05.678Z","validUntil":"2026-02-01T00:00:00.000Z"}`,
		},
		{
			"unknown customer",
			entitlement.Answer{Reason: rules.CustomerNotFound},
			featureType,
			`{"accessDeniedReason":"CustomerNotFound","isGranted":false,"type":"FEATURE"}`,
		},
		{
			"unknown currency",
			entitlement.Answer{Reason: rules.EntitlementNotFound},
			creditType,
			`{"accessDeniedReason":"EntitlementNotFound","isGranted":false,"type":"CREDIT"}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tc.want, string(appendEntitlement(nil, &tc.a, tc.kind))); d != "" {
				t.Errorf("record (-want +got):\n%s", d)
			}
		})
	}
}

func TestEntitlementIsWrittenAsEncodingJSONDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := anyAnswer(t)
		kind := rapid.SampledFrom([]string{featureType, creditType}).Draw(t, "kind")
		want, err := json.Marshal(featureEntitlementOf(&a, kind))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(appendEntitlement(nil, &a, kind))); d != "" {
			t.Errorf("by hand (-want +got):\n%s", d)
		}
	})
}

func anyAnswer(t *rapid.T) entitlement.Answer {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "plain", "<&>", "\u2028", "\xff", "\"\\\n\x7f"}))
	ptr := rapid.Ptr(text, true)
	texts := rapid.SliceOfN(text, 0, 3)
	instant := rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMicro(rapid.Int64Range(-1e15, 2e17).Draw(t, "µs")).In(time.FixedZone("", rapid.IntRange(-3600, 3600).Draw(t, "zone")))
	})
	a := entitlement.Answer{
		Granted:      rapid.Bool().Draw(t, "granted"),
		Reason:       rules.Reason(rapid.SampledFrom([]string{"", "Revoked"}).Draw(t, "reason")),
		CurrentUsage: rapid.Int64().Draw(t, "usage"),
		Ask:          rules.Ask{RequestedUsage: rapid.Int64().Draw(t, "requested"), RequestedValues: texts.Draw(t, "requested values")},
	}
	if rapid.Bool().Draw(t, "feature") {
		a.Feature = entitlement.Feature{
			RefID: text.Draw(t, "id"), DisplayName: text.Draw(t, "name"), Description: ptr.Draw(t, "description"),
			Type:      rapid.SampledFrom([]string{catalog.Boolean, catalog.Number, catalog.Enum}).Draw(t, "type"),
			MeterType: rapid.SampledFrom([]string{catalog.NoMeter, catalog.Fluctuating}).Draw(t, "meter"),
			Status:    "ACTIVE", Units: ptr.Draw(t, "units"), UnitsPlural: ptr.Draw(t, "plural"),
			Metadata: rapid.MapOfN(text, text, 0, 3).Draw(t, "metadata"),
		}
	}
	if rapid.Bool().Draw(t, "row") {
		a.Entitlement = &entitlement.Entitlement{
			Row: rules.Row{
				Unlimited: rapid.Bool().Draw(t, "unlimited"), Soft: rapid.Bool().Draw(t, "soft"), HasLimit: rapid.Bool().Draw(t, "limited"),
				Limit: rapid.Int64().Draw(t, "limit"), EnumValues: texts.Draw(t, "values"),
			},
			ResetPeriod: text.Draw(t, "period"), ResetConfiguration: text.Draw(t, "according"),
			DisplayNameOverride: ptr.Draw(t, "override"), HiddenFromWidgets: texts.Draw(t, "hidden"), UpdatedAt: instant.Draw(t, "updated"),
		}
	}
	if rapid.Bool().Draw(t, "counted") && a.Entitlement != nil {
		a.At, a.Origin.Anchor = instant.Draw(t, "at").UnixMicro(), instant.Draw(t, "anchor").UnixMicro()
		a.Entitlement.Counter = 1
		a.Entitlement.Row.Reset.Unit, a.Entitlement.Row.Scale = rules.Unit(rapid.IntRange(0, 5).Draw(t, "unit")), uint8(rapid.IntRange(0, 6).Draw(t, "scale"))
		a.CurrentUsage = rapid.Int64().Draw(t, "used")
	}
	return a
}

func BenchmarkAppendEntitlement(b *testing.B) {
	a := metered()
	a.Feature.DisplayName, a.Feature.Description, a.Feature.Metadata = "Seats", nil, nil
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = appendEntitlement(buf[:0], &a, featureType)
	}
}
