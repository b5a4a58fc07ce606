package subscription

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/core/catalog"
)

// The table of domain-catalog-provisioning §4.3 step 4; what is not in it keeps its type.
func TestMovable(t *testing.T) {
	t.Parallel()
	stuck := map[[2]string]bool{
		{catalog.Free, catalog.Paid}: true, {catalog.Free, catalog.Custom}: true, {catalog.Custom, catalog.Paid}: true,
	}
	types := []string{catalog.Free, catalog.Paid, catalog.Custom}
	for _, from := range types {
		for _, to := range types {
			if got, want := Movable(from, to), !stuck[[2]string{from, to}]; got != want {
				t.Errorf("from %s to %s: %t, want %t", from, to, got, want)
			}
		}
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end, now := start.AddDate(0, 0, 14), start.AddDate(0, 0, 3)
	s := Subscription{
		ID: "s", RefID: "sub", CustomerRef: "acme", VersionID: "v1", PriceVersionID: "v1", PlanVersion: 1, PricingType: catalog.Paid,
		Bases: []string{"b1"}, Addons: []Addon{{"x", "extra", "x1", "x1", 2}, {"y", "other", "y1", "y1", 1}},
		Status: InTrial, TrialEndDate: &end, Version: 4, UpdatedAt: start,
	}
	v2 := &catalog.Version{ID: "v2", Number: 2, PricingType: catalog.Custom}
	after := func(change func(*Subscription)) Subscription {
		c := s
		c.Addons = append([]Addon{}, s.Addons...)
		change(&c)
		return c
	}
	for _, tc := range []struct {
		name  string
		to    Move
		want  Subscription
		moved bool
	}{
		{"to what it has", Move{Version: &catalog.Version{ID: "v1"}, Bases: []string{"b1"}, Addons: map[string]string{"x": "x1", "z": "z9"}}, s, false},
		{"nowhere", Move{Bases: []string{"b1"}}, s, false},
		{"the plan", Move{Version: v2}, after(func(c *Subscription) {
			c.VersionID, c.PlanVersion, c.PricingType, c.Bases, c.Version, c.UpdatedAt = "v2", 2, catalog.Custom, nil, 5, now
		}), true},
		{"a base", Move{Bases: []string{"b2"}}, after(func(c *Subscription) {
			c.Bases, c.Version, c.UpdatedAt = []string{"b2"}, 5, now
		}), true},
		{"an add-on", Move{Bases: []string{"b1"}, Addons: map[string]string{"x": "x2"}}, after(func(c *Subscription) {
			c.Addons[0].VersionID, c.Version, c.UpdatedAt = "x2", 5, now
		}), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ch, moved := Migrate(s, tc.to, now)
			if d := cmp.Diff(tc.want, ch.Subscription); d != "" || moved != tc.moved {
				t.Errorf("moved is %t, want %t (-want +got):\n%s", moved, tc.moved, d)
			}
			events := 0
			for _, e := range ch.Events {
				events++
				if e.Type != "subscription.updated" || e.Version != 5 || e.Customer != "acme" || e.Payload.(told).Reason != MigratedToLatest {
					t.Errorf("event %+v", e)
				}
			}
			if want := map[bool]int{true: 1}[tc.moved]; events != want {
				t.Errorf("%d events, want %d", events, want)
			}
			if s.Addons[0].VersionID != "x1" {
				t.Error("the given subscription was changed")
			}
		})
	}
}
