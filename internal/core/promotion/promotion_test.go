package promotion_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/promotion"
	"github.com/purserhq/purser/internal/core/timer"
)

var noon = time.Date(2026, 8, 31, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func TestEnd(t *testing.T) {
	t.Parallel()
	for period, want := range map[string]string{
		promotion.OneWeek:  "2026-09-07T12:00:00Z",
		promotion.OneMonth: "2026-09-30T12:00:00Z", // September has 30 days
		promotion.SixMonth: "2027-02-28T12:00:00Z",
		promotion.OneYear:  "2027-08-31T12:00:00Z",
		promotion.Lifetime: "",
		promotion.Custom:   "",
	} {
		got := ""
		if end := promotion.End(period, noon); end != nil {
			got = end.Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%s ends at %q, want %q", period, got, want)
		}
	}
}

var (
	seats   = &catalog.Feature{ID: "f1", RefID: "seats", Type: catalog.Number, MeterType: catalog.Fluctuating, Status: catalog.FeatureActive}
	retain  = &catalog.Feature{ID: "f2", RefID: "retention", Type: catalog.Number, MeterType: catalog.NoMeter, Status: catalog.FeatureActive}
	reports = &catalog.Feature{ID: "f3", RefID: "reports", Type: catalog.Boolean, MeterType: catalog.NoMeter, Status: catalog.FeatureActive}
	regions = &catalog.Feature{
		ID: "f4", RefID: "regions", Type: catalog.Enum, MeterType: catalog.NoMeter, Status: catalog.FeatureActive,
		EnumValues: []catalog.EnumValue{{Value: "eu"}, {Value: "us"}},
	}
	old = &catalog.Feature{ID: "f5", RefID: "old", Type: catalog.Boolean, MeterType: catalog.NoMeter, Status: catalog.FeatureSuspended}
)

func limit(n int64) catalog.EntitlementUpdate {
	return catalog.EntitlementUpdate{UsageLimit: opt.Some(n)}
}

func TestNewNamesEveryBadField(t *testing.T) {
	t.Parallel()
	past, ahead := noon, noon.Add(time.Hour)
	resets := func(period, at string) map[string]opt.Of[string] {
		return map[string]opt.Of[string]{period: opt.Some(at)}
	}
	for _, tc := range []struct {
		name string
		f    *catalog.Feature
		in   promotion.New
		code string
		bad  []string
	}{
		{"a limit", seats, promotion.New{Gives: limit(5), Period: "1 month"}, "", nil},
		{"no limit", seats, promotion.New{Gives: catalog.EntitlementUpdate{Unlimited: opt.Some(true)}, Period: "lifetime"}, "", nil},
		{"neither", seats, promotion.New{Period: "1 month"}, "InvalidArgumentError", []string{"usageLimit"}},
		{
			"both", seats,
			promotion.New{Gives: catalog.EntitlementUpdate{UsageLimit: opt.Some(int64(1)), Unlimited: opt.Some(true)}, Period: "1 month"},
			"InvalidArgumentError",
			[]string{"hasUnlimitedUsage"},
		},
		{"below 0", seats, promotion.New{Gives: limit(-1), Period: "1 month"}, "InvalidArgumentError", []string{"usageLimit"}},
		{"on or off", reports, promotion.New{Period: "1 year"}, "", nil},
		{"a limit on what is on or off", reports, promotion.New{Gives: limit(1), Period: "1 year"}, "InvalidArgumentError", []string{"usageLimit"}},
		{"values", regions, promotion.New{Gives: catalog.EntitlementUpdate{EnumValues: opt.Some([]string{"eu"})}, Period: "1 week"}, "", nil},
		{"no values", regions, promotion.New{Period: "1 week"}, "InvalidArgumentError", []string{"enumValues"}},
		{
			"unknown values", regions,
			promotion.New{Gives: catalog.EntitlementUpdate{EnumValues: opt.Some([]string{"mars"})}, Period: "1 week"},
			"InvalidArgumentError",
			[]string{"enumValues"},
		},
		{
			"a reset of what is not metered", retain,
			promotion.New{Gives: catalog.EntitlementUpdate{UsageLimit: opt.Some(int64(1)), ResetPeriod: opt.Some("MONTH")}, Period: "1 month"},
			"InvalidEntitlementResetPeriod",
			[]string{"resetPeriod"},
		},
		{
			"a reset of another period", seats,
			promotion.New{Gives: catalog.EntitlementUpdate{
				UsageLimit: opt.Some(int64(1)), ResetPeriod: opt.Some("MONTH"), Resets: resets("WEEK", "EveryMonday"),
			}, Period: "1 month"},
			"InvalidEntitlementResetPeriod",
			[]string{"weeklyResetPeriodConfiguration"},
		},
		{"an archived feature", old, promotion.New{Period: "1 month"}, "InvalidArgumentError", []string{"featureId"}},
		{"an unknown feature", nil, promotion.New{FeatureRef: "none", Period: "1 month"}, "FeatureNotFound", []string{"featureId"}},
		{"to a date", reports, promotion.New{Period: "custom", CustomEnd: &ahead}, "", nil},
		{"to no date", reports, promotion.New{Period: "custom"}, "InvalidArgumentError", []string{"customEndDate"}},
		{"to a date that is over", reports, promotion.New{Period: "custom", CustomEnd: &past}, "InvalidArgumentError", []string{"customEndDate"}},
		{"a date and a period", reports, promotion.New{Period: "1 week", CustomEnd: &ahead}, "InvalidArgumentError", []string{"customEndDate"}},
		{"an unknown period", reports, promotion.New{Period: "2 weeks"}, "BadUserInput", []string{"period"}},
		{
			"all at once", seats,
			promotion.New{Gives: limit(-1), Period: "custom", CustomEnd: &past},
			"InvalidArgumentError",
			[]string{"customEndDate", "usageLimit"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.in.FeatureRef == "" {
				tc.in.FeatureRef = tc.f.RefID
			}
			var c errs.Checks
			promotion.Validate(&c, []promotion.New{tc.in})
			p := tc.in.For(&c, promotion.Row(0), tc.f, noon)
			code, bad := "", []string(nil)
			if e, ok := errs.As(c.Err()); ok {
				code = e.Code
				for _, f := range e.Fields {
					bad = append(bad, strings.TrimPrefix(f.Path, "promotionalEntitlements[0]."))
				}
			}
			if code != tc.code || !slices.Equal(bad, tc.bad) {
				t.Errorf("%s %v, want %s %v", code, bad, tc.code, tc.bad)
			}
			if tc.code == "" && (p.FeatureID != tc.f.ID || !p.StartDate.Equal(noon) || !p.Visible) {
				t.Errorf("made %+v", p)
			}
		})
	}
}

func TestValidateLooksAtTheWholeList(t *testing.T) {
	t.Parallel()
	row := promotion.New{FeatureRef: "seats", Period: "1 month"}
	for name, tc := range map[string]struct {
		list []promotion.New
		want string
	}{
		"nothing":  {nil, "promotionalEntitlements"},
		"too many": {slices.Repeat([]promotion.New{{FeatureRef: "seats", Period: "1 month"}}, promotion.MaxGrants+1), "promotionalEntitlements"},
		"twice":    {[]promotion.New{row, row}, "promotionalEntitlements[1].featureId"},
	} {
		var c errs.Checks
		promotion.Validate(&c, tc.list)
		if !c.At(tc.want) {
			t.Errorf("%s: %v, want %s named", name, c.Err(), tc.want)
		}
	}
}

// grant is one of seats.
func grant(period string, n int64) promotion.Promotion {
	var c errs.Checks
	p := promotion.New{FeatureRef: "seats", Gives: limit(n), Period: period}.For(&c, "", seats, noon)
	p.ID, p.CustomerID, p.CustomerRef = "p1", "c1", "acme"
	return p
}

// kinds are timers as texts.
func kinds(list []timer.Timer) (out []string) {
	for _, t := range list {
		out = append(out, string(t.Kind)+" "+t.Due.Format("2006-01-02")+" "+t.SubscriptionID+" "+t.CustomerID)
	}
	return out
}

func TestTimers(t *testing.T) {
	t.Parallel()
	for period, want := range map[string][]string{
		promotion.OneWeek:  {"PROMOTION_END 2026-09-07 p1 c1"}, // too short to be announced
		promotion.OneMonth: {"PROMOTION_END 2026-09-30 p1 c1", "PROMOTION_ENDS_SOON 2026-09-23 p1 c1"},
		promotion.Lifetime: nil,
	} {
		if d := cmp.Diff(want, kinds(promotion.Grant(grant(period, 5), noon).Timers)); d != "" {
			t.Errorf("%s (-want +got):\n%s", period, d)
		}
	}
}

func TestUpdateKeepsTheStart(t *testing.T) {
	t.Parallel()
	p := promotion.Grant(grant(promotion.OneMonth, 5), noon).Promotion
	if _, changed := promotion.Update(p, grant(promotion.OneMonth, 5), noon); changed {
		t.Error("the same again is a change")
	}
	later := noon.Add(10 * day)
	next := grant(promotion.OneWeek, 9)
	next.EndDate = promotion.End(promotion.OneWeek, later)
	ch, changed := promotion.Update(p, next, later)
	if !changed || ch.ID != "p1" || ch.Version != 2 || *ch.UsageLimit != 9 || !ch.StartDate.Equal(noon) || !ch.EndDate.Equal(later.Add(7*day)) ||
		!ch.UpdatedAt.Equal(later) || !ch.CreatedAt.Equal(noon) || ch.Event.Type != "promotionalEntitlement.updated" || ch.Event.Version != 2 {
		t.Errorf("updated: %t, %+v", changed, ch)
	}
	if d := cmp.Diff([]string{"PROMOTION_END 2026-09-17 p1 c1"}, kinds(ch.Timers)); d != "" {
		t.Error(d)
	}
}

func TestEnding(t *testing.T) {
	t.Parallel()
	p := promotion.Grant(grant(promotion.OneMonth, 5), noon).Promotion
	end := *p.EndDate
	if a, b := p.StatusAt(end.Add(-time.Millisecond)), p.StatusAt(end); a != promotion.Active || b != promotion.Expired {
		t.Errorf("%s before the end, %s at it", a, b)
	}
	ch := promotion.Expire(p)
	if !ch.EndedAt.Equal(end) || ch.Event.Type != "promotionalEntitlement.expired" || !ch.Event.At.Equal(end) || len(ch.Timers) > 0 {
		t.Errorf("expired: %+v", ch)
	}
	ch = promotion.Revoke(p, noon.Add(day))
	if !ch.EndedAt.Equal(noon.Add(day)) || !ch.EndDate.Equal(noon.Add(day)) || ch.StatusAt(noon) != promotion.Expired ||
		ch.Event.Type != "promotionalEntitlement.revoked" || len(ch.Timers) > 0 {
		t.Errorf("revoked: %+v", ch)
	}
	e := promotion.Announce(p, end.Add(-7*day))
	if e.Type != "promotionalEntitlement.ends_soon" || e.Version != 1 || e.Customer != "acme" {
		t.Errorf("announced: %+v", e)
	}
}

func TestEventPayload(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(promotion.Grant(grant(promotion.OneMonth, 5), noon).Event.Payload)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"p1","status":"Active","customerId":"acme","featureId":"seats","hasUnlimitedUsage":false,"usageLimit":5,"hasSoftLimit":false,` +
		`"resetPeriod":null,"resetPeriodConfiguration":null,"isVisible":true,"period":"1 month","startDate":"2026-08-31T12:00:00Z","endDate":"2026-09-30T12:00:00Z"}`
	if string(got) != want {
		t.Errorf("payload\n%s, want\n%s", got, want)
	}
}
