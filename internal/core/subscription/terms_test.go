package subscription_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/core/subscription"
)

func seats(n int64) subscription.Terms {
	return subscription.Terms{Quantities: []subscription.Quantity{{Type: "FEATURE", ID: "seats", Quantity: n}}}
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	addons := func(m map[string]int64) subscription.Terms { return subscription.Terms{Addons: m} }
	period := func(p string) subscription.Terms { return subscription.Terms{BillingPeriod: p} }
	for _, tc := range []struct {
		name     string
		from, to subscription.Terms
		want     []string
	}{
		{"nothing", seats(5), seats(5), nil},
		{"more units", seats(5), seats(6), []string{"UNIT_AMOUNT seats 5→6 up"}},
		{"fewer units", seats(5), seats(3), []string{"UNIT_AMOUNT seats 5→3 down"}},
		{"units of a new charge", subscription.Terms{}, seats(3), []string{"UNIT_AMOUNT seats 0→3 up"}},
		{"no units", seats(5), seats(0), []string{"UNIT_AMOUNT seats 5→0 down"}},
		{"units that are not named stay", seats(5), subscription.Terms{}, nil},
		{"more credits", subscription.Terms{}, subscription.Terms{
			Quantities: []subscription.Quantity{{Type: "CREDIT", ID: "tokens", Quantity: 100}},
		}, []string{"RECURRING_CREDITS tokens 0→100 up"}},
		{"a longer commitment", period("MONTHLY"), period("ANNUALLY"), []string{"BILLING_PERIOD  1→12 up"}},
		{"a shorter one", period("ANNUALLY"), period("MONTHLY"), []string{"BILLING_PERIOD  12→1 down"}},
		{"a new add-on", addons(nil), addons(map[string]int64{"extra": 1}), []string{"ADDON extra 0→1 up"}},
		{"one that goes", addons(map[string]int64{"extra": 1}), addons(nil), []string{"ADDON extra 1→0 down"}},
		{"more of one", addons(map[string]int64{"extra": 1}), addons(map[string]int64{"extra": 2}), []string{"ADDON extra 1→2 up"}},
		{"fewer of one", addons(map[string]int64{"extra": 2}), addons(map[string]int64{"extra": 1}), []string{"ADDON extra 2→1 down"}},
		{
			"everything, in order",
			subscription.Terms{BillingPeriod: "MONTHLY", Addons: map[string]int64{"b": 1, "c": 1}, Quantities: []subscription.Quantity{
				{Type: "CREDIT", ID: "tokens", Quantity: 1}, {Type: "FEATURE", ID: "seats", Quantity: 5}, {Type: "FEATURE", ID: "disks", Quantity: 1},
			}},
			subscription.Terms{BillingPeriod: "ANNUALLY", Addons: map[string]int64{"a": 1, "c": 2}, Quantities: []subscription.Quantity{
				{Type: "CREDIT", ID: "tokens", Quantity: 2}, {Type: "FEATURE", ID: "seats", Quantity: 4}, {Type: "FEATURE", ID: "disks", Quantity: 2},
			}},
			[]string{
				"BILLING_PERIOD  1→12 up", "UNIT_AMOUNT disks 1→2 up", "UNIT_AMOUNT seats 5→4 down", "RECURRING_CREDITS tokens 1→2 up",
				"ADDON a 0→1 up", "ADDON b 1→0 down", "ADDON c 1→2 up",
			},
		},
	} {
		var got []string
		for _, d := range subscription.Differences(tc.from, tc.to) {
			way := map[subscription.Direction]string{subscription.Upgrade: "up", subscription.Downgrade: "down"}[d.Direction]
			got = append(got, fmt.Sprintf("%s %s %d→%d %s", d.Aspect, d.ID, d.From, d.To, way))
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, d)
		}
	}
}

func terms() *rapid.Generator[subscription.Terms] {
	return rapid.Custom(func(t *rapid.T) subscription.Terms {
		terms := subscription.Terms{
			BillingPeriod: rapid.SampledFrom([]string{"", "MONTHLY", "ANNUALLY"}).Draw(t, "period"),
			Addons:        rapid.MapOf(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.Int64Range(1, 3)).Draw(t, "addons"),
		}
		for _, q := range []subscription.Quantity{{Type: "FEATURE", ID: "seats"}, {Type: "FEATURE", ID: "x"}, {Type: "CREDIT", ID: "x"}} {
			q.Quantity = rapid.Int64Range(0, 9).Draw(t, q.Type+q.ID)
			terms.Quantities = append(terms.Quantities, q)
		}
		return terms
	})
}

// The differences lead from one to the other, in one step or in two: first what gives more, later what gives less.
func TestDifferencesLeadThere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from, to := terms().Draw(t, "from"), terms().Draw(t, "to")
		before := from.Apply(nil)
		list := subscription.Differences(from, to)
		if d := cmp.Diff(to, from.Apply(list), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("at once (-want +got):\n%s", d)
		}
		now := from.Apply(subscription.Only(list, subscription.Upgrade))
		for _, d := range subscription.Differences(from, now) {
			if d.Direction != subscription.Upgrade {
				t.Fatalf("the first step brings %+v", d)
			}
		}
		later := subscription.Only(list, subscription.Downgrade)
		if d := cmp.Diff(later, subscription.Differences(now, to), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("left for later (-want +got):\n%s", d)
		}
		if d := cmp.Diff(to, now.Apply(later), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("in two steps (-want +got):\n%s", d)
		}
		if d := cmp.Diff(before, from, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("the terms changed (-want +got):\n%s", d)
		}
	})
}
