package meter

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
)

var functions = []string{fnCount, fnSum, fnMax, fnMin, fnAvg, fnUnique}

func aggregating(function string) *Meter {
	m := catalog.Meter{Aggregation: catalog.Aggregation{Function: function, Field: "d"}}
	if function == fnCount {
		m.Aggregation.Field = ""
	}
	return Compile(m)
}

// fold counts events as a caller does: distinct values once.
func fold(m *Meter, events []*Event) State {
	var s State
	seen := map[string]bool{}
	for _, e := range events {
		if v, ok := m.Distinct(e); ok {
			if seen[v] {
				continue
			}
			seen[v] = true
		}
		m.Add(&s, e)
	}
	return s
}

// eventsOf makes one event per value of the field d, as JSON; "" for an event without it.
func eventsOf(t testing.TB, values ...string) []*Event {
	t.Helper()
	var all []*Event
	for _, v := range values {
		e := &Event{Name: "call", Customer: "acme", Dimensions: Dimensions{}}
		if v != "" {
			e.Dimensions = dims(t, `{"d":`+v+`}`)
		}
		all = append(all, e)
	}
	return all
}

func TestAggregation(t *testing.T) {
	t.Parallel()
	nines := strings.Repeat("9", 38)
	tests := []struct {
		name                               string
		values                             []string
		scale                              uint8
		count, sum, most, least, avg, uniq int64
	}{
		{"nothing", nil, 2, 0, 0, 0, 0, 0, 0},
		{"one", []string{`5`}, 0, 1, 5, 5, 5, 5, 1},
		{"whole units", []string{`1`, `2`, `6`}, 0, 3, 9, 6, 1, 3, 3},
		{"a finer scale", []string{`1.25`, `2`}, 2, 200, 325, 200, 125, 162, 200},
		{"a scale beyond the finest is the finest", []string{`1`}, 200, 1e6, 1e6, 1e6, 1e6, 1e6, 1e6},
		{"half goes to even", []string{`0.5`, `1`, `1`}, 0, 3, 2, 1, 0, 1, 2},
		{"half goes to even, below 0", []string{`-1.5`}, 0, 1, -2, -2, -2, -2, 1},
		{"rounded once, not every event", []string{`0.4`, `0.4`, `0.4`, `0.4`}, 0, 4, 2, 0, 0, 0, 1},
		{"negative events take back", []string{`10`, `-3`, `-3`}, 0, 3, 4, 10, -3, 1, 2},
		{"all negative", []string{`-4`, `-2`}, 0, 2, -6, -2, -4, -3, 2},
		{"zero is a number", []string{`0`, `-1`}, 0, 2, -1, 0, -1, 0, 2},
		{"strings that are numbers", []string{`"5"`, `5`, `5.00`}, 0, 3, 15, 5, 5, 5, 1},
		{"what is no number is ignored", []string{`"x"`, `true`, `""`, ``, `4`}, 0, 5, 4, 4, 4, 4, 4},
		{"only what is no number", []string{`"x"`, `"x"`, `true`, `"true"`}, 0, 4, 0, 0, 0, 0, 2},
		{"only missing ones", []string{``, ``}, 0, 2, 0, 0, 0, 0, 0},
		{"what is too large is no number", []string{`1e999999999`, `1e65`, nines + `9`, `2`}, 0, 4, 2, 2, 2, 2, 4},
		{"beyond int64", []string{nines, nines}, 0, 2, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64, 1},
		{"beyond int64, below", []string{`-` + nines}, 0, 1, -math.MaxInt64, -math.MaxInt64, -math.MaxInt64, -math.MaxInt64, 1},
		{"the least int64 is beyond too", []string{`-9223372036854775808`}, 0, 1, -math.MaxInt64, -math.MaxInt64, -math.MaxInt64, -math.MaxInt64, 1},
		{"the largest", []string{`9223372036854775807`}, 0, 1, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64, 1},
		{"beyond int64 by the scale", []string{`9223372036854775807`}, 1, 10, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64, 10},
		{"back from beyond int64", []string{nines, `-` + nines, `7`}, 0, 3, 7, math.MaxInt64, -math.MaxInt64, 2, 3},
		{"nothing gets lost beside what is large", []string{nines, `1e-38`, `-` + nines}, 6, 3e6, 0, math.MaxInt64, -math.MaxInt64, 0, 3e6},
	}
	for _, tt := range tests {
		want := map[string]int64{fnCount: tt.count, fnSum: tt.sum, fnMax: tt.most, fnMin: tt.least, fnAvg: tt.avg, fnUnique: tt.uniq}
		for _, f := range functions {
			m := aggregating(f)
			if got := m.Value(fold(m, eventsOf(t, tt.values...)), tt.scale); got != want[f] {
				t.Errorf("%s: %s is %d, want %d", tt.name, f, got, want[f])
			}
		}
	}
}

