package entitlement

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/rules"
)

func overrides(e *Entitlement) { e.Overrides = true }
func endless(e *Entitlement)   { unset(e); unlimited(e) }

func from(at string) func(*Entitlement) {
	return func(e *Entitlement) { e.ResetConfiguration = at }
}

func sso(change ...func(*Entitlement)) Entitlement {
	return changed(Entitlement{Feature: Feature{RefID: "seats", Type: catalog.Boolean}, Row: rules.Row{Type: rules.Boolean, Granted: true}}, change)
}

func models(values []string, change ...func(*Entitlement)) Entitlement {
	return changed(Entitlement{Feature: Feature{RefID: "seats", Type: catalog.Enum}, Row: rules.Row{Type: rules.Enum, Granted: true, EnumValues: values}}, change)
}

func changed(e Entitlement, change []func(*Entitlement)) Entitlement {
	for _, f := range change {
		f(&e)
	}
	return e
}

func rowsOf(list ...Entitlement) *Rows { return newRows(list) }

func beside(quantity int64, list ...Entitlement) Beside { return Beside{newRows(list), quantity} }

func TestCombine(t *testing.T) {
	t.Parallel()
	plan := rowsOf(seats())
	x, y := seats(limit(20)), seats(limit(25), overrides)
	enum := func(values ...string) []string { return values }
	for _, tc := range []struct {
		name   string
		own    *Rows
		bases  []*Rows
		addons []Beside
		want   Entitlement
	}{
		{name: "the plan alone", own: plan, want: seats()},
		{name: "an increment", own: plan, addons: []Beside{beside(1, x)}, want: seats(limit(30))},
		{name: "an increment twice", own: plan, addons: []Beside{beside(2, x)}, want: seats(limit(50))},
		{name: "two increments", own: plan, addons: []Beside{beside(2, x), beside(3, seats(limit(1)))}, want: seats(limit(53))},
		{name: "no quantity is one", own: plan, addons: []Beside{beside(0, x)}, want: seats(limit(30))},
		{name: "an override", own: plan, addons: []Beside{beside(1, y)}, want: seats(limit(25))},
		{name: "an override beside an increment", own: plan, addons: []Beside{beside(2, x), beside(1, y)}, want: seats(limit(25))},
		{name: "an override below the plan", own: plan, addons: []Beside{beside(1, seats(limit(3), overrides))}, want: seats(limit(3))},
		{name: "an override twice", own: plan, addons: []Beside{beside(2, y)}, want: seats(limit(50))},
		{name: "two overrides", own: plan, addons: []Beside{beside(1, y), beside(1, seats(limit(40), overrides))}, want: seats(limit(40))},
		{name: "the quantity decides between overrides", own: plan, addons: []Beside{beside(2, y), beside(1, seats(limit(40), overrides))}, want: seats(limit(50))},
		{name: "an add-on alone", addons: []Beside{beside(2, x)}, want: seats(limit(40))},
		{name: "a limit of 0", own: rowsOf(seats(limit(0))), addons: []Beside{beside(1, x)}, want: x},

		{name: "an unlimited plan", own: rowsOf(seats(endless)), addons: []Beside{beside(1, x)}, want: seats(endless)},
		{name: "an unlimited increment", own: plan, addons: []Beside{beside(1, seats(endless))}, want: seats(endless)},
		{name: "an override of an unlimited plan", own: rowsOf(seats(endless)), addons: []Beside{beside(1, y)}, want: seats(limit(25))},
		{name: "an override of an unlimited increment", own: plan, addons: []Beside{beside(1, seats(endless)), beside(1, y)}, want: seats(limit(25))},
		{name: "an unlimited override", own: plan, addons: []Beside{beside(1, seats(endless, overrides)), beside(1, y)}, want: seats(endless)},

		{name: "the plan's grant", own: rowsOf(sso()), addons: []Beside{beside(1, sso(revoked))}, want: sso()},
		{name: "the add-on's grant", own: rowsOf(sso(revoked)), addons: []Beside{beside(1, sso())}, want: sso()},
		{name: "nobody's grant", own: rowsOf(sso(revoked)), addons: []Beside{beside(1, sso(revoked))}, want: sso(revoked)},
		{name: "a revoked plan adds nothing", own: rowsOf(seats(revoked)), addons: []Beside{beside(1, x)}, want: x},
		{name: "a revoked increment adds nothing", own: plan, addons: []Beside{beside(5, seats(limit(20), revoked, soft))}, want: seats()},
		{name: "a revoked override among two", own: plan, addons: []Beside{beside(1, seats(limit(99), overrides, revoked)), beside(1, y)}, want: seats(limit(25))},

		{name: "enum values are united", own: rowsOf(models(enum("b"))), addons: []Beside{beside(2, models(enum("a", "b")))}, want: models(enum("a", "b"))},
		{
			name: "enum values are overridden", own: rowsOf(models(enum("b"))),
			addons: []Beside{beside(1, models(enum("z"))), beside(1, models(enum("c", "d"), overrides)), beside(1, models(enum("a"), overrides))},
			want:   models(enum("a", "c", "d")),
		},

		{name: "a soft plan", own: rowsOf(seats(soft)), addons: []Beside{beside(1, x)}, want: seats(limit(30), soft)},
		{name: "a soft increment", own: plan, addons: []Beside{beside(1, seats(limit(20), soft))}, want: seats(limit(30), soft)},
		{name: "a hard override of a soft plan", own: rowsOf(seats(soft)), addons: []Beside{beside(1, y)}, want: seats(limit(25))},
		{name: "soft at equal overrides", own: plan, addons: []Beside{beside(1, y), beside(1, seats(limit(25), overrides, soft))}, want: seats(limit(25), soft)},
		{name: "a larger override before a soft one", own: plan, addons: []Beside{beside(1, seats(limit(26), overrides)), beside(1, seats(limit(25), overrides, soft))}, want: seats(limit(26))},

		{
			name: "the plan's reset", own: rowsOf(seats(reset("YEAR"), from("SubscriptionStart"))),
			addons: []Beside{beside(1, seats(limit(20), reset("MONTH"), from("StartOfTheMonth")))},
			want:   seats(limit(30), reset("YEAR"), from("SubscriptionStart")),
		},
		{
			name:   "the add-on's reset where the plan has no row",
			addons: []Beside{beside(1, seats(limit(20), reset("MONTH"), from("StartOfTheMonth")))},
			want:   seats(limit(20), reset("MONTH"), from("StartOfTheMonth")),
		},
		{
			name: "the override's reset", own: rowsOf(seats(reset("YEAR"), from("SubscriptionStart"))),
			addons: []Beside{beside(1, seats(limit(20), overrides, reset("WEEK"), from("EveryMonday"))), beside(1, seats(limit(9), overrides, reset("DAY")))},
			want:   seats(limit(20), reset("WEEK"), from("EveryMonday")),
		},

		{name: "an inherited row", own: rowsOf(), bases: []*Rows{plan}, want: seats()},
		{name: "the own row beats the inherited one", own: rowsOf(seats(limit(1))), bases: []*Rows{rowsOf(seats(endless))}, want: seats(limit(1))},
		{name: "a revoked own row too", own: rowsOf(seats(revoked)), bases: []*Rows{plan}, want: seats(revoked)},
		{name: "the nearest base", own: rowsOf(), bases: []*Rows{rowsOf(), rowsOf(seats(limit(2))), rowsOf(seats(limit(30)))}, want: seats(limit(2))},
		{name: "an increment of an inherited row", own: rowsOf(), bases: []*Rows{plan}, addons: []Beside{beside(2, x)}, want: seats(limit(50))},

		{name: "many times much", own: plan, addons: []Beside{beside(3, seats(limit(math.MaxInt64/2)))}, want: seats(limit(math.MaxInt64))},
		{name: "much and more", own: rowsOf(seats(limit(math.MaxInt64))), addons: []Beside{beside(1, x)}, want: seats(limit(math.MaxInt64))},
		{name: "the most that fits", own: plan, addons: []Beside{beside(1, seats(limit(math.MaxInt64-10)))}, want: seats(limit(math.MaxInt64))},
		{name: "an override of many times much", addons: []Beside{beside(math.MaxInt64, seats(limit(2), overrides))}, want: seats(limit(math.MaxInt64))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, addons := range [][]Beside{tc.addons, backwards(tc.addons)} {
				got := Combine(tc.own, tc.bases, addons)
				if len(got.All()) != 1 {
					t.Fatalf("rows: %v", got.All())
				}
				if d := cmp.Diff(tc.want, *got.Find("seats")); d != "" {
					t.Errorf("row (-want +got):\n%s", d)
				}
			}
		})
	}
}

