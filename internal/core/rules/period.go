package rules

import (
	"math"
	"time"
)

// Unit is how often usage starts again at 0.
type Unit uint8

// The units (EntitlementResetPeriod, domain-entitlements-usage §1.1). The zero value is no reset: usage adds up for ever.
const (
	Never Unit = iota
	Hour
	Day
	Week
	Month
	Year
)

// Reset says when usage starts again. The zero value is never.
type Reset struct {
	Unit     Unit
	Calendar bool         // of Month and Week: periods begin with the month, or on Weekday; else at the anchor's own time
	Weekday  time.Weekday // of a Calendar Week
}

// ParseReset reads the wire's words: a reset period ("" for none) and what it follows ("" for the subscription's start).
// It reports whether it knows them (domain-entitlements-usage §1.1, §4.2).
func ParseReset(period, accordingTo string) (Reset, bool) {
	own := accordingTo == "" || accordingTo == "SubscriptionStart"
	switch period {
	case "":
		return Reset{}, accordingTo == ""
	case "HOUR":
		return Reset{Unit: Hour}, own
	case "DAY":
		return Reset{Unit: Day}, own
	case "WEEK":
		for d := time.Sunday; d <= time.Saturday; d++ {
			if accordingTo == "Every"+d.String() {
				return Reset{Unit: Week, Calendar: true, Weekday: d}, true
			}
		}
		return Reset{Unit: Week}, own
	case "MONTH":
		if accordingTo == "StartOfTheMonth" {
			return Reset{Unit: Month, Calendar: true}, true
		}
		return Reset{Unit: Month}, own
	case "YEAR":
		return Reset{Unit: Year}, own
	}
	return Reset{}, false
}

// Span is a half-open stretch of time, in µs since 1970.
type Span struct{ Start, End int64 }

// Forever is the span of what never resets.
var Forever = Span{math.MinInt64, math.MaxInt64}

// Contains reports whether an instant is in the span.
func (s Span) Contains(at int64) bool { return s.Start <= at && at < s.End }

// Origin is where the periods of an entitlement begin (domain-entitlements-usage §4.2, §4.4).
type Origin struct {
	Anchor int64 // µs since 1970: the subscription's start, its last reset, or a promotion's start
	// Cut says that usage before the anchor does not count, also in a period that began before: the plan changed, and
	// the product resets usage then.
	Cut bool
}

// Period is the usage period at an instant: the one that contains it, or the first one when the anchor is still to come;
// calendar periods have no first one unless usage before the anchor does not count
// (domain-entitlements-usage §4.3).
func (r Reset) Period(o Origin, now int64) Span {
	if now < o.Anchor && (o.Cut || !r.calendar()) && r.Unit != Never {
		now = o.Anchor
	}
	return r.Containing(o, now)
}

// Containing is the period that contains an instant, also before the anchor. The periods of an origin tile time without
// gap or overlap. Months and years are counted from the anchor, so that a short month does not move those after it.
func (r Reset) Containing(o Origin, at int64) Span {
	if r.Unit == Never {
		return Forever
	}
	s := r.tile(o.Anchor, at)
	if o.Cut && r.calendar() && s.Contains(o.Anchor) {
		if at < o.Anchor {
			s.End = o.Anchor
		} else {
			s.Start = o.Anchor
		}
	}
	return s
}

func (r Reset) calendar() bool { return r.Calendar || r.Unit == Hour || r.Unit == Day }

func (r Reset) tile(anchor, at int64) Span {
	switch {
	case r.Unit == Month && r.Calendar:
		return months(0, 1, at)
	case r.Unit == Month:
		return months(anchor, 1, at)
	case r.Unit == Year:
		return months(anchor, 12, at)
	case r.Unit == Week && r.Calendar:
		// 1970 began on a Thursday.
		return fixed(int64(r.Weekday-time.Thursday)*day, 7*day, at)
	case r.Unit == Week:
		return fixed(anchor, 7*day, at)
	case r.Unit == Day:
		return fixed(0, day, at)
	}
	return fixed(0, hour, at)
}

const (
	hour = int64(time.Hour / time.Microsecond)
	day  = 24 * hour
)

func fixed(anchor, length, at int64) Span {
	k := (at - anchor) / length
	if (at-anchor)%length < 0 {
		k--
	}
	return Span{anchor + k*length, anchor + (k+1)*length}
}

// months finds the period of step months, counted from an anchor, that contains an instant.
func months(anchor int64, step int, at int64) Span {
	a, t := time.UnixMicro(anchor).UTC(), time.UnixMicro(at).UTC()
	k := ((t.Year()-a.Year())*12 + int(t.Month()-a.Month())) / step
	for addMonths(a, k*step) > at {
		k--
	}
	for addMonths(a, (k+1)*step) <= at {
		k++
	}
	return Span{addMonths(a, k*step), addMonths(a, (k+1)*step)}
}

// addMonths is the same day and time n months later, or the month's last day where it has no such day.
func addMonths(t time.Time, n int) int64 {
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1).UnixMicro()
}
