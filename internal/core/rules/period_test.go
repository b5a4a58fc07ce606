package rules_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/core/rules"
)

var (
	resetPeriods = []string{"", "HOUR", "DAY", "WEEK", "MONTH", "YEAR"}
	followed     = []string{
		"", "SubscriptionStart", "StartOfTheMonth",
		"EverySunday", "EveryMonday", "EveryTuesday", "EveryWednesday", "EveryThursday", "EveryFriday", "EverySaturday",
	}
)

// everyReset is what can be said about resets.
func everyReset() (list []rules.Reset) {
	for _, period := range resetPeriods {
		for _, accordingTo := range followed {
			if r, ok := rules.ParseReset(period, accordingTo); ok && !slices.Contains(list, r) {
				list = append(list, r)
			}
		}
	}
	return list
}

// ownStart reports whether periods begin with the anchor rather than with the calendar.
func ownStart(r rules.Reset) bool {
	return !r.Calendar && (r.Unit == rules.Week || r.Unit == rules.Month || r.Unit == rules.Year)
}

func TestEveryResetIsKnown(t *testing.T) {
	t.Parallel()
	if n := len(everyReset()); n != 1+1+1+8+2+1 { // never, hour, day, weeks, months, year
		t.Errorf("%d resets: %v", n, everyReset())
	}
}

// anyInstant draws from the years 1000 to 3000, and often the ends of months, midnights and the time around 1970.
func anyInstant() *rapid.Generator[int64] {
	return rapid.Custom(func(t *rapid.T) int64 {
		year := rapid.OneOf(rapid.SampledFrom([]int{1900, 1968, 1969, 1970, 2000, 2023, 2024, 2026, 2100}), rapid.IntRange(1000, 3000)).Draw(t, "year")
		month := rapid.IntRange(1, 12).Draw(t, "month")
		last := time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
		day := rapid.OneOf(rapid.IntRange(max(last-2, 1), last), rapid.IntRange(1, last)).Draw(t, "day")
		const whole = int64(24 * time.Hour / time.Microsecond)
		clock := rapid.OneOf(rapid.SampledFrom([]int64{0, 1, whole / 24, whole - 1}), rapid.Int64Range(0, whole-1)).Draw(t, "clock")
		return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).UnixMicro() + clock
	})
}

// near draws an instant within some years of another, often a few µs from it.
func near(anchor int64) *rapid.Generator[int64] {
	return rapid.Custom(func(t *rapid.T) int64 {
		const years = int64(5 * 366 * 24 * time.Hour / time.Microsecond)
		return anchor + rapid.OneOf(rapid.Int64Range(-2, 2), rapid.Int64Range(-years, years)).Draw(t, "away")
	})
}

func TestPeriodsTileTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SampledFrom(everyReset()).Draw(t, "reset")
		o := rules.Origin{Anchor: anyInstant().Draw(t, "anchor"), Cut: rapid.Bool().Draw(t, "cut")}
		at := rapid.OneOf(anyInstant(), near(o.Anchor)).Draw(t, "at")
		s := r.Containing(o, at)
		if !s.Contains(at) {
			t.Fatalf("%v does not contain %d", s, at)
		}
		if s == rules.Forever {
			if r.Unit != rules.Never {
				t.Fatal("a period that never ends")
			}
			return
		}
		for _, inside := range []int64{s.Start, s.End - 1} {
			if got := r.Containing(o, inside); got != s {
				t.Errorf("at %d: %v, and at %d: %v", at, s, inside, got)
			}
		}
		if next := r.Containing(o, s.End); next.Start != s.End {
			t.Errorf("after %v comes %v", s, next)
		}
		if before := r.Containing(o, s.Start-1); before.End != s.Start {
			t.Errorf("before %v comes %v", s, before)
		}
		checkShape(t, r, o, s)
	})
}