func backwards(list []Beside) []Beside {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

func TestCombineKeepsFeaturesApart(t *testing.T) {
	t.Parallel()
	named := func(ref string) func(*Entitlement) {
		return func(e *Entitlement) { e.Feature.RefID = ref }
	}
	later := func(e *Entitlement) { e.UpdatedAt = day }
	own := rowsOf(seats(), seats(named("own")))
	got := Combine(own, []*Rows{rowsOf(seats(named("base"), limit(1)))}, []Beside{beside(2, seats(named("addon"), limit(3)), seats(limit(1), later))})
	want := []Entitlement{
		seats(named("addon"), limit(6)), seats(named("base"), limit(1)), seats(named("own")), seats(limit(12), later),
	}
	if d := cmp.Diff(newRows(want).All(), got.All()); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
	if d := cmp.Diff(rowsOf(seats(named("own")), seats()).All(), own.All()); d != "" {
		t.Errorf("the plan's rows changed:\n%s", d)
	}
	if Combine(own, nil, nil) != own {
		t.Error("a plan alone was copied")
	}
}

func TestOrderOfAddonsIsIrrelevant(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		own := rowsOf(anyRows(false).Draw(t, "own")...)
		addons := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Beside {
			return beside(rapid.Int64Range(1, 3).Draw(t, "quantity"), anyRows(true).Draw(t, "rows")...)
		}), 1, 5).Draw(t, "addons")
		want := Combine(own, nil, addons).All()
		shuffled := rapid.Permutation(addons).Draw(t, "shuffled")
		if d := cmp.Diff(want, Combine(own, nil, shuffled).All()); d != "" {
			t.Errorf("another order gives (-want +got):\n%s", d)
		}
	})
}