func TestAggregationOfTheEventsOwnFields(t *testing.T) {
	t.Parallel()
	m := Compile(catalog.Meter{Aggregation: catalog.Aggregation{Function: fnUnique, Field: "customerId"}})
	if v, ok := m.Distinct(&Event{Customer: "acme"}); v != "acme" || !ok {
		t.Errorf("got %q, %v", v, ok)
	}
}

func TestAFunctionThatNobodyKnowsCountsNothing(t *testing.T) {
	t.Parallel()
	m := aggregating("MEDIAN")
	s := fold(m, eventsOf(t, `5`))
	if diff := cmp.Diff(State{}, s); diff != "" || m.Value(State{Count: 1, Sum: money.FromInt(5)}, 0) != 0 {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

func TestDistinct(t *testing.T) {
	t.Parallel()
	m := aggregating(fnUnique)
	same := [][]string{
		{`1`, `"1"`, `1.0`, `"1.00"`, `10e-1`},
		{`"01"`},
		{`true`, `"true"`},
		{`"True"`},
		{`""`},
		{`" "`},
		{`0`, `-0`, `"0.0"`},
		{`"a\u0000b"`},
		{`"sha256:0"`},
		{`"` + strings.Repeat("x", 128) + `"`},
		{`"` + strings.Repeat("x", 129) + `"`},
		{`"` + strings.Repeat("x", 130) + `"`},
		{`1e999999999`, `"1e999999999"`},
		{strings.Repeat("9", 1000)},
	}
	seen := map[string]string{}
	for _, group := range same {
		first, ok := m.Distinct(eventsOf(t, group[0])[0])
		if !ok || len(first) > maxDistinct || strings.ContainsRune(first, 0) {
			t.Errorf("%.40s is counted as %q, %v", group[0], first, ok)
		}
		if other, twice := seen[first]; twice {
			t.Errorf("%.40s and %.40s are both counted as %q", other, group[0], first)
		}
		seen[first] = group[0]
		for _, text := range group {
			if got, _ := m.Distinct(eventsOf(t, text)[0]); got != first {
				t.Errorf("%s is counted as %q, %s as %q", group[0], first, text, got)
			}
		}
		// What stands for a value must not be taken for another one that looks like it.
		if again, _ := m.Distinct(&Event{Dimensions: Dimensions{"d": String(first)}}); strings.HasPrefix(first, hashed) && again == first {
			t.Errorf("the text %q passes for %.40s", first, group[0])
		}
	}
	if v, ok := m.Distinct(eventsOf(t, ``)[0]); ok {
		t.Errorf("a missing field is counted as %q", v)
	}
	if v, ok := aggregating(fnSum).Distinct(eventsOf(t, `1`)[0]); ok || aggregating(fnSum).Unique() || !m.Unique() {
		t.Errorf("SUM counts %q once", v)
	}
}

// drawn are events with any value in the field d.
func drawn() *rapid.Generator[[]*Event] {
	value := rapid.OneOf(
		rapid.Map(numbers(), String),
		rapid.Custom(func(t *rapid.T) Dimension {
			return Number(money.MustDecimal(rapid.StringMatching(`-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,18})?`).Draw(t, "number")))
		}),
		rapid.Just(Number(money.MustDecimal("1e37"))), rapid.Just(Number(money.MustDecimal("-1e-38"))),
		rapid.Just(Bool(true)), rapid.Just(String("x")),
	)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *Event {
		e := &Event{Name: "call", Dimensions: Dimensions{}}
		if rapid.IntRange(0, 9).Draw(t, "missing") > 0 {
			e.Dimensions["d"] = value.Draw(t, "value")
		}
		return e
	}), 0, 12)
}

func TestTheOrderOfEventsDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := aggregating(rapid.SampledFrom(functions).Draw(t, "function"))
		events := drawn().Draw(t, "events")
		want := fold(m, events)
		got := fold(m, rapid.Permutation(events).Draw(t, "reordered"))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("state (-want +got):\n%s", diff)
		}
	})
}

func TestMergingIsCountingBoth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom([]string{fnCount, fnSum, fnMax, fnMin, fnAvg}).Draw(t, "function")
		m := aggregating(f)
		events := drawn().Draw(t, "events")
		cut := rapid.IntRange(0, len(events)).Draw(t, "cut")
		a, b, want := fold(m, events[:cut]), fold(m, events[cut:]), fold(m, events)
		if diff := cmp.Diff(want, Merge(a, b)); diff != "" {
			t.Fatalf("merged (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, Merge(b, a)); diff != "" {
			t.Fatalf("merged the other way (-want +got):\n%s", diff)
		}
	})
}

