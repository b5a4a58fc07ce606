package provisioning

import (
	"slices"
	"testing"

	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/rules"
)

func grant(change ...func(*rules.Row)) *entitlement.Entitlement {
	e := &entitlement.Entitlement{Row: rules.Row{Type: rules.Number, Meter: rules.Incremental, Granted: true}}
	for _, fn := range change {
		fn(&e.Row)
	}
	return e
}

func limit(n int64) func(*rules.Row) {
	return func(r *rules.Row) { r.HasLimit, r.Limit = true, n }
}

func values(list ...string) func(*rules.Row) {
	return func(r *rules.Row) { r.Type, r.EnumValues = rules.Enum, list }
}

var (
	revoked   = func(r *rules.Row) { r.Granted = false }
	unlimited = func(r *rules.Row) { r.Unlimited = true }
	softly    = func(r *rules.Row) { r.Soft = true }
	unmetered = func(r *rules.Row) { r.Meter = rules.None }
)

func TestEffectOfAChange(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name          string
		before, after *entitlement.Entitlement
		want          string
	}{
		{"new", nil, grant(limit(1)), Gains},
		{"no longer revoked", grant(revoked), grant(), Gains},
		{"gone", grant(limit(1)), nil, Loses},
		{"revoked", grant(limit(1)), grant(revoked, limit(2)), Loses},
		{"more", grant(limit(1)), grant(limit(2)), Gains},
		{"less", grant(limit(2)), grant(limit(1)), Loses},
		{"unlimited", grant(limit(2)), grant(unlimited), Gains},
		{"no longer unlimited", grant(unlimited), grant(limit(9)), Loses},
		{"soft", grant(limit(2)), grant(limit(2), softly), Gains},
		{"hard", grant(limit(2), softly), grant(limit(2)), Loses},
		{"more, but hard", grant(limit(2), softly), grant(limit(3)), Changes},
		{"a value more", grant(values("a")), grant(values("a", "b")), Gains},
		{"a value less", grant(values("a", "b")), grant(values("b")), Loses},
		{"another value", grant(values("a")), grant(values("b")), Changes},
		{"another period", grant(limit(2)), grant(limit(2)), Changes},
	} {
		if got := effect(tc.before, tc.after); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestUsageBeyondARow(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		row  *entitlement.Entitlement
		used int64
		want bool
	}{
		{"nothing used, nothing granted", nil, 0, false},
		{"used, nothing granted", nil, 1, true},
		{"used, revoked", grant(revoked, limit(9)), 1, true},
		{"all used", grant(limit(5)), 5, false},
		{"more used", grant(limit(5)), 6, true},
		{"more used than is included", grant(limit(5), softly), 6, true},
		{"unlimited", grant(unlimited), 1 << 60, false},
		{"no limit is none", grant(), 1, true},
		{"not counted", grant(limit(5), unmetered), 6, false},
	} {
		if got := beyond(tc.row, tc.used); got != tc.want {
			t.Errorf("%s: %t, want %t", tc.name, got, tc.want)
		}
	}
}

func TestHeirs(t *testing.T) {
	t.Parallel()
	parents := []Parent{
		{"3", "grandchild", "child"},
		{"2", "child", "base"},
		{"2", "child", "other"},
		{"4", "stranger", "other"},
		{"1", "base", "grandchild"}, // a circle of versions that never were in force together
	}
	for ref, want := range map[string][]string{"base": {"2", "3"}, "child": {"3", "1"}, "other": {"2", "4", "3", "1"}, "stranger": nil} {
		if got := heirs(ref, parents); !slices.Equal(got, want) {
			t.Errorf("heirs of %s: %v, want %v", ref, got, want)
		}
	}
}