// anyRows draws rows as catalogs have them, from few values, so that they tie often.
func anyRows(addon bool) *rapid.Generator[[]Entitlement] {
	return rapid.Custom(func(t *rapid.T) (list []Entitlement) {
		for i, typ := range []rules.FeatureType{rules.Boolean, rules.Number, rules.Number, rules.Enum} {
			if !rapid.Bool().Draw(t, "has") {
				continue
			}
			e := Entitlement{
				Feature:   Feature{RefID: fmt.Sprint("f", i)},
				Row:       rules.Row{Type: typ, Granted: rapid.Bool().Draw(t, "granted")},
				Overrides: addon && rapid.Bool().Draw(t, "overrides"),
				UpdatedAt: day.Add(time.Duration(rapid.IntRange(0, 1).Draw(t, "updated")) * time.Hour),
			}
			switch typ {
			case rules.Number:
				e.Row.Limit, e.Row.HasLimit = rapid.Int64Range(0, 2).Draw(t, "limit"), true
				if e.Row.Granted && rapid.Bool().Draw(t, "unlimited") {
					e.Row.Limit, e.Row.HasLimit, e.Row.Unlimited = 0, false, true
				}
				e.Row.Soft = rapid.Bool().Draw(t, "soft")
				e.ResetPeriod = rapid.SampledFrom([]string{"", "DAY", "MONTH"}).Draw(t, "reset")
				if e.ResetPeriod == "MONTH" {
					e.ResetConfiguration = rapid.SampledFrom([]string{"SubscriptionStart", "StartOfTheMonth"}).Draw(t, "from")
				}
			case rules.Enum:
				e.Row.EnumValues = slices.Sorted(slices.Values(rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 3, rapid.ID).Draw(t, "values")))
			}
			list = append(list, e)
		}
		return list
	})
}
