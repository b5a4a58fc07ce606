package usage

import (
	"maps"
	"math"
	"slices"

	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
)

// MaxSeries is how many values a dimension may have for a history to be grouped by it.
const MaxSeries = 1000

// History is what was used of a feature over time (domain-entitlements-usage §5.6).
type History struct {
	Markers []Marker
	GroupBy string // a dimension; "" for one series of everything
	Series  []Series
	Scale   uint8 // of the values
}

// Marker is an instant at which usage began again at 0.
type Marker struct {
	At      int64 // µs
	Changed bool  // by a change of the subscription; else a period was over
}

// Series is the history of one value of a dimension, or of everything.
type Series struct {
	Tag    string // the value; "" also for what lacks the dimension
	Points []Point
}

// Point is the total of a period at the end of a bucket in which something happened.
type Point struct {
	At    int64 // µs: the bucket's start
	Value int64 // as shown, in units of the history's scale
	Reset bool  // the first one of a period after another
}

// Range is the time that a history is about, cut into buckets.
type Range struct {
	rules.Span             // the end is not part of it
	Bucket     rules.Reset // buckets are the calendar's: the periods of a reset by it
}

// Fold makes the points of a history of what happened, which it takes one by one, the oldest first. It keeps a total per
// series and the points: as much as the answer, however much happened, and the distinct values of a period where a
// meter counts those.
//
// A point is the total at its bucket's end, or at the range's end if that comes first. Where a period ends inside a
// bucket, the point is of the period that goes on after the bucket's last instant: 0 when nothing has happened in that
// one yet. What happened before the range is in the totals and makes no points.
type Fold struct {
	periods Periods
	within  Range
	row     *rules.Row
	meter   *meter.Meter // nil for measurements
	groupBy string
	series  map[string]*running
	full    bool
}

// running is a series on its way.
type running struct {
	Series
	period rules.Span // that is added up
	total  int64
	state  meter.State
	seen   map[string]struct{} // the distinct values of the period
	bucket rules.Span          // the last one in which something happened
	open   bool                // its point is still to come
	before rules.Span          // the period of the point before the next, or in which the series began
}

// NewFold makes an empty one; m is nil for measurements.
func NewFold(p Periods, within Range, row *rules.Row, m *meter.Meter, groupBy string) *Fold {
	f := &Fold{periods: p, within: within, row: row, meter: m, groupBy: groupBy, series: map[string]*running{}}
	if groupBy == "" {
		f.series[""] = &running{}
	}
	return f
}

// Span is what has to be taken in: the range, and the period at its beginning from its own start.
func (f *Fold) Span() rules.Span {
	return rules.Span{Start: f.periods.Containing(f.within.Start).Start, End: f.within.End}
}

// Full reports whether the dimension has more than MaxSeries values; then there is no history.
func (f *Fold) Full() bool { return f.full }

// Measurement takes in what a report changed.
func (f *Fold) Measurement(at, delta int64, d meter.Dimensions) {
	if s := f.reach(at, d); s != nil {
		s.total = addUp(s.total, delta)
	}
}

// Event takes an event in, if the meter counts it.
func (f *Fold) Event(e *meter.Event) {
	if !f.meter.Matches(e) {
		return
	}
	s := f.reach(e.At, e.Dimensions)
	if s == nil {
		return
	}
	if v, ok := f.meter.Distinct(e); ok {
		if _, seen := s.seen[v]; seen {
			return
		}
		if s.seen == nil {
			s.seen = map[string]struct{}{}
		}
		s.seen[v] = struct{}{}
	}
	f.meter.Add(&s.state, e)
}

// reach is the series of what happens at an instant, brought up to it; nil when there are too many.
func (f *Fold) reach(at int64, d meter.Dimensions) *running {
	s := f.find(d)
	if s == nil {
		return nil
	}
	if s.open && at >= s.bucket.End {
		f.close(s)
	}
	f.enter(s, at)
	if at >= f.within.Start && !s.open {
		s.bucket, s.open = f.within.Bucket.Containing(rules.Origin{}, at), true
	}
	return s
}

func (f *Fold) find(d meter.Dimensions) *running {
	tag := ""
	if f.groupBy != "" {
		tag = d[f.groupBy].Text()
	}
	s := f.series[tag]
	if s == nil {
		if len(f.series) == MaxSeries {
			f.full = true
			return nil
		}
		s = &running{Series: Series{Tag: tag}}
		f.series[tag] = s
	}
	return s
}

// enter begins the period of an instant, unless it is the one that is added up.
func (f *Fold) enter(s *running, at int64) {
	if s.period.Contains(at) {
		return
	}
	first := s.period == rules.Span{}
	s.period = f.periods.Containing(at)
	s.total, s.state, s.seen = 0, meter.State{}, nil
	if first {
		s.before = s.period
	}
}

// close makes the point of the open bucket.
func (f *Fold) close(s *running) {
	f.enter(s, min(s.bucket.End, f.within.End)-1)
	value := s.total
	if f.meter != nil {
		value = f.meter.Value(s.state, f.row.Scale)
	}
	s.Points = append(s.Points, Point{At: s.bucket.Start, Value: f.row.Shown(value), Reset: s.period != s.before})
	s.before, s.open = s.period, false
}

// History is what came of everything that was taken in. A grouped one has the series in which something happened, by
// their values.
func (f *Fold) History() History {
	h := History{Markers: f.periods.markers(f.within.Span), GroupBy: f.groupBy, Series: []Series{}, Scale: f.row.Scale}
	for _, tag := range slices.Sorted(maps.Keys(f.series)) {
		s := f.series[tag]
		if s.open {
			f.close(s)
		}
		if f.groupBy == "" || len(s.Points) > 0 {
			h.Series = append(h.Series, s.Series)
		}
	}
	return h
}

// addUp adds, and stays at the largest or smallest number: the parts of a total can be larger than all of it.
func addUp(a, b int64) int64 {
	switch {
	case b > 0 && a > math.MaxInt64-b:
		return math.MaxInt64
	case b < 0 && a < math.MinInt64-b:
		return math.MinInt64
	}
	return a + b
}
