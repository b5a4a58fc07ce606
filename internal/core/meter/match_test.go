package meter

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/core/catalog"
)

// where is a filter of one condition.
func where(field, operation string, values ...string) catalog.Filter {
	return catalog.Filter{Conditions: []catalog.Condition{condition1(field, operation, values...)}}
}

func condition1(field, operation string, values ...string) catalog.Condition {
	c := catalog.Condition{Field: field, Operation: operation}
	switch {
	case operation == "IN":
		c.Values = values
	case len(values) > 0:
		c.Value = values[0]
	}
	return c
}

func counting(filters ...catalog.Filter) catalog.Meter {
	return catalog.Meter{Aggregation: catalog.Aggregation{Function: "COUNT"}, Filters: filters}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	tests := []struct {
		operation string
		values    []string
		yes, no   []string // values of the field d, as JSON; "" for none
	}{
		{"EQUALS", []string{"5"}, []string{`5`, `5.0`, `"5"`, `"5.00"`, `0.5e1`}, []string{`6`, `"05"`, `"five"`, `true`, `5e999999999`, ``}},
		{"EQUALS", []string{"eu"}, []string{`"eu"`}, []string{`"EU"`, `"eu "`, `""`, `5`, `true`, ``}},
		{"EQUALS", []string{"true"}, []string{`true`, `"true"`}, []string{`false`, `"TRUE"`, `1`, ``}},
		{"NOT_EQUALS", []string{"5"}, []string{`6`, `"05"`, `"five"`, `true`, ``}, []string{`5`, `5.0`, `"5"`, `0.5e1`}},
		{"NOT_EQUALS", []string{"eu"}, []string{`"us"`, `""`, `5`, `false`, ``}, []string{`"eu"`}},
		{"GREATER_THAN", []string{"10"}, []string{`10.5`, `"11"`, `1e2`, `"a"`, `true`}, []string{`9`, `10`, `10.0`, `-11`, `"9"`, `""`, ``}},
		{"GREATER_THAN_OR_EQUAL", []string{"10"}, []string{`10`, `"10.0"`, `1e1`, `"a"`, `true`}, []string{`9.999999`, `9.9999999`, `"9"`, `""`, ``}},
		{"LESS_THAN", []string{"10"}, []string{`9`, `"9"`, `-1e30`, `9.9999999`, `""`}, []string{`10`, `10.00`, `11`, `"a"`, `true`, ``}},
		{"LESS_THAN_OR_EQUAL", []string{"10"}, []string{`10`, `"10.00"`, `9`, `-11`, `""`}, []string{`10.0000001`, `11`, `"a"`, `true`, ``}},
		{"IS_NULL", nil, []string{``}, []string{`""`, `0`, `"x"`, `false`}},
		{"IS_NOT_NULL", nil, []string{`""`, `0`, `"x"`, `false`}, []string{``}},
		{"CONTAINS", []string{"5"}, []string{`"a5b"`, `1.50`, `5`}, []string{`"ab"`, `true`, `6`, ``}},
		{"CONTAINS", []string{"ru"}, []string{`true`, `"rust"`}, []string{`false`, `"RU"`, ``}},
		{"STARTS_WITH", []string{"1"}, []string{`"1a"`, `1.50`, `"1"`}, []string{`"a1"`, `2.1`, `true`, ``}},
		{"ENDS_WITH", []string{"0"}, []string{`"a0"`, `1.50`, `0`}, []string{`"0a"`, `1.5`, `false`, ``}},
		{"IN", []string{"5", "eu", "true"}, []string{`5`, `5.0`, `"5"`, `"eu"`, `true`}, []string{`6`, `"us"`, `false`, `""`, ``}},
		{"IN", []string{"100000000000000000000", "1"}, []string{`1e20`, `1.0`}, []string{`1e19`, `2`, ``}},
		{"GREATER_THAN", []string{"100000000000000000000"}, []string{`1e21`}, []string{`1e20`, `5`, `-1e21`, ``}},
		{"UNHEARD_OF", []string{"5"}, nil, []string{`5`, `"x"`, `true`, ``}},
	}
	seen := map[string]bool{}
	for _, tt := range tests {
		seen[tt.operation] = true
		m := Compile(counting(where("d", tt.operation, tt.values...)))
		check := func(text string, want bool) {
			e := &Event{Name: "call", Customer: "acme", Dimensions: dims(t, `{"other":5}`)}
			if text != "" {
				e.Dimensions = dims(t, `{"d":`+text+`}`)
			}
			if got := m.Matches(e); got != want {
				t.Errorf("d = %s, %s %v: got %v, want %v", text, tt.operation, tt.values, got, want)
			}
		}
		for _, text := range tt.yes {
			check(text, true)
		}
		for _, text := range tt.no {
			check(text, false)
		}
	}
	for operation := range operations {
		if !seen[operation] {
			t.Errorf("%s is not tested", operation)
		}
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	call := where("eventName", "EQUALS", "call")
	europeanCall := catalog.Filter{Conditions: append(slices.Clone(call.Conditions), condition1("region", "EQUALS", "eu"))}
	european, american := `{"region":"eu"}`, `{"region":"us"}`
	tests := []struct {
		name    string
		filters []catalog.Filter
		event   Event
		want    bool
	}{
		{"no filters: everything counts", nil, Event{Name: "call"}, true},
		{"a filter without conditions holds", []catalog.Filter{{}}, Event{Name: "call"}, true},
		{"the event's name", []catalog.Filter{call}, Event{Name: "call"}, true},
		{"the other spelling", []catalog.Filter{where("event_name", "EQUALS", "call")}, Event{Name: "call"}, true},
		{"another name", []catalog.Filter{call}, Event{Name: "login"}, false},
		{"the customer", []catalog.Filter{where("customerId", "IN", "acme")}, Event{Name: "call", Customer: "acme"}, true},
		{"the customer's other spelling", []catalog.Filter{where("customer_id", "EQUALS", "acme")}, Event{Customer: "umbrella"}, false},
		{"an event has its own fields always", []catalog.Filter{where("eventName", "IS_NULL")}, Event{}, false},
		{"a dimension does not stand in for them", []catalog.Filter{call}, Event{Name: "x", Dimensions: dims(t, `{"eventName":"call"}`)}, false},
		{"both conditions hold", []catalog.Filter{europeanCall}, Event{Name: "call", Dimensions: dims(t, european)}, true},
		{"one of two conditions holds", []catalog.Filter{europeanCall}, Event{Name: "call", Dimensions: dims(t, american)}, false},
		{"one of two filters holds", []catalog.Filter{where("region", "EQUALS", "us"), europeanCall}, Event{Name: "call", Dimensions: dims(t, european)}, true},
		{"none of two filters holds", []catalog.Filter{where("region", "EQUALS", "us"), europeanCall}, Event{Name: "call"}, false},
	}
	for _, tt := range tests {
		if got := Compile(counting(tt.filters...)).Matches(&tt.event); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	both := func(a, b catalog.Filter) catalog.Filter {
		return catalog.Filter{Conditions: append(slices.Clone(a.Conditions), b.Conditions...)}
	}
	call, region := where("eventName", "EQUALS", "call"), where("region", "EQUALS", "eu")
	some := where("event_name", "IN", "login", "call")
	tests := []struct {
		name    string
		filters []catalog.Filter
		want    []string
		all     bool
	}{
		{"no filters", nil, nil, true},
		{"one name", []catalog.Filter{both(region, call)}, []string{"call"}, false},
		{"some names, once each", []catalog.Filter{some, call}, []string{"call", "login"}, false},
		{"a filter without a name", []catalog.Filter{call, region}, nil, true},
		{"both must hold", []catalog.Filter{both(some, call)}, []string{"call"}, false},
		{"both cannot hold", []catalog.Filter{both(call, where("eventName", "EQUALS", "login"))}, nil, false},
		{"other comparisons", []catalog.Filter{where("eventName", "STARTS_WITH", "call")}, nil, true},
		{"other comparisons beside a name", []catalog.Filter{both(where("eventName", "NOT_EQUALS", "x"), call)}, []string{"call"}, false},
		{"a number is other numbers too", []catalog.Filter{where("eventName", "EQUALS", "1")}, nil, true},
		{"a dimension of another event", []catalog.Filter{where("name", "EQUALS", "call")}, nil, true},
	}
	for _, tt := range tests {
		names, all := Compile(counting(tt.filters...)).Names()
		if diff := cmp.Diff(tt.want, names); diff != "" || all != tt.all {
			t.Errorf("%s: all %v, want %v; names (-want +got):\n%s", tt.name, all, tt.all, diff)
		}
	}
}

// drawMeter is a meter over few names, keys and values, so that much of it matches.
func drawMeter(t *rapid.T, label string) catalog.Meter {
	values := rapid.SampledFrom([]string{"call", "login", "1", "1.0", "2", "eu"})
	conditions := rapid.Custom(func(t *rapid.T) catalog.Condition {
		field := rapid.SampledFrom([]string{"eventName", "event_name", "customerId", "a", "b"}).Draw(t, "field")
		operation := rapid.SampledFrom(append(slices.Sorted(maps.Keys(operations)), "EQUALS", "IN")).Draw(t, "operation")
		return condition1(field, operation, rapid.SliceOfN(values, 1, 3).Draw(t, "values")...)
	})
	filters := rapid.Custom(func(t *rapid.T) catalog.Filter {
		return catalog.Filter{Conditions: rapid.SliceOfN(conditions, 1, 3).Draw(t, "conditions")}
	})
	return counting(rapid.SliceOfN(filters, 0, 3).Draw(t, label)...)
}

func drawEvent(t *rapid.T) *Event {
	names := rapid.SampledFrom([]string{"call", "login", "1", "1.0", "2", "eu", "other"})
	texts := rapid.SampledFrom([]Dimension{String("call"), String("1"), Bool(true), {isNumber, "1.00"}, {isNumber, "2e0"}, String("eu")})
	return &Event{
		Name: names.Draw(t, "name"), Customer: names.Draw(t, "customer"),
		Dimensions: rapid.MapOf(rapid.SampledFrom([]string{"a", "b"}), texts).Draw(t, "dimensions"),
	}
}

func TestSetFindsWhatMatches(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		meters := map[string]catalog.Meter{}
		for i := range rapid.IntRange(0, 6).Draw(t, "meters") {
			meters[fmt.Sprint("f", i)] = drawMeter(t, fmt.Sprint("filters", i))
		}
		e := drawEvent(t)
		var want, got []string
		for _, f := range slices.Sorted(maps.Keys(meters)) {
			if Compile(meters[f]).Matches(e) {
				want = append(want, f)
			}
		}
		set := NewSet(meters)
		for f, m := range set.For(e) {
			got = append(got, f)
			if !m.Matches(e) {
				t.Fatalf("the meter of %s does not match", f)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("features (-want +got):\n%s", diff)
		}
		for range set.For(e) {
			break // stopping early is allowed
		}
	})
}

// hundred meters, of which one in ten matches an event of the batch by its name.
func hundred() (*Set, []*Event) {
	meters := map[string]catalog.Meter{}
	for i := range 100 {
		f := where("eventName", "EQUALS", fmt.Sprint("event", i%10))
		f.Conditions = append(f.Conditions, condition1("size", "GREATER_THAN", "10"), condition1("region", "IN", "eu", "us"))
		meters[fmt.Sprint("f", i)] = counting(f, where("eventName", "IN", "a", "b"))
	}
	events := make([]*Event, 1000)
	for i := range events {
		events[i] = &Event{Name: fmt.Sprint("event", i%20), Customer: "acme", Dimensions: Dimensions{
			"size": {isNumber, fmt.Sprint(i)}, "region": String("eu"), "ok": Bool(true),
		}}
	}
	return NewSet(meters), events
}

func TestMatchingDoesNotAllocate(t *testing.T) {
	set, events := hundred()
	found := 0
	n := testing.AllocsPerRun(10, func() {
		for _, e := range events {
			for range set.For(e) {
				found++
			}
		}
	})
	if n != 0 || found == 0 {
		t.Errorf("%v allocations for %d events, %d found", n, len(events), found)
	}
}

func BenchmarkSet(b *testing.B) {
	set, events := hundred()
	b.ReportAllocs()
	for b.Loop() {
		for _, e := range events {
			for range set.For(e) {
				continue
			}
		}
	}
}
