package entitlement

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/core/subscription"
)

// anyShop has versions that give one feature, and a customer with subscriptions to them.
type anyShop struct {
	fixed
	versions map[string]catalog.Version
	kind     string
}

func (s anyShop) PackageVersion(_ context.Context, _ tenant.ID, id string) (catalog.Version, error) {
	return s.versions[id], nil
}

func (s anyShop) Foresee(_ context.Context, _ tenant.ID, sight Sight, read func(Store, Prospect) error) error {
	return read(s, Prospect{At: sight.At, Holder: s.holder})
}

func (s anyShop) entitlement(t *rapid.T, behavior string) catalog.Entitlement {
	e := catalog.Entitlement{
		Type: catalog.FeatureEntitlement, FeatureRefID: "f", FeatureID: "1", Granted: rapid.IntRange(0, 4).Draw(t, "granted") > 0, Behavior: behavior,
	}
	switch s.kind {
	case catalog.Number:
		if e.Unlimited = rapid.IntRange(0, 5).Draw(t, "unlimited") == 0; !e.Unlimited {
			n := rapid.Int64Range(0, 20).Draw(t, "limit")
			e.UsageLimit = &n
		}
		e.Soft = rapid.IntRange(0, 4).Draw(t, "soft") == 0
		e.ResetPeriod = rapid.SampledFrom([]string{"", "MONTH", "DAY"}).Draw(t, "reset")
	case catalog.Enum:
		e.EnumValues = anyValues(t)
	}
	return e
}

func anyValues(t *rapid.T) []string {
	list := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 1, 3).Draw(t, "values")
	slices.Sort(list)
	return slices.Compact(list)
}

// version makes a version that may give the feature.
func (s anyShop) version(t *rapid.T, behavior string) string {
	id := fmt.Sprintf("v%d", len(s.versions))
	v := catalog.Version{ID: id, PackageID: "p"}
	if rapid.IntRange(0, 3).Draw(t, "gives") > 0 {
		v.Entitlements = []catalog.Entitlement{s.entitlement(t, behavior)}
	}
	s.versions[id] = v
	return id
}

func (s anyShop) subscription(t *rapid.T, id string, start time.Time) Subscription {
	sub := Subscription{ID: id, StartDate: start, VersionID: s.version(t, "")}
	for range rapid.IntRange(0, 2).Draw(t, "bases") {
		sub.Bases = append(sub.Bases, s.version(t, ""))
	}
	for range rapid.IntRange(0, 3).Draw(t, "addons") {
		behavior := rapid.SampledFrom([]string{catalog.Increment, catalog.Increment, catalog.Override}).Draw(t, "behavior")
		sub.Addons = append(sub.Addons, Addon{VersionID: s.version(t, behavior), Quantity: rapid.Int64Range(1, 3).Draw(t, "quantity")})
	}
	if rapid.IntRange(0, 3).Draw(t, "override") == 0 {
		v := subscription.Value{Type: subscription.FeatureType, ID: "f"}
		switch s.kind {
		case catalog.Number:
			n := rapid.Int64Range(0, 20).Draw(t, "own")
			v.UsageLimit = &n
		case catalog.Enum:
			v.EnumValues = anyValues(t)
		}
		sub.Own.Values = []subscription.Value{v}
	}
	if s.kind == catalog.Number && rapid.IntRange(0, 3).Draw(t, "pays") == 0 {
		sub.Own.Quantities = []subscription.Quantity{{Type: subscription.FeatureType, ID: "f", Quantity: rapid.Int64Range(1, 20).Draw(t, "paid")}}
	}
	return sub
}

