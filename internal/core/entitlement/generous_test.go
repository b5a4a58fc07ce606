package entitlement

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/core/rules"
)

// One more source never takes anything away: no grant, no unlimited usage, no part of a limit, no value of an enum.
func TestAnotherSourceNeverLowersALimit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sources := rapid.SliceOfN(anySource(), 1, 4).Draw(t, "sources")
		before := Compile(sources)
		after := Compile(rapid.Permutation(append(sources, anySource().Draw(t, "another"))).Draw(t, "order"))
		for i := range before.All() {
			was := &before.All()[i]
			is := after.Find(was.Feature.RefID)
			if is == nil {
				t.Fatalf("%s is gone", was.Feature.RefID)
			}
			if lower(was.Row, is.Row) {
				t.Errorf("%s: %+v became %+v", was.Feature.RefID, was.Row, is.Row)
			}
		}
	})
}

// lower reports whether a row gives less than another did. Softness and resets are not compared: they are the winner's.
func lower(was, is rules.Row) bool {
	if !was.Granted || !is.Granted {
		return was.Granted
	}
	switch was.Type {
	case rules.Enum:
		return slices.ContainsFunc(was.EnumValues, func(v string) bool { return !slices.Contains(is.EnumValues, v) })
	case rules.Number:
		if was.Unlimited || is.Unlimited {
			return !is.Unlimited
		}
		return was.HasLimit && is.Limit < was.Limit
	}
	return false // a boolean has no more than its grant
}

// Where a soft row or one with another reset period changes what a check says.
func TestSoftnessAndResetsTravelWithTheWinner(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		a, b    Entitlement
		used    int64
		granted bool // one more
		reset   string
	}{
		{name: "equal limits: the soft one wins, and nothing is enforced", a: seats(), b: seats(soft), used: 10, granted: true},
		{name: "equal limits, both hard: enforced", a: seats(), b: seats(), used: 10},
		{name: "a larger hard limit wins over a smaller soft one, and is enforced", a: seats(soft), b: seats(limit(11)), used: 11},
		{name: "equal limits: the shorter reset period wins", a: seats(reset("MONTH")), b: seats(reset("DAY")), used: 9, granted: true, reset: "DAY"},
		{
			name: "equal limits, both soft: the shorter reset period wins",
			a:    seats(soft, reset("MONTH")), b: seats(soft, reset("DAY")), used: 99, granted: true, reset: "DAY",
		},
		{
			name: "equal limits: softness comes before the reset period",
			a:    seats(soft, reset("MONTH")), b: seats(reset("DAY")), used: 99, granted: true, reset: "MONTH",
		},
		{
			name: "a larger limit a month wins over a smaller one a day, though that is more a day",
			a:    seats(limit(1000), reset("MONTH")), b: seats(limit(100), reset("DAY")), used: 999, granted: true, reset: "MONTH",
		},
		{
			name: "a larger limit a month wins over a smaller soft one a day, and is enforced",
			a:    seats(limit(1000), reset("MONTH")), b: seats(limit(100), soft, reset("DAY")), used: 1000, reset: "MONTH",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a, b := Source{Rows: rowsOf(tc.a)}, Source{Rows: rowsOf(tc.b)}
			for _, sources := range [][]Source{{a, b}, {b, a}} {
				e := Compile(sources).Find("seats")
				granted, reason := rules.Check(&e.Row, tc.used, rules.Ask{RequestedUsage: 1})
				if granted != tc.granted || e.ResetPeriod != tc.reset {
					t.Errorf("granted %v %q, reset %q; want %v, %q", granted, reason, e.ResetPeriod, tc.granted, tc.reset)
				}
			}
		})
	}
}
