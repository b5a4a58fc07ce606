package usage

import (
	"cmp"
	"slices"
	"sort"

	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/core/subscription"
)

// Periods are the usage periods of a counter over time: as the present subscription has them, and before each change
// that has set usage back as they were then.
type Periods struct {
	reset   rules.Reset
	origin  rules.Origin // the present one
	changes []change     // the oldest first
}

// change is a change of the subscription that has set usage back. What happened at its own instant came before it.
type change struct {
	at     int64
	former rules.Origin
}

// NewPeriods makes them of the present rule and origin and of what is stored about changes. Changes of another product
// than the one that led to the present origin are none of the counter's, and neither are those within a period that
// counts from before them. What never resets is not set back by changes (domain-entitlements-usage §4.4).
func NewPeriods(reset rules.Reset, origin rules.Origin, list []subscription.UsageReset) Periods {
	p := Periods{reset: reset, origin: origin}
	if reset.Unit == rules.Never {
		return p
	}
	begun := reset.Containing(origin, origin.Anchor).Start
	product := ""
	for _, r := range list {
		if r.At.UnixMicro() < begun {
			product = r.ProductID
		}
	}
	for _, r := range list {
		if at := r.At.UnixMicro(); at < begun && r.ProductID == product {
			p.changes = append(p.changes, change{at, rules.Origin{Anchor: r.Former.Anchor.UnixMicro(), Cut: r.Former.Cut}})
		}
	}
	return p
}

// Containing is the period that contains an instant. The periods tile time.
func (p *Periods) Containing(at int64) rules.Span {
	if p.reset.Unit == rules.Never {
		return rules.Forever
	}
	origin, between := p.of(at)
	s := p.reset.Containing(origin, at)
	return rules.Span{Start: max(s.Start, between.Start), End: min(s.End, between.End)}
}

// of is where the periods around an instant begin, and between which changes that holds.
func (p *Periods) of(at int64) (rules.Origin, rules.Span) {
	origin, between := p.origin, rules.Forever
	i := sort.Search(len(p.changes), func(i int) bool { return p.changes[i].at >= at })
	if i < len(p.changes) {
		origin, between.End = p.changes[i].former, p.changes[i].at+1
	}
	if i > 0 {
		between.Start = p.changes[i-1].at + 1
	}
	return origin, between
}

// markers are the ends of periods and the changes within a span, in order. No period ends before the subscription has
// begun.
func (p *Periods) markers(within rules.Span) []Marker {
	list := []Marker{}
	for _, c := range p.changes {
		if within.Contains(c.at) {
			list = append(list, Marker{At: c.at, Changed: true})
		}
	}
	if p.reset.Unit == rules.Never {
		return list
	}
	for s := p.Containing(within.Start); s.Start < within.End; s = p.Containing(s.End) {
		origin, between := p.of(s.Start)
		if within.Contains(s.Start) && s.Start > origin.Anchor && s.Start > between.Start {
			list = append(list, Marker{At: s.Start})
		}
	}
	slices.SortStableFunc(list, func(a, b Marker) int { return cmp.Compare(a.At, b.At) })
	return list
}
