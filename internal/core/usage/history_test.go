package usage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/core/subscription"
	"github.com/purserhq/purser/internal/core/usage"
)

// instant reads "2026-01-31", "2026-01-31T10" or "2026-01-31T10:15".
func instant(s string) int64 {
	const full = "2006-01-02T15:04"
	if len(s) == len("2026-01-31") {
		s += "T00"
	}
	if len(s) == len("2026-01-31T10") {
		s += ":00"
	}
	t, err := time.Parse(full, s)
	if err != nil {
		panic(err)
	}
	return t.UnixMicro()
}

func shortly(µs int64) string {
	s := time.UnixMicro(µs).UTC().Format("2006-01-02T15:04")
	return strings.TrimSuffix(strings.TrimSuffix(s, ":00"), "T00")
}

// told writes a history as a few words: "| 2026-01-01 5 | 2026-01-02 0 reset".
func told(h usage.History) (markers, series string) {
	var m, s []string
	for _, k := range h.Markers {
		text := shortly(k.At)
		if k.Changed {
			text += " changed"
		}
		m = append(m, text)
	}
	for _, one := range h.Series {
		text := one.Tag
		for _, p := range one.Points {
			text += fmt.Sprintf(" | %s %s", shortly(p.At), meter.AppendNumber(nil, p.Value, h.Scale))
			if p.Reset {
				text += " reset"
			}
		}
		s = append(s, strings.TrimSpace(text))
	}
	return strings.Join(m, ", "), strings.Join(s, "\n")
}

var (
	hourly  = rules.Reset{Unit: rules.Hour}
	daily   = rules.Reset{Unit: rules.Day}
	monthly = rules.Reset{Unit: rules.Month, Calendar: true}
	ofStart = rules.Reset{Unit: rules.Month} // a month from the anchor
)

func changed(product, at, anchor string, cut bool) subscription.UsageReset {
	return subscription.UsageReset{
		ProductID: product, At: time.UnixMicro(instant(at)).UTC(),
		Former: subscription.UsageOrigin{Anchor: time.UnixMicro(instant(anchor)).UTC(), Cut: cut},
	}
}

// after is the origin that a change leaves.
func after(at string) rules.Origin { return rules.Origin{Anchor: instant(at) + 1, Cut: true} }

