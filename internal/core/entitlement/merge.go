package entitlement

import (
	"cmp"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/core/rules"
)

// Source is one giver of entitlements: a live subscription, or an active promotional entitlement.
type Source struct {
	Rows     *Rows
	Until    *time.Time   // when it stops giving; nil for none in sight
	Origin   rules.Origin // where its usage periods begin
	Resource string       // refId of the resource that it is for, whose usage counts; "" for the customer
	Budget   *Spending    // nil without a hard budget
}

// Merged are the effective rows of several sources, and which source won each.
type Merged struct {
	Rows *Rows
	from []uint16 // the winner's place among the sources, by row; nil when one source gives all of them
	only int      // that source
}

// source is the place of the source that won a row.
func (m Merged) source(row int) int {
	if m.from == nil {
		return m.only
	}
	return int(m.from[row])
}

// Compile merges sources by the generous rule: per feature the most generous row wins, never a sum
// (domain-entitlements-usage §2.4). The order of the sources does not matter. Where one source gives everything that
// wins, its own rows are returned.
func Compile(sources []Source) *Rows { return Merge(sources).Rows }

// Merge is Compile that also tells which source won.
func Merge(sources []Source) Merged {
	switch len(sources) {
	case 0:
		return Merged{}
	case 1:
		return Merged{Rows: sources[0].Rows}
	}
	winners := map[string]candidate{}
	for i, s := range sources {
		for j := range s.Rows.All() {
			c := candidate{Entitlement: &s.Rows.list[j], until: s.Until, source: i}
			if old, ok := winners[c.Feature.RefID]; ok {
				c = old.merge(c)
			}
			winners[c.Feature.RefID] = c
		}
	}
	return collect(sources, winners)
}

// collect makes rows of the winners, without a copy when all are of one source.
func collect(sources []Source, winners map[string]candidate) Merged {
	count := make([]int, len(sources))
	list := make([]Entitlement, 0, len(winners))
	for _, w := range winners {
		if !w.made {
			count[w.source]++
		}
		list = append(list, *w.Entitlement)
	}
	for i, n := range count {
		if n == len(winners) {
			return Merged{Rows: sources[i].Rows, only: i}
		}
	}
	m := Merged{Rows: newRows(list), from: make([]uint16, len(list))}
	for i := range m.Rows.list {
		m.from[i] = uint16(winners[m.Rows.list[i].Feature.RefID].source)
	}
	return m
}

// candidate is a row on its way to win.
type candidate struct {
	*Entitlement
	until  *time.Time
	source int
	made   bool // of the values of several rows
}

// merge returns the more generous of two rows of one feature. The values of enums are united, since a set has no maximum.
func (c candidate) merge(other candidate) candidate {
	if c.compare(other) < 0 {
		c, other = other, c
	}
	if c.Row.Type != rules.Enum || !other.Row.Granted {
		return c
	}
	union := slices.Concat(c.Row.EnumValues, other.Row.EnumValues)
	slices.Sort(union)
	union = slices.Compact(union)
	if slices.Equal(c.Row.EnumValues, union) {
		return c
	}
	made := *c.Entitlement
	made.Row.EnumValues = union
	return candidate{&made, c.until, c.source, true}
}

// compare is positive when c is more generous: granted, more, soft, valid for longer, sooner reset. The rest only makes
// the order total.
func (c candidate) compare(other candidate) int {
	a, b := &c.Row, &other.Row
	return cmp.Or(
		boolean(a.Granted, b.Granted),
		boolean(a.Unlimited, b.Unlimited),
		cmp.Compare(amount(a), amount(b)),
		boolean(a.Soft, b.Soft),
		compareUntil(c.until, other.until),
		cmp.Compare(resetRank(other.ResetPeriod), resetRank(c.ResetPeriod)),
		c.UpdatedAt.Compare(other.UpdatedAt),
		boolean(a.HasLimit, b.HasLimit),
		cmp.Compare(a.Limit, b.Limit),
		cmp.Compare(c.ResetConfiguration, other.ResetConfiguration),
		comparePtr(c.DisplayNameOverride, other.DisplayNameOverride),
		slices.Compare(c.HiddenFromWidgets, other.HiddenFromWidgets),
		slices.Compare(a.EnumValues, b.EnumValues), // last: those of granted rows change on the way
	)
}

// amount is the limit as a number; a missing one counts as 0.
func amount(r *rules.Row) int64 {
	if r.Type != rules.Number || r.Unlimited || !r.HasLimit {
		return 0
	}
	return r.Limit
}

// resetRank orders reset periods by length; none is the longest.
func resetRank(period string) int {
	if i := slices.Index([]string{"HOUR", "DAY", "WEEK", "MONTH", "YEAR"}, period); i >= 0 {
		return i
	}
	return 5
}

func boolean(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// compareUntil takes nil for the end of time.
func compareUntil(a, b *time.Time) int {
	if a == nil || b == nil {
		return boolean(a == nil, b == nil)
	}
	return a.Compare(*b)
}

func comparePtr(a, b *string) int {
	if a == nil || b == nil {
		return boolean(a != nil, b != nil)
	}
	return cmp.Compare(*a, *b)
}
