package entitlement

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/rules"
)

var day = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func seats(change ...func(*Entitlement)) Entitlement {
	e := Entitlement{
		Feature: Feature{RefID: "seats", Type: catalog.Number, MeterType: catalog.Fluctuating},
		Row:     rules.Row{Type: rules.Number, Meter: rules.Fluctuating, Granted: true, HasLimit: true, Limit: 10},
		Counter: 1,
	}
	for _, f := range change {
		f(&e)
	}
	return e
}

func limit(n int64) func(*Entitlement)       { return func(e *Entitlement) { e.Row.Limit = n } }
func reset(period string) func(*Entitlement) { return func(e *Entitlement) { e.ResetPeriod = period } }
func unlimited(e *Entitlement)               { e.Row.Unlimited = true }
func soft(e *Entitlement)                    { e.Row.Soft = true }
func revoked(e *Entitlement)                 { e.Row.Granted = false }
func unset(e *Entitlement)                   { e.Row.HasLimit, e.Row.Limit = false, 0 }

func TestTheMoreGenerousRowWins(t *testing.T) {
	t.Parallel()
	later, sooner := day.AddDate(0, 1, 0), day.AddDate(0, 0, 1)
	for _, tc := range []struct {
		name             string
		more, less       Entitlement
		moreEnd, lessEnd *time.Time
	}{
		{name: "a larger limit", more: seats(limit(11)), less: seats(limit(10), soft)},
		{name: "unlimited", more: seats(unlimited), less: seats(limit(1_000_000), soft)},
		{name: "a limit against none", more: seats(limit(1)), less: seats(unset)},
		{name: "any grant against a revoked row", more: seats(limit(1)), less: seats(unlimited, revoked)},
		{name: "soft at equal limits", more: seats(soft), less: seats(), moreEnd: &sooner},
		{name: "longer validity", more: seats(), less: seats(reset("DAY")), moreEnd: &later, lessEnd: &sooner},
		{name: "no end in sight", more: seats(), less: seats(), lessEnd: &later},
		{name: "the shorter reset period", more: seats(reset("DAY")), less: seats(reset("MONTH"))},
		{name: "any reset period against none", more: seats(reset("YEAR")), less: seats()},
		{name: "raw limits first, whatever the period", more: seats(limit(1000), reset("MONTH")), less: seats(limit(100), reset("DAY"))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			more := Source{Rows: newRows([]Entitlement{tc.more}), Until: tc.moreEnd}
			less := Source{Rows: newRows([]Entitlement{tc.less}), Until: tc.lessEnd}
			for _, sources := range [][]Source{{more, less}, {less, more}} {
				if d := cmp.Diff(tc.more, *Compile(sources).Find("seats")); d != "" {
					t.Errorf("winner (-want +got):\n%s", d)
				}
			}
		})
	}
}

func TestEnumValuesAreUnited(t *testing.T) {
	t.Parallel()
	models := func(granted bool, values ...string) Source {
		return Source{Rows: newRows([]Entitlement{{
			Feature: Feature{RefID: "models", Type: catalog.Enum},
			Row:     rules.Row{Type: rules.Enum, Granted: granted, EnumValues: values},
		}})}
	}
	rows := Compile([]Source{models(true, "small"), models(true, "large", "small"), models(false, "huge")})
	if d := cmp.Diff([]string{"large", "small"}, rows.Find("models").Row.EnumValues); d != "" {
		t.Errorf("values (-want +got):\n%s", d)
	}
}

func TestSourcesShareTheirRows(t *testing.T) {
	t.Parallel()
	all := newRows([]Entitlement{seats(limit(20)), {Feature: Feature{RefID: "sso"}, Row: rules.Row{Type: rules.Boolean, Granted: true}}})
	some := newRows([]Entitlement{seats(limit(5))})
	if got := Compile(nil); got.Find("seats") != nil || len(got.All()) != 0 {
		t.Errorf("rows from nothing: %v", got.All())
	}
	if Compile([]Source{{Rows: some}}) != some {
		t.Error("one source was copied")
	}
	if Compile([]Source{{Rows: some}, {Rows: all}}) != all {
		t.Error("rows that win everything were copied")
	}
	mixed := Compile([]Source{{Rows: some}, {Rows: newRows([]Entitlement{{Feature: Feature{RefID: "sso"}}})}})
	if len(mixed.All()) != 2 || mixed.Find("seats") == some.Find("seats") {
		t.Errorf("merged rows: %v", mixed.All())
	}
}

func TestOrderOfSourcesIsIrrelevant(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sources := rapid.SliceOfN(anySource(), 1, 5).Draw(t, "sources")
		want := Compile(sources).All()
		shuffled := rapid.Permutation(sources).Draw(t, "shuffled")
		if d := cmp.Diff(want, Compile(shuffled).All()); d != "" {
			t.Errorf("another order gives (-want +got):\n%s", d)
		}
	})
}

// anySource draws from few values, so that rows tie often.
func anySource() *rapid.Generator[Source] {
	return rapid.Custom(func(t *rapid.T) Source {
		var list []Entitlement
		for i, typ := range []rules.FeatureType{rules.Boolean, rules.Number, rules.Number, rules.Enum} {
			if !rapid.Bool().Draw(t, "has") {
				continue
			}
			e := Entitlement{
				Feature: Feature{RefID: fmt.Sprint("f", i)},
				Row: rules.Row{
					Type: typ, Granted: rapid.Bool().Draw(t, "granted"), Unlimited: rapid.Bool().Draw(t, "unlimited"),
					Soft: rapid.Bool().Draw(t, "soft"), HasLimit: rapid.Bool().Draw(t, "limited"),
				},
				ResetPeriod:        rapid.SampledFrom([]string{"", "DAY", "MONTH"}).Draw(t, "reset"),
				ResetConfiguration: rapid.SampledFrom([]string{"", "SubscriptionStart"}).Draw(t, "according"),
				UpdatedAt:          day.AddDate(0, 0, rapid.IntRange(0, 1).Draw(t, "updated")),
			}
			if e.Row.HasLimit {
				e.Row.Limit = rapid.Int64Range(0, 2).Draw(t, "limit")
			}
			if typ == rules.Enum {
				e.Row.EnumValues = slices.Sorted(slices.Values(rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.ID).Draw(t, "values")))
			}
			list = append(list, e)
		}
		s := Source{Rows: newRows(list)}
		if rapid.Bool().Draw(t, "ends") {
			end := day.AddDate(0, 0, rapid.IntRange(1, 2).Draw(t, "end"))
			s.Until = &end
		}
		return s
	})
}
