package rules_test

import (
	"math"
	"testing"

	"github.com/purserhq/purser/internal/core/rules"
)

func metered(limit int64) rules.Row {
	return rules.Row{Type: rules.Number, Meter: rules.Incremental, Granted: true, HasLimit: true, Limit: limit}
}

func with(r rules.Row, change func(*rules.Row)) rules.Row {
	change(&r)
	return r
}

func soft(r *rules.Row)        { r.Soft = true }
func unlimited(r *rules.Row)   { r.Unlimited = true }
func unset(r *rules.Row)       { r.HasLimit = false }
func revoked(r *rules.Row)     { r.Granted = false }
func fluctuating(r *rules.Row) { r.Meter = rules.Fluctuating }

var (
	boolean       = rules.Row{Type: rules.Boolean, Granted: true}
	configuration = rules.Row{Type: rules.Number, Granted: true, HasLimit: true, Limit: 5}
	enum          = rules.Row{Type: rules.Enum, Granted: true, EnumValues: []string{"a", "b"}}
)

const exceeding = rules.RequestedUsageExceedingLimit

// The rows of domain-entitlements-usage §3.2: step 8 and its decision table.
var checks = []struct {
	name      string
	row       rules.Row
	current   int64
	requested int64
	values    []string
	want      rules.Reason
}{
	{name: "a boolean is granted by being there", row: boolean},
	{name: "a boolean ignores usage and values", row: boolean, current: 9, requested: 9, values: []string{"x"}},
	{name: "a configuration value is granted", row: configuration},
	{name: "a configuration value ignores requested usage", row: configuration, requested: 50},
	{name: "a configuration value may be unlimited", row: with(configuration, unlimited), requested: 50},

	{name: "0 of 100", row: metered(100), current: 0},
	{name: "99 of 100, one more", row: metered(100), current: 99, requested: 1},
	{name: "100 of 100, state only", row: metered(100), current: 100},
	{name: "100 of 100, one more", row: metered(100), current: 100, requested: 1, want: exceeding},
	{name: "120 of 100, the limit was lowered", row: metered(100), current: 120, want: exceeding},
	{name: "120 of soft 100, 50 more", row: with(metered(100), soft), current: 120, requested: 50},
	{name: "120 of unlimited, 50 more", row: with(metered(100), unlimited), current: 120, requested: 50},
	{name: "150 of soft 100", row: with(metered(100), soft), current: 150},
	{name: "seats are counted like calls", row: with(metered(5), fluctuating), current: 5, requested: 1, want: exceeding},

	{name: "a missing limit is 0: state", row: with(metered(100), unset)},
	{name: "a missing limit is 0: the first unit", row: with(metered(100), unset), requested: 1, want: exceeding},
	{name: "the sum does not overflow", row: metered(100), current: 1, requested: math.MaxInt64, want: exceeding},
	{name: "the sum does not overflow at the largest limit", row: metered(math.MaxInt64), current: math.MaxInt64, requested: 1, want: exceeding},
	{name: "the largest limit can be reached", row: metered(math.MaxInt64), current: math.MaxInt64 - 1, requested: 1},
	{name: "a negative request does not open a closed door", row: metered(100), current: 120, requested: -50, want: exceeding},

	{name: "enum: an allowed value", row: enum, values: []string{"a"}},
	{name: "enum: all allowed values", row: enum, values: []string{"b", "a"}},
	{name: "enum: another value", row: enum, values: []string{"c"}, want: rules.RequestedValuesMismatch},
	{name: "enum: one of two is not allowed", row: enum, values: []string{"a", "c"}, want: rules.RequestedValuesMismatch},
	{name: "enum: no value asked", row: enum, values: []string{}},
	{name: "enum: usage is ignored", row: enum, current: 9, requested: 9},

	{name: "revoked boolean", row: with(boolean, revoked), want: rules.Revoked},
	{name: "revoked beats unlimited", row: with(with(metered(100), unlimited), revoked), want: rules.Revoked},
	{name: "revoked beats the values", row: with(enum, revoked), values: []string{"c"}, want: rules.Revoked},
	{name: "a row without a type", row: rules.Row{Granted: true}, want: rules.Unknown},
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range checks {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			granted, reason := rules.Check(&tt.row, tt.current, rules.Ask{RequestedUsage: tt.requested, RequestedValues: tt.values})
			if reason != tt.want || granted != (tt.want == "") {
				t.Errorf("got %v %q, want reason %q", granted, reason, tt.want)
			}
		})
	}
}

func TestDecideOrder(t *testing.T) {
	t.Parallel()
	row := with(boolean, revoked)
	facts := rules.Facts{State: rules.State{ResourceGiven: true}} // nothing is known: every reason holds at once
	steps := []struct {
		want  rules.Reason
		state rules.Reason
		fix   func()
	}{
		{rules.CustomerNotFound, rules.CustomerNotFound, func() { facts.CustomerKnown, facts.Archived = true, true }},
		{rules.CustomerIsArchived, rules.CustomerIsArchived, func() { facts.Archived = false }},
		{rules.CustomerResourceNotFound, rules.CustomerResourceNotFound, func() { facts.ResourceKnown = true }},
		{rules.FeatureNotFound, rules.NoActiveSubscription, func() { facts.FeatureKnown = true }},
		{rules.NoActiveSubscription, rules.NoActiveSubscription, func() { facts.LiveSubscriptions = true }},
		{rules.NoFeatureEntitlementInSubscription, "", func() { facts.Row = &row }},
		{rules.Revoked, "", func() { row.Granted = true }},
		{"", "", func() {}},
	}
	for _, step := range steps {
		granted, reason := rules.Decide(facts, 0, rules.Ask{})
		if reason != step.want || granted != (step.want == "") {
			t.Errorf("Decide: got %v %q, want reason %q", granted, reason, step.want)
		}
		if got := facts.Denial(); got != step.state {
			t.Errorf("Denial before %q is settled: got %q, want %q", step.want, got, step.state)
		}
		step.fix()
	}
}

func TestPromotionStandsInForASubscription(t *testing.T) {
	t.Parallel()
	facts := rules.Facts{State: rules.State{CustomerKnown: true, Promotions: true}, FeatureKnown: true}
	if _, reason := rules.Decide(facts, 0, rules.Ask{}); reason != rules.NoFeatureEntitlementInSubscription {
		t.Errorf("a promotion for another feature: got %q", reason)
	}
	row := boolean
	facts.Row = &row
	if granted, reason := rules.Decide(facts, 0, rules.Ask{}); !granted {
		t.Errorf("a promotion for this feature: denied, %q", reason)
	}
}

func TestDecideDoesNotAllocate(t *testing.T) {
	facts := rules.Facts{State: rules.State{CustomerKnown: true, LiveSubscriptions: true}, FeatureKnown: true}
	for _, tt := range checks {
		facts.Row = &tt.row
		ask := rules.Ask{RequestedUsage: tt.requested, RequestedValues: tt.values}
		if n := testing.AllocsPerRun(100, func() { rules.Decide(facts, tt.current, ask) }); n != 0 {
			t.Errorf("%s: %v allocations", tt.name, n)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	row := metered(100)
	facts := rules.Facts{State: rules.State{CustomerKnown: true, LiveSubscriptions: true}, FeatureKnown: true, Row: &row}
	for b.Loop() {
		rules.Decide(facts, 99, rules.Ask{RequestedUsage: 1})
	}
}