// checkShape sees that a period is as long as its unit, and begins where it should.
func checkShape(t *rapid.T, r rules.Reset, o rules.Origin, s rules.Span) {
	hours := map[rules.Unit][2]int64{
		rules.Hour: {1, 1}, rules.Day: {24, 24}, rules.Week: {7 * 24, 7 * 24}, rules.Month: {28 * 24, 31 * 24}, rules.Year: {365 * 24, 366 * 24},
	}[r.Unit]
	const hour = int64(time.Hour / time.Microsecond)
	cut := o.Cut && !ownStart(r) && (s.Start == o.Anchor || s.End == o.Anchor)
	if n := s.End - s.Start; n > hours[1]*hour || n < hours[0]*hour && !cut {
		t.Errorf("%v is %d h long", s, n/hour)
	}
	if o.Cut && s.Start < o.Anchor && o.Anchor < s.End {
		t.Errorf("%v has the anchor inside, though it cuts", s)
	}
	start, anchor := time.UnixMicro(s.Start).UTC(), time.UnixMicro(o.Anchor).UTC()
	switch {
	case cut:
	case !ownStart(r):
		if r.Unit != rules.Hour && !start.Equal(start.Truncate(24*time.Hour)) {
			t.Errorf("a calendar period begins at %v", start)
		}
		if r.Unit == rules.Month && start.Day() != 1 || r.Unit == rules.Week && start.Weekday() != r.Weekday {
			t.Errorf("a calendar period begins on %v", start)
		}
	case r.Unit == rules.Week:
		if (s.Start-o.Anchor)%(7*24*hour) != 0 {
			t.Errorf("a week from %v begins at %v", anchor, start)
		}
	default:
		last := time.Date(start.Year(), start.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
		const whole = 24 * time.Hour
		if start.Day() != min(anchor.Day(), last) || start.Sub(start.Truncate(whole)) != anchor.Sub(anchor.Truncate(whole)) {
			t.Errorf("a period from %v begins at %v", anchor, start)
		}
		if r.Unit == rules.Year && start.Month() != anchor.Month() {
			t.Errorf("a year from %v begins at %v", anchor, start)
		}
	}
}

// From the anchor on the present is in the period that contains it; before, it is in the first one, and in that of the
// calendar where the calendar says when periods begin.
func TestThePresentIsInItsPeriod(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SampledFrom(everyReset()).Draw(t, "reset")
		o := rules.Origin{Anchor: anyInstant().Draw(t, "anchor"), Cut: rapid.Bool().Draw(t, "cut")}
		now := rapid.OneOf(anyInstant(), near(o.Anchor)).Draw(t, "now")
		got, want := r.Period(o, now), r.Containing(o, now)
		if now < o.Anchor && r.Unit != rules.Never && (ownStart(r) || o.Cut) {
			want = r.Containing(o, o.Anchor)
			if got.Start != o.Anchor {
				t.Errorf("the first period begins at %d, not at its anchor %d", got.Start, o.Anchor)
			}
		} else if !got.Contains(now) {
			t.Errorf("%v does not contain %d", got, now)
		}
		if got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestPeriodsDoNotAllocate(t *testing.T) {
	o := rules.Origin{Anchor: time.Date(2024, 2, 29, 10, 15, 0, 0, time.UTC).UnixMicro(), Cut: true}
	now := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC).UnixMicro()
	for _, r := range everyReset() {
		if n := testing.AllocsPerRun(100, func() { r.Period(o, now); r.Containing(o, o.Anchor-1) }); n != 0 {
			t.Errorf("%+v: %v allocations", r, n)
		}
	}
	for _, period := range resetPeriods {
		for _, accordingTo := range followed {
			if n := testing.AllocsPerRun(100, func() { rules.ParseReset(period, accordingTo) }); n != 0 {
				t.Errorf("ParseReset(%q, %q): %v allocations", period, accordingTo, n)
			}
		}
	}
}

func FuzzParseReset(f *testing.F) {
	for _, period := range resetPeriods {
		for _, accordingTo := range followed {
			f.Add(period, accordingTo, int64(0), int64(1))
		}
	}
	f.Add("month", "StartOfTheMonth", int64(-1), int64(-2))
	f.Add("WEEK", "EveryHoliday", int64(1)<<50, -int64(1)<<50)
	f.Fuzz(func(t *testing.T, period, accordingTo string, anchor, now int64) {
		r, ok := rules.ParseReset(period, accordingTo)
		if !ok {
			return
		}
		if !slices.Contains(resetPeriods, period) || !slices.Contains(followed, accordingTo) {
			t.Fatalf("%q, %q is known: %+v", period, accordingTo, r)
		}
		if (r.Unit == rules.Never) != (period == "") || r.Calendar && r.Unit != rules.Week && r.Unit != rules.Month {
			t.Fatalf("%q, %q: %+v", period, accordingTo, r)
		}
		const far = 8000 * 366 * 24 * 3600 * 1_000_000 // µs: the years that RFC 3339 can say
		o := rules.Origin{Anchor: anchor % far}
		now %= far
		if s := r.Containing(o, now); !s.Contains(now) {
			t.Fatalf("%+v: %v does not contain %d", r, s, now)
		}
	})
}

func BenchmarkPeriod(b *testing.B) {
	r, _ := rules.ParseReset("MONTH", "SubscriptionStart")
	o := rules.Origin{Anchor: time.Date(2024, 2, 29, 10, 15, 0, 0, time.UTC).UnixMicro()}
	now := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC).UnixMicro()
	for b.Loop() {
		r.Period(o, now)
	}
}