func TestMergingDistinctCounts(t *testing.T) {
	t.Parallel()
	m := aggregating(fnUnique)
	got := Merge(fold(m, eventsOf(t, `1`, `1`)), fold(m, eventsOf(t, `2`, `3`)))
	if v := m.Value(got, 0); v != 3 {
		t.Errorf("got %d, want 3", v)
	}
	full := Merge(State{Count: math.MaxInt64}, State{Count: 1})
	if full.Count != math.MaxInt64 || m.Value(full, 6) != math.MaxInt64 {
		t.Errorf("a full count became %d", full.Count)
	}
}

func TestStateRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := aggregating(rapid.SampledFrom(functions).Draw(t, "function"))
		want := fold(m, drawn().Draw(t, "events"))
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got State
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", text, diff)
		}
		scale := uint8(rapid.IntRange(0, 6).Draw(t, "scale"))
		if m.Value(want, scale) != m.Value(got, scale) {
			t.Fatalf("%s: %d, then %d", text, m.Value(want, scale), m.Value(got, scale))
		}
	})
}

func TestStateIsSmallText(t *testing.T) {
	t.Parallel()
	m := aggregating(fnAvg)
	s := fold(m, eventsOf(t, strings.Repeat("9", 38), `1e-38`))
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"count":2,"sum":"` + strings.Repeat("9", 38) + `.` + strings.Repeat("0", 37) + `1"}`
	if string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
	if text, _ := json.Marshal(State{}); string(text) != `{}` {
		t.Errorf("no events are %s", text)
	}
	// The largest sum that there can be is read again.
	s.Count, s.Sum = math.MaxInt64, s.Sum.Mul(money.FromInt(-math.MaxInt64))
	text, _ = json.Marshal(s)
	var got State
	if err := json.Unmarshal(text, &got); err != nil || !got.Sum.Equal(s.Sum) {
		t.Errorf("%s: %v", text, err)
	}
	for _, bad := range []string{
		`[]`, `{"count":-1}`, `{"count":1.5}`, `{"sum":1}`, `{"sum":"x"}`, `{"sum":"1/3"}`, `{"sum":"1e999999999"}`, `{"sum":"-"}`,
		`{"sum":"1-1"}`, `{"sum":"1.2.3"}`, `{"max":"NaN"}`, `{"min":"0x10"}`, `{"sum":"` + strings.Repeat("9", 129) + `"}`,
	} {
		if err := json.Unmarshal([]byte(bad), &got); err == nil {
			t.Errorf("%.40s was read as %v", bad, got)
		}
	}
}

func TestSumsAreExact(t *testing.T) {
	t.Parallel()
	m := aggregating(fnSum)
	var s State
	tenth := eventsOf(t, `0.1`)[0]
	for range 10_000 {
		m.Add(&s, tenth)
	}
	if s.Sum.String() != "1000" || m.Value(s, 6) != 1_000_000_000 {
		t.Errorf("10,000 tenths are %s", s.Sum)
	}
}

func TestValueIsTheNearest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := aggregating(rapid.SampledFrom([]string{fnSum, fnAvg, fnMin, fnMax}).Draw(t, "function"))
		s := fold(m, drawn().Draw(t, "events"))
		scale := uint8(rapid.IntRange(0, 6).Draw(t, "scale"))
		got := m.Value(s, scale)
		if got == math.MaxInt64 || got == -math.MaxInt64 || s.Count == 0 {
			return
		}
		exact := new(big.Rat)
		switch m.function {
		case fnSum:
			exact = s.Sum.Rat()
		case fnAvg:
			exact.Quo(s.Sum.Rat(), new(big.Rat).SetInt64(s.Count))
		case fnMin:
			exact = s.Min.Rat()
		case fnMax:
			exact = s.Max.Rat()
		}
		one := new(big.Rat).SetFrac64(1, int64(math.Pow10(int(scale))))
		off := new(big.Rat).Sub(exact, new(big.Rat).Mul(new(big.Rat).SetInt64(got), one))
		if off.Abs(off).Cmp(one.Mul(one, big.NewRat(1, 2))) > 0 {
			t.Fatalf("%s became %d in units of 10^-%d", exact, got, scale)
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	m := aggregating(fnSum)
	e := eventsOf(b, `12.5`)[0]
	var s State
	b.ReportAllocs()
	for b.Loop() {
		m.Add(&s, e)
	}
}
