package subscription_test

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/core/subscription"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestCycleAt(t *testing.T) {
	t.Parallel()
	const monthly, annually = subscription.Monthly, subscription.Annually
	for _, tc := range []struct {
		name, period, anchor, zone, now string
		start, end, from                string
	}{
		{
			"the day is clamped", monthly, "2027-01-31T08:00:00Z", "", "2027-02-10T00:00:00Z",
			"2027-01-31T08:00:00Z", "2027-02-28T08:00:00Z", "2027-01-31T08:00:00Z",
		},
		{
			"and comes back", monthly, "2027-01-31T08:00:00Z", "", "2027-03-31T07:59:59Z",
			"2027-02-28T08:00:00Z", "2027-03-31T08:00:00Z", "2027-02-28T08:00:00Z",
		},
		{
			"29 February is clamped in common years", annually, "2028-02-29T08:00:00Z", "", "2029-06-01T00:00:00Z",
			"2029-02-28T08:00:00Z", "2030-02-28T08:00:00Z", "2029-02-28T08:00:00Z",
		},
		{
			"and comes back in the next leap year", annually, "2028-02-29T08:00:00Z", "", "2032-02-29T08:00:00Z",
			"2032-02-29T08:00:00Z", "2033-02-28T08:00:00Z", "2032-02-29T08:00:00Z",
		},
		{
			"an end belongs to the next period", monthly, "2027-01-15T08:00:00Z", "", "2027-02-15T08:00:00Z",
			"2027-02-15T08:00:00Z", "2027-03-15T08:00:00Z", "2027-02-15T08:00:00Z",
		},
		{
			"an anchor elsewhere counts in UTC", monthly, "2027-02-01T00:30:00+02:00", "", "2027-01-31T23:00:00Z",
			"2027-01-31T22:30:00Z", "2027-02-28T22:30:00Z", "2027-01-31T22:30:00Z",
		},
		{
			"before the anchor", monthly, "2027-01-15T08:00:00Z", "", "2020-01-01T00:00:00Z",
			"2027-01-15T08:00:00Z", "2027-02-15T08:00:00Z", "2027-01-15T08:00:00Z",
		},
		{
			"the first month is a part of one", monthly, "2027-03-20T12:00:00Z", "Europe/Berlin", "2027-03-25T00:00:00Z",
			"2027-03-20T12:00:00Z", "2027-03-31T22:00:00Z", "2027-02-28T23:00:00Z",
		},
		{
			"before the anchor in a zone", monthly, "2027-03-20T12:00:00Z", "Europe/Berlin", "2027-03-02T00:00:00Z",
			"2027-03-20T12:00:00Z", "2027-03-31T22:00:00Z", "2027-02-28T23:00:00Z",
		},
		{
			"the second begins at the first of the month there", monthly, "2027-03-20T12:00:00Z", "Europe/Berlin", "2027-04-01T00:00:00Z",
			"2027-03-31T22:00:00Z", "2027-04-30T22:00:00Z", "2027-03-31T22:00:00Z",
		},
		{
			"the month is the zone's", monthly, "2027-03-31T22:30:00Z", "Europe/Berlin", "2027-03-31T22:30:00Z",
			"2027-03-31T22:30:00Z", "2027-04-30T22:00:00Z", "2027-03-31T22:00:00Z",
		},
		{
			"an anchor on a boundary needs no part", monthly, "2027-03-31T22:00:00Z", "Europe/Berlin", "2027-03-31T22:00:00Z",
			"2027-03-31T22:00:00Z", "2027-04-30T22:00:00Z", "2027-03-31T22:00:00Z",
		},
		{
			"the first part of a year ends with the month", annually, "2027-03-20T12:00:00Z", "UTC", "2027-03-20T12:00:00Z",
			"2027-03-20T12:00:00Z", "2027-04-01T00:00:00Z", "2026-04-01T00:00:00Z",
		},
		{
			"then come whole years", annually, "2027-03-20T12:00:00Z", "UTC", "2028-03-31T23:59:59Z",
			"2027-04-01T00:00:00Z", "2028-04-01T00:00:00Z", "2027-04-01T00:00:00Z",
		},
		{
			"where 00:00 was left out the month begins at 01:00", monthly, "2017-09-20T00:00:00Z", "America/Asuncion", "2017-10-20T00:00:00Z",
			"2017-10-01T04:00:00Z", "2017-11-01T03:00:00Z", "2017-10-01T04:00:00Z",
		},
		{
			"no zone is UTC", monthly, "2027-03-20T12:00:00Z", "Mars/Olympus", "2027-04-20T00:00:00Z",
			"2027-04-01T00:00:00Z", "2027-05-01T00:00:00Z", "2027-04-01T00:00:00Z",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := subscription.Cycle{Period: tc.period, Anchor: at(tc.anchor), Zone: tc.zone}.At(at(tc.now))
			if !got.Start.Equal(at(tc.start)) || !got.End.Equal(at(tc.end)) || !got.From.Equal(at(tc.from)) {
				t.Errorf("got %v to %v of %v, want %s to %s of %s", got.Start, got.End, got.From, tc.start, tc.end, tc.from)
			}
		})
	}
}

