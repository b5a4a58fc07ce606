package subscription

import (
	"math/big"
	"sync"
	"time"
	_ "time/tzdata" // time zones are known on machines that have none installed
)

// Billing periods.
const (
	Monthly  = "MONTHLY"
	Annually = "ANNUALLY"
)

// Cycle says where billing periods begin. They tile the time from the anchor on (domain-catalog-provisioning §9.10).
type Cycle struct {
	Period string    // MONTHLY or ANNUALLY
	Anchor time.Time // where the first period begins
	// Zone is "" for boundaries at the anchor's own day and time in UTC, clamped to the month's end from the anchor's own
	// day: 31 January is followed by 28 February and 31 March. An IANA name is for boundaries at the first of a month, 00:00
	// there: the first period ends at the first of these after the anchor and is a part of a whole one.
	Zone string
}

// Span is a billing period.
type Span struct {
	Start, End time.Time // what is billed: from Start to before End
	From       time.Time // where the whole period begins that Start to End is a part of; mostly Start itself
}

// At returns the period that contains now; a time before the anchor belongs to the first one.
func (c Cycle) At(now time.Time) Span {
	anchor, n := c.Anchor.UTC(), 0
	first := c.boundary(0)
	if anchor.Before(first) && now.Before(first) {
		return Span{Start: anchor, End: first, From: c.boundary(-1)}
	}
	if now = now.UTC(); now.After(first) { // the estimate is never late, and at most two periods early
		months := (now.Year()-first.Year())*12 + int(now.Month()) - int(first.Month())
		n = max(0, months/c.months()-1)
	}
	start, end := c.boundary(n), c.boundary(n+1)
	for !end.After(now) {
		n++
		start, end = end, c.boundary(n+1)
	}
	return Span{Start: start, End: end, From: start}
}

// NextMonth returns the first monthly boundary of the anchor after now: where a month of an annual period ends too.
func (c Cycle) NextMonth(now time.Time) time.Time {
	c.Period = Monthly
	return c.At(now).End
}

// Left is the part of a whole period that lies between at and the span's end, in whole seconds: from 0 at the end to 1, or
// less than 1 at the start of a span that is itself a part. Times outside of the span count as its nearest end.
func (s Span) Left(at time.Time) *big.Rat {
	whole := s.End.Unix() - s.From.Unix()
	if at.Before(s.Start) {
		at = s.Start
	}
	left := s.End.Unix() - at.Unix()
	if whole <= 0 || left <= 0 {
		return new(big.Rat)
	}
	return big.NewRat(min(left, whole), whole)
}

func (c Cycle) months() int {
	if c.Period == Annually {
		return 12
	}
	return 1
}

// boundary returns the n-th boundary of the grid. The one at 0 is the first that is not before the anchor.
func (c Cycle) boundary(n int) time.Time {
	anchor := c.Anchor.UTC()
	if c.Zone == "" {
		return AddMonths(anchor, n*c.months())
	}
	loc := location(c.Zone)
	local := anchor.In(loc)
	month := int(local.Month())
	if firstOf(local.Year(), month, loc).Before(anchor) {
		month++
	}
	return firstOf(local.Year(), month+n*c.months(), loc)
}

// firstOf returns where a month begins; months beyond 1 to 12 belong to other years.
func firstOf(year, month int, loc *time.Location) time.Time {
	t := time.Date(year, time.Month(month), 1, 0, 0, 0, 0, loc)
	if t.Day() != 1 { // clocks went forward at midnight, and 00:00 was taken by the old time
		t = t.Add(time.Hour)
	}
	return t.UTC()
}

var locations sync.Map // by name; loading one reads a file

// location returns a time zone; UTC for a name that is none.
func location(zone string) *time.Location {
	if loc, ok := locations.Load(zone); ok {
		return loc.(*time.Location)
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return time.UTC
	}
	locations.Store(zone, loc)
	return loc
}

// AddMonths returns the same day and time n months later, clamped to the month's end.
func AddMonths(t time.Time, n int) time.Time {
	end := t.AddDate(0, n, 0)
	if end.Day() != t.Day() { // ran over: step back to the last day of the month before
		end = end.AddDate(0, 0, -end.Day())
	}
	return end
}