func TestHistory(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name         string
		reset        rules.Reset
		origin       rules.Origin
		changes      []subscription.UsageReset
		from, to     string
		bucket       rules.Reset
		row          rules.Row
		groupBy      string
		reports      string // "when delta [value of the dimension d]" by commas
		markers, is  string
		fromThe, til int64 // what has to be read, where it matters
	}{
		{
			name: "hours, without a reset", from: "2026-01-01T00", to: "2026-01-02T00", bucket: hourly,
			reports: "2025-06-01 7, 2026-01-01T00 1, 2026-01-01T00:59 2, 2026-01-01T03:30 -4, 2026-01-01T23:59 5",
			is:      "| 2026-01-01 10 | 2026-01-01T03 6 | 2026-01-01T23 11", fromThe: rules.Forever.Start, til: instant("2026-01-02"),
		},
		{
			name: "nothing happened", reset: ofStart, origin: rules.Origin{Anchor: instant("2026-01-15")}, from: "2026-01-01", to: "2026-01-10",
			bucket: daily, fromThe: instant("2025-12-15"), til: instant("2026-01-10"),
		},
		{
			name: "days of periods that begin in the middle of one", reset: ofStart, origin: rules.Origin{Anchor: instant("2026-01-15T12")},
			from: "2026-02-10", to: "2026-02-20", bucket: daily,
			reports: "2026-01-15T12 10, 2026-02-09T23:59 1, 2026-02-10 2, 2026-02-14T01 3, 2026-02-15T11:59 100, 2026-02-15T12 4, 2026-02-16 5",
			markers: "2026-02-15T12", is: "| 2026-02-10 13 | 2026-02-14 16 | 2026-02-15 4 reset | 2026-02-16 9",
		},
		{
			name: "a bucket whose last period has nothing yet", reset: ofStart, origin: rules.Origin{Anchor: instant("2026-01-15T12")},
			from: "2026-02-10", to: "2026-02-20", bucket: daily, reports: "2026-02-14T01 3, 2026-02-15T11:59 100, 2026-02-17 5",
			markers: "2026-02-15T12", is: "| 2026-02-14 3 | 2026-02-15 0 reset | 2026-02-17 5",
		},
		{
			name: "the range ends before the period does", reset: ofStart, origin: rules.Origin{Anchor: instant("2026-01-15T12")},
			from: "2026-02-10", to: "2026-02-15T11", bucket: daily, reports: "2026-02-14T01 3, 2026-02-15T10:59 100",
			is: "| 2026-02-14 3 | 2026-02-15 103",
		},
		{
			name: "a range that begins within a bucket", reset: daily, from: "2026-01-01T10:30", to: "2026-01-01T12", bucket: hourly,
			reports: "2026-01-01T10:29 3, 2026-01-01T10:30 4", is: "| 2026-01-01T10 7", markers: "",
		},
		{
			name: "the first point in the range is a reset of what came before it", reset: ofStart, origin: rules.Origin{Anchor: instant("2026-01-15")},
			from: "2026-02-10", to: "2026-02-20", bucket: daily, reports: "2026-02-01 3, 2026-02-18 1", markers: "2026-02-15", is: "| 2026-02-18 1 reset",
		},
		{
			name: "month ends", reset: ofStart, origin: rules.Origin{Anchor: instant("2026-01-31T10:15")}, from: "2026-01-01", to: "2026-06-01", bucket: monthly,
			reports: "2026-01-31T10:15 1, 2026-02-28T10:14 2, 2026-02-28T10:15 4, 2026-03-31T10:15 8, 2026-04-30T10:14 16, 2026-04-30T10:15 32, 2026-05-01 64",
			markers: "2026-02-28T10:15, 2026-03-31T10:15, 2026-04-30T10:15, 2026-05-31T10:15",
			is:      "| 2026-01 1 | 2026-02 4 reset | 2026-03 8 reset | 2026-04 32 reset | 2026-05 0 reset",
		},
		{
			name: "a plan change within a month of the calendar", reset: monthly, origin: after("2026-02-10T12"),
			changes: []subscription.UsageReset{changed("p", "2026-02-10T12", "2026-01-20", false)}, from: "2026-01-25", to: "2026-03-02", bucket: daily,
			reports: "2026-01-30 9, 2026-02-01 1, 2026-02-10T11 2, 2026-02-10T12 50, 2026-02-10T13 4, 2026-02-11 8, 2026-03-01 16",
			markers: "2026-02-01, 2026-02-10T12 changed, 2026-03-01",
			is:      "| 2026-01-30 9 | 2026-02-01 1 reset | 2026-02-10 4 reset | 2026-02-11 12 | 2026-03-01 16 reset",
		},
		{
			name: "plan changes move the periods", reset: ofStart, origin: after("2026-04-05"),
			changes: []subscription.UsageReset{
				changed("p", "2026-02-10", "2026-01-20", false), changed("q", "2026-02-25", "2026-01-01", false), changed("p", "2026-04-05", "2026-02-10", true),
			},
			from: "2026-01-01", to: "2026-06-01", bucket: monthly,
			reports: "2026-01-20 1, 2026-02-09 2, 2026-02-11 4, 2026-03-09 8, 2026-03-11 16, 2026-04-01 32, 2026-04-06 64, 2026-05-04 128",
			markers: "2026-02-10 changed, 2026-03-10, 2026-04-05 changed, 2026-05-05",
			is:      "| 2026-01 1 | 2026-02 4 reset | 2026-03 16 reset | 2026-04 64 reset | 2026-05 0 reset",
		},
		{
			name: "a plan change does not set back what never resets", origin: after("2026-02-10"),
			changes: []subscription.UsageReset{changed("p", "2026-02-10", "2026-01-20", false)}, from: "2026-02-01", to: "2026-03-01", bucket: daily,
			reports: "2026-02-01 1, 2026-02-20 2", is: "| 2026-02-01 1 | 2026-02-20 3",
		},
		{
			name: "the month counts from before a change of an earlier subscription", reset: monthly, origin: rules.Origin{Anchor: instant("2026-02-20")},
			changes: []subscription.UsageReset{changed("p", "2026-02-10", "2026-01-20", false)}, from: "2026-02-01", to: "2026-03-01", bucket: daily,
			reports: "2026-02-01 1, 2026-02-20 2", is: "| 2026-02-01 1 | 2026-02-20 3",
		},
		{
			name: "a series per value", reset: ofStart, origin: rules.Origin{Anchor: instant("2026-01-15")}, from: "2026-02-10", to: "2026-02-20", bucket: daily,
			groupBy: "d", reports: "2026-02-01 1 us, 2026-02-02 1 before, 2026-02-11 2 eu, 2026-02-11 4 us, 2026-02-12 8, 2026-02-16 16 eu, 2026-02-16 32",
			markers: "2026-02-15", is: "| 2026-02-12 8 | 2026-02-16 32 reset\neu | 2026-02-11 2 | 2026-02-16 16 reset\nus | 2026-02-11 5",
		},
		{
			name: "sold by the thousand", row: rules.Row{Divide: 1000, Scale: 1}, from: "2026-01-01", to: "2026-01-05", bucket: daily,
			reports: "2026-01-01 1, 2026-01-02 9999, 2026-01-03 1", is: "| 2026-01-01 1 | 2026-01-02 1 | 2026-01-03 2",
		},
		{
			name: "finer than whole units", row: rules.Row{Scale: 2}, from: "2026-01-01", to: "2026-01-05", bucket: daily,
			reports: "2026-01-01 1, 2026-01-02 149", is: "| 2026-01-01 0.01 | 2026-01-02 1.5",
		},
		{
			name: "too large to count", from: "2026-01-01", to: "2026-01-05", bucket: daily, reports: "2026-01-01 9223372036854775807, 2026-01-02 1",
			is: "| 2026-01-01 9223372036854775807 | 2026-01-02 9223372036854775807",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			within := usage.Range{Span: rules.Span{Start: instant(tc.from), End: instant(tc.to)}, Bucket: tc.bucket}
			f := usage.NewFold(usage.NewPeriods(tc.reset, tc.origin, tc.changes), within, &tc.row, nil, tc.groupBy)
			if s := f.Span(); tc.til != 0 && (s != rules.Span{Start: tc.fromThe, End: tc.til}) {
				t.Errorf("has to read %v", s)
			}
			for r := range strings.SplitSeq(tc.reports, ", ") {
				if r == "" {
					continue
				}
				part := append(strings.Fields(r), "")
				var delta int64
				if _, err := fmt.Sscan(part[1], &delta); err != nil {
					t.Fatal(err)
				}
				var d meter.Dimensions
				if part[2] != "" {
					d = meter.Dimensions{"d": meter.String(part[2])}
				}
				if at := instant(part[0]); at >= f.Span().Start && at < f.Span().End {
					f.Measurement(at, delta, d)
				}
			}
			markers, series := told(f.History())
			want := tc.is
			if tc.bucket == monthly {
				for m := 1; m <= 6; m++ {
					want = strings.ReplaceAll(want, fmt.Sprintf("2026-%02d ", m), fmt.Sprintf("2026-%02d-01 ", m))
				}
			}
			if d := cmp.Diff(tc.markers+"\n"+want, markers+"\n"+series); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestHistoryOfEvents(t *testing.T) {
	t.Parallel()
	events := []struct {
		at, name, n, region string
	}{
		{"2026-01-30", "call", "50", "eu"}, // of the month before
		{"2026-02-01T01", "call", "3", "eu"},
		{"2026-02-01T02", "other", "100", "eu"},
		{"2026-02-01T03", "call", "3.0", "us"},
		{"2026-02-02", "call", "8", "us"},
		{"2026-02-04", "call", "-2", "eu"},
		{"2026-03-01", "call", "1", "eu"},
	}
	for function, want := range map[string]string{
		"COUNT":  "| 2026-02-01 2 | 2026-02-02 3 | 2026-02-04 4 | 2026-03-01 1 reset",
		"SUM":    "| 2026-02-01 6 | 2026-02-02 14 | 2026-02-04 12 | 2026-03-01 1 reset",
		"MAX":    "| 2026-02-01 3 | 2026-02-02 8 | 2026-02-04 8 | 2026-03-01 1 reset",
		"MIN":    "| 2026-02-01 3 | 2026-02-02 3 | 2026-02-04 -2 | 2026-03-01 1 reset",
		"AVG":    "| 2026-02-01 3 | 2026-02-02 4.7 | 2026-02-04 3 | 2026-03-01 1 reset",
		"UNIQUE": "| 2026-02-01 1 | 2026-02-02 2 | 2026-02-04 3 | 2026-03-01 1 reset",
		"SUM by region": "eu | 2026-02-01 3 | 2026-02-04 1 | 2026-03-01 1 reset\n" +
			"us | 2026-02-01 3 | 2026-02-02 11",
	} {
		function, groupBy, _ := strings.Cut(function, " by ")
		m := catalog.Meter{Aggregation: catalog.Aggregation{Function: function, Field: "n"}, Filters: []catalog.Filter{
			{Conditions: []catalog.Condition{{Field: "eventName", Operation: "EQUALS", Value: "call"}}},
		}}
		within := usage.Range{Span: rules.Span{Start: instant("2026-02-01"), End: instant("2026-03-10")}, Bucket: daily}
		f := usage.NewFold(usage.NewPeriods(monthly, rules.Origin{Anchor: instant("2026-01-10")}, nil), within, &rules.Row{Scale: 1}, meter.Compile(m), groupBy)
		for _, e := range events {
			at := instant(e.at)
			if !f.Span().Contains(at) {
				continue
			}
			n := money.MustDecimal(e.n)
			f.Event(&meter.Event{Name: e.name, At: at, Dimensions: meter.Dimensions{"n": meter.Number(n), "region": meter.String(e.region)}})
		}
		if _, got := told(f.History()); got != want {
			t.Errorf("%s by %q:\n%s\nwant\n%s", function, groupBy, got, want)
		}
	}
}

func TestHistoryOfTooManySeries(t *testing.T) {
	t.Parallel()
	within := usage.Range{Span: rules.Span{Start: 0, End: 1}, Bucket: daily}
	f := usage.NewFold(usage.NewPeriods(rules.Reset{}, rules.Origin{}, nil), within, &rules.Row{}, nil, "d")
	for i := range usage.MaxSeries + 1 {
		if f.Full() {
			t.Fatalf("full after %d", i)
		}
		f.Measurement(0, 1, meter.Dimensions{"d": meter.String(fmt.Sprint(i))})
	}
	if !f.Full() {
		t.Error("not full")
	}
}

type report struct {
	at, delta int64
	tag       string
}

// Every point is the sum of what happened in the period at its bucket's end, up to there: so the last one of a period is
// the sum of the period, unless that ended within the bucket.
func TestHistoryAddsUp(t *testing.T) {
	t.Parallel()
	const first, length = 1_767_225_600_000_000, 120 * 24 * 3600 * 1_000_000 // from 2026-01-01 on
	instants := rapid.Map(rapid.Uint64(), func(n uint64) int64 { return first + int64(n*0x9E3779B97F4A7C15%length) })
	rapid.Check(t, func(t *rapid.T) {
		reset := rapid.SampledFrom([]rules.Reset{{}, hourly, daily, monthly, ofStart, {Unit: rules.Week}}).Draw(t, "reset")
		periods := drawPeriods(t, reset, instants)
		start, end := instants.Draw(t, "start"), instants.Draw(t, "end")
		within := usage.Range{
			Span: rules.Span{Start: min(start, end), End: max(start, end) + 1}, Bucket: rapid.SampledFrom([]rules.Reset{hourly, daily, monthly}).Draw(t, "bucket"),
		}
		whole, parts := usage.NewFold(periods, within, &rules.Row{}, nil, ""), usage.NewFold(periods, within, &rules.Row{}, nil, "d")
		at := rapid.SliceOfN(instants, 0, 60).Draw(t, "at")
		slices.Sort(at)
		var reports []report
		for _, at := range at {
			if p := periods.Containing(at); !p.Contains(at) || reset.Unit != rules.Never && periods.Containing(p.End).Start != p.End {
				t.Fatalf("%v is no period of a tiling", p)
			}
			r := report{at, rapid.Int64Range(-100, 100).Draw(t, "delta"), rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "tag")}
			reports = append(reports, r)
			if whole.Span().Contains(at) {
				whole.Measurement(at, r.delta, nil)
				parts.Measurement(at, r.delta, meter.Dimensions{"d": meter.String(r.tag)})
			}
		}
		all := func(report) bool { return true }
		check(t, whole.History().Series[0], reports, all, periods, within)
		for _, s := range parts.History().Series {
			check(t, s, reports, func(r report) bool { return r.tag == s.Tag }, periods, within)
		}
	})
}

func drawPeriods(t *rapid.T, reset rules.Reset, instants *rapid.Generator[int64]) usage.Periods {
	origin := rules.Origin{Anchor: instants.Draw(t, "anchor")}
	list := rapid.SliceOfNDistinct(instants, 0, 3, rapid.ID[int64]).Draw(t, "changes")
	slices.Sort(list)
	var changes []subscription.UsageReset
	for _, at := range list {
		former := subscription.UsageOrigin{Anchor: time.UnixMicro(origin.Anchor), Cut: origin.Cut}
		changes = append(changes, subscription.UsageReset{At: time.UnixMicro(at), ProductID: "p", Former: former})
		origin = rules.Origin{Anchor: at + 1, Cut: true}
	}
	return usage.NewPeriods(reset, origin, changes)
}

// check works every point of a series out by itself.
func check(t *rapid.T, s usage.Series, reports []report, of func(report) bool, periods usage.Periods, within usage.Range) {
	values, periodOf := map[int64]int64{}, map[int64]rules.Span{}
	for _, r := range reports {
		if !of(r) || !within.Contains(r.at) {
			continue
		}
		bucket := within.Bucket.Containing(rules.Origin{}, r.at)
		end := min(bucket.End, within.End)
		p := periods.Containing(end - 1)
		sum := int64(0)
		for _, q := range reports {
			if of(q) && p.Contains(q.at) && q.at < end {
				sum += q.delta
			}
		}
		values[bucket.Start], periodOf[bucket.Start] = sum, p
	}
	if len(s.Points) != len(values) {
		t.Fatalf("%d points, want %d", len(s.Points), len(values))
	}
	for i, p := range s.Points {
		want, ok := values[p.At]
		if !ok || p.Value != want {
			t.Fatalf("%s is %d, want %d", shortly(p.At), p.Value, want)
		}
		if i > 0 && p.Reset != (periodOf[p.At] != periodOf[s.Points[i-1].At]) {
			t.Fatalf("%s: isResetPoint is %v", shortly(p.At), p.Reset)
		}
	}
}