func TestLeft(t *testing.T) {
	t.Parallel()
	month := subscription.Cycle{Period: subscription.Monthly, Anchor: at("2027-04-01T00:00:00.900Z")}
	part := subscription.Cycle{Period: subscription.Monthly, Anchor: at("2027-04-16T00:00:00Z"), Zone: "UTC"}
	for _, tc := range []struct {
		name string
		span subscription.Span
		at   string
		want *big.Rat
	}{
		{"all at the start", month.At(month.Anchor), "2027-04-01T00:00:00.900Z", big.NewRat(1, 1)},
		{"nothing at the end", month.At(month.Anchor), "2027-05-01T00:00:00.900Z", new(big.Rat)},
		{"in whole seconds", month.At(month.Anchor), "2027-04-16T00:00:00.100Z", big.NewRat(1, 2)},
		{"before the start", month.At(month.Anchor), "2026-04-01T00:00:00Z", big.NewRat(1, 1)},
		{"after the end", month.At(month.Anchor), "2028-04-01T00:00:00Z", new(big.Rat)},
		{"a part is never whole", part.At(part.Anchor), "2027-04-16T00:00:00Z", big.NewRat(1, 2)},
		{"nor before it began", part.At(part.Anchor), "2027-04-02T00:00:00Z", big.NewRat(1, 2)},
		{"no span at all", subscription.Span{}, "2027-04-02T00:00:00Z", new(big.Rat)},
	} {
		if got := tc.span.Left(at(tc.at)); got.Cmp(tc.want) != 0 {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestNextMonth(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ anchor, zone, now, want string }{
		{"2027-01-31T08:00:00Z", "", "2027-02-10T00:00:00Z", "2027-02-28T08:00:00Z"},
		{"2027-01-31T08:00:00Z", "", "2027-02-28T08:00:00Z", "2027-03-31T08:00:00Z"},
		{"2027-03-20T12:00:00Z", "Europe/Berlin", "2027-07-20T12:00:00Z", "2027-07-31T22:00:00Z"},
	} {
		c := subscription.Cycle{Period: subscription.Annually, Anchor: at(tc.anchor), Zone: tc.zone}
		if got := c.NextMonth(at(tc.now)); !got.Equal(at(tc.want)) {
			t.Errorf("after %s: %v, want %s", tc.now, got, tc.want)
		}
	}
}

var zones = []string{
	"", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "America/Asuncion", "America/Havana",
	"Australia/Lord_Howe", "Pacific/Chatham", "Asia/Beirut", "America/Sao_Paulo",
}

func cycles() *rapid.Generator[subscription.Cycle] {
	return rapid.Custom(func(t *rapid.T) subscription.Cycle {
		anchor := time.UnixMilli(rapid.Int64Range(946684800000, 4e12).Draw(t, "anchor")).UTC()
		switch rapid.IntRange(0, 3).Draw(t, "where") {
		case 0: // at the end of a month
			anchor = time.Date(anchor.Year(), anchor.Month()+1, 0, 23, 59, 59, 999e6, time.UTC)
		case 1:
			anchor = time.Date(anchor.Year()/4*4, 2, 29, 0, 0, 0, 0, time.UTC)
		case 2: // somewhere about where a month begins in a zone
			anchor = time.Date(anchor.Year(), anchor.Month(), 1, rapid.IntRange(-14, 14).Draw(t, "hour"), 0, 0, 0, time.UTC)
		}
		return subscription.Cycle{
			Period: rapid.SampledFrom([]string{subscription.Monthly, subscription.Annually}).Draw(t, "period"),
			Anchor: anchor, Zone: rapid.SampledFrom(zones).Draw(t, "zone"),
		}
	})
}

// Every moment from the anchor on lies in one period, and periods follow each other without a gap.
func TestCyclesTileTime(t *testing.T) {
	t.Parallel()
	one := big.NewRat(1, 1)
	rapid.Check(t, func(t *rapid.T) {
		c := cycles().Draw(t, "cycle")
		now := c.Anchor.Add(time.Duration(rapid.Int64Range(0, 20*365*24*3600*1000).Draw(t, "later")) * time.Millisecond)
		s := c.At(now)
		if s.Start.After(now) || !s.End.After(now) || s.Start.Before(c.Anchor) || s.From.After(s.Start) {
			t.Fatalf("%v is not within %+v", now, s)
		}
		if c.At(s.Start) != s || c.At(s.End.Add(-time.Millisecond)) != s {
			t.Fatalf("%+v does not contain itself", s)
		}
		next := c.At(s.End)
		if !next.Start.Equal(s.End) || !next.From.Equal(s.End) {
			t.Fatalf("%+v is not followed by %+v", s, next)
		}
		if first := s.Start.Equal(c.Anchor); !first && !s.From.Equal(s.Start) {
			t.Fatalf("%+v is a part and not the first", s)
		}
		all, left := s.Left(s.Start), s.Left(now)
		if all.Sign() <= 0 || all.Cmp(one) > 0 || (s.From.Unix() == s.Start.Unix()) != (all.Cmp(one) == 0) || s.Left(s.End).Sign() != 0 {
			t.Fatalf("%s of %+v at its start, %s at its end", all, s, s.Left(s.End))
		}
		if left.Cmp(all) > 0 || left.Cmp(s.Left(now.Add(time.Second))) < 0 {
			t.Fatalf("%s of %+v is left at %v", left, s, now)
		}
	})
}

// The monthly boundaries of a year end where it does.
func TestMonthsEndWithTheYear(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := cycles().Draw(t, "cycle")
		c.Period = subscription.Annually
		year := c.At(c.Anchor.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "days")) * 24 * time.Hour))
		months, now := 0, year.Start
		for ; now.Before(year.End); months++ {
			next := c.NextMonth(now)
			if !next.After(now) {
				t.Fatalf("the month after %v ends at %v", now, next)
			}
			now = next
		}
		if !now.Equal(year.End) || months > 12 || year.From.Equal(year.Start) && months != 12 {
			t.Fatalf("%d months of %+v end at %v", months, year, now)
		}
	})
}