// An explanation says what the check says, and the rows that it marks alone give the same row.
func TestExplanationsAgreeWithChecks(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		shop := anyShop{versions: map[string]catalog.Version{}, kind: rapid.SampledFrom([]string{catalog.Boolean, catalog.Number, catalog.Enum}).Draw(t, "kind")}
		f := catalog.Feature{ID: "1", RefID: "f", Type: shop.kind, MeterType: catalog.NoMeter}
		if shop.kind == catalog.Number {
			f.MeterType = rapid.SampledFrom([]string{catalog.NoMeter, catalog.Fluctuating, catalog.Incremental}).Draw(t, "meter")
		}
		shop.catalog = catalog.NewSnapshot(1, nil, []catalog.Feature{f}, nil)
		shop.holder = Holder{ID: "1", Known: rapid.IntRange(0, 9).Draw(t, "known") > 0}
		for i := range rapid.IntRange(0, 3).Draw(t, "subscriptions") {
			shop.holder.Subscriptions = append(shop.holder.Subscriptions, shop.subscription(t, fmt.Sprint(i), now))
		}
		for range rapid.IntRange(0, 2).Draw(t, "promotions") {
			shop.holder.Promotions = append(shop.holder.Promotions, Promotion{FeatureRef: "f", Gives: shop.entitlement(t, ""), StartDate: now})
		}
		s := NewService(nil, nil, manual{clock.At(now)}, nil, NewCache(10)).WithForesight(shop)
		q := Query{Customer: "ada", Feature: rapid.SampledFrom([]string{"f", "f", "f", "g"}).Draw(t, "feature"), At: now}
		q.Ask = rules.Ask{RequestedUsage: rapid.Int64Range(0, 30).Draw(t, "requested"), RequestedValues: rapid.SampledFrom([][]string{nil, {"a"}, {"b", "d"}}).Draw(t, "wanted")}
		plain, err := s.CheckAt(t.Context(), 1, q)
		if err != nil {
			t.Fatal(err)
		}
		told, err := s.Explain(t.Context(), 1, q)
		if err != nil {
			t.Fatal(err)
		}
		decision := told.Explanation.Steps[5].Data
		if told.Reason != plain.Reason || decision["isGranted"] != plain.Granted || !plain.Granted && decision["accessDeniedReason"] != string(plain.Reason) {
			t.Errorf("the check says %q, the explanation %q and %v", plain.Reason, told.Reason, decision)
		}
		kinds := []string{}
		for _, step := range told.Explanation.Steps {
			kinds = append(kinds, step.Kind)
			if step.Text == "" || !strings.HasSuffix(step.Text, ".") || step.Data == nil {
				t.Errorf("step %s: %q, %v", step.Kind, step.Text, step.Data)
			}
		}
		if d := cmp.Diff([]string{"customer", "subscriptions", "rows", "merge", "usage", "decision", "remedies"}, kinds); d != "" {
			t.Errorf("steps (-want +got):\n%s", d)
		}
		shop.holdsByEffectiveRows(t, now)
	})
}

func (s anyShop) holdsByEffectiveRows(t *rapid.T, now time.Time) {
	x := explainer{q: Query{Customer: "ada", Feature: "f"}, holder: s.holder}
	x.assembly = assembly{t.Context(), s, 1, s.catalog, func(sub Subscription) (*Rows, error) {
		return RowsOf(sub, versions(t.Context(), s, 1, s.catalog), s.catalog.Feature)
	}, versions(t.Context(), s, 1, s.catalog), now}
	if err := x.trace(); err != nil {
		t.Fatal(err)
	}
	var sources []Source
	for i, list := range x.origins {
		p := pieces{}
		for j := range list {
			o := &list[j]
			switch {
			case !o.effective:
			case o.kind == fromAddon:
				p.addons = append(p.addons, piece{o.row, o.quantity})
			case p.plan != nil:
				t.Errorf("two rows of one subscription count beside each other: %+v", list)
			default:
				p.plan = o.row
			}
		}
		if p.plan != nil || len(p.addons) > 0 {
			src := x.sources[i]
			src.Rows = newRows([]Entitlement{p.merge()})
			sources = append(sources, src)
		}
	}
	var want, got rules.Row
	if e := x.merged.Rows.Find("f"); e != nil {
		want = e.Row
	}
	if e := Compile(sources).Find("f"); e != nil {
		got = e.Row
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the effective rows give another row (-merged +effective):\n%s", d)
	}
}
