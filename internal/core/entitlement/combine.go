package entitlement

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/rules"
)

// Beside is an add-on as a part of one subscription.
type Beside struct {
	Rows     *Rows
	Quantity int64
}

// Combine merges the parts of one subscription, per feature (domain-entitlements-usage §2.3): the plan's own row, else
// the one of the nearest base; increments of add-ons are added to it, times their quantity; where an add-on overrides,
// the largest override counts and nothing else. The order of the add-ons does not matter.
func Combine(own *Rows, bases []*Rows, addons []Beside) *Rows {
	if len(bases) == 0 && len(addons) == 0 {
		return own
	}
	c := combination{byFeature: map[string]*pieces{}}
	for _, rows := range append([]*Rows{own}, bases...) {
		for i := range rows.All() {
			e := &rows.list[i]
			if p := c.of(e); p.plan == nil {
				p.plan = e
			}
		}
	}
	for _, a := range addons {
		for i := range a.Rows.All() {
			e := &a.Rows.list[i]
			p := c.of(e)
			p.addons = append(p.addons, piece{e, max(a.Quantity, 1)})
		}
	}
	list := make([]Entitlement, 0, len(c.byFeature))
	for _, p := range c.byFeature {
		list = append(list, p.merge())
	}
	return newRows(list)
}

// combination collects what the parts of a subscription give, by feature.
type combination struct{ byFeature map[string]*pieces }

func (c combination) of(e *Entitlement) *pieces {
	p := c.byFeature[e.Feature.RefID]
	if p == nil {
		p = &pieces{}
		c.byFeature[e.Feature.RefID] = p
	}
	return p
}

// pieces are the rows of one feature.
type pieces struct {
	plan   *Entitlement // nil when only add-ons give it
	addons []piece
}

// piece is a row that counts several times.
type piece struct {
	*Entitlement
	times int64
}

func (p *pieces) merge() Entitlement {
	if len(p.addons) == 0 {
		return *p.plan
	}
	list, override := p.counted()
	if !override {
		out := sum(list)
		out.Charged = p.charged()
		return out
	}
	out := largest(list)
	out.Charged = p.charged()
	if p.plan != nil && p.plan.Overage { // it is charged, whoever sets the limit
		out.Row.Soft, out.Overage = true, true
	}
	return out
}

// counted are the rows that make the result: the plan's and all increments together, or overrides alone. Of overrides one
// counts, and of enum values all.
func (p *pieces) counted() (list []piece, override bool) {
	slices.SortFunc(p.addons, piece.compare)
	var overrides, increments []piece
	if p.plan != nil {
		increments = append(increments, piece{p.plan, 1})
	}
	for _, a := range p.addons {
		if a.Overrides {
			overrides = append(overrides, a)
		} else {
			increments = append(increments, a)
		}
	}
	if len(overrides) == 0 {
		return granted(increments), false
	}
	list = granted(overrides)
	if list[0].Row.Type != rules.Enum {
		list = []piece{best(list)}
	}
	return list, true
}

// charged reports whether any part of the subscription charges usage of the feature.
func (p *pieces) charged() bool {
	return p.plan != nil && p.plan.Charged || slices.ContainsFunc(p.addons, func(a piece) bool { return a.Charged })
}

// largest is the override that wins; enum values are united, since a set has no maximum.
func largest(list []piece) Entitlement {
	best := best(list)
	out := *best.Entitlement
	out.Row.Limit = best.amount()
	out.Row.EnumValues = union(list)
	out.Overrides = false
	return out
}

func best(list []piece) piece {
	best := list[0]
	for _, a := range list[1:] {
		if cmp.Or(boolean(a.Row.Unlimited, best.Row.Unlimited), cmp.Compare(a.amount(), best.amount()), boolean(a.Row.Soft, best.Row.Soft)) > 0 {
			best = a
		}
	}
	return best
}

// sum adds up the rows: the plan's is the first, if there is one, and gives everything that is no amount.
func sum(list []piece) Entitlement {
	out := *list[0].Entitlement
	out.Row.Limit, out.Row.HasLimit, out.Row.Unlimited, out.Row.Soft = 0, false, false, false
	for _, a := range list {
		out.Overage = out.Overage || a.Overage
		out.Row.Limit = add(out.Row.Limit, a.amount())
		out.Row.HasLimit = out.Row.HasLimit || a.Row.HasLimit
		out.Row.Unlimited = out.Row.Unlimited || a.Row.Unlimited
		out.Row.Soft = out.Row.Soft || a.Row.Soft
		if a.UpdatedAt.After(out.UpdatedAt) {
			out.UpdatedAt = a.UpdatedAt
		}
	}
	if out.Row.Unlimited {
		out.Row.Limit, out.Row.HasLimit = 0, false
	}
	out.Row.EnumValues = union(list)
	return out
}

// granted leaves out revoked rows, unless all of them are.
func granted(list []piece) []piece {
	kept := slices.DeleteFunc(slices.Clone(list), func(a piece) bool { return !a.Row.Granted })
	if len(kept) == 0 {
		return list[:1]
	}
	return kept
}

// amount is the limit times the quantity; what would overflow stays at the largest number.
func (a piece) amount() int64 {
	if a.Row.Limit > 0 && a.times > math.MaxInt64/a.Row.Limit {
		return math.MaxInt64
	}
	return a.Row.Limit * a.times
}

func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func union(list []piece) []string {
	var values []string
	for _, a := range list {
		values = append(values, a.Row.EnumValues...)
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// compare makes the order of add-ons the same for everybody.
func (a piece) compare(b piece) int {
	return cmp.Or(
		cmp.Compare(b.amount(), a.amount()), cmp.Compare(a.times, b.times), cmp.Compare(resetRank(a.ResetPeriod), resetRank(b.ResetPeriod)),
		cmp.Compare(a.ResetConfiguration, b.ResetConfiguration), a.UpdatedAt.Compare(b.UpdatedAt),
		boolean(a.Row.Unlimited, b.Row.Unlimited), boolean(a.Row.HasLimit, b.Row.HasLimit), boolean(a.Row.Soft, b.Row.Soft), comparePtr(a.DisplayNameOverride, b.DisplayNameOverride),
		slices.Compare(a.HiddenFromWidgets, b.HiddenFromWidgets), slices.Compare(a.Row.EnumValues, b.Row.EnumValues),
	)
}

// part is a version as a part of a subscription: by itself, with the version whose prices are paid, or as a base.
type part struct {
	version string
	prices  string // "" for its own
	base    bool
}

func partOf(version, prices string) part {
	if prices == version {
		prices = ""
	}
	return part{version: version, prices: prices}
}

// key names the part: equal keys are equal rows.
func (p part) key() string {
	switch {
	case p.base:
		return "base " + p.version
	case p.prices != "":
		return p.version + "$" + p.prices
	}
	return p.version
}

// compile makes the rows of the part; version finds a version by its id. Overage is what is charged, so it is read from
// the version that is paid.
func (p part) compile(version func(id string) (catalog.Version, error), features func(ref string) (*catalog.Feature, bool)) (*Rows, error) {
	v, err := version(p.version)
	if err != nil {
		return nil, err
	}
	switch {
	case p.base:
		return CompileBase(v, features), nil
	case p.prices == "":
		return CompileVersion(v, features), nil
	}
	paid, err := version(p.prices)
	if err != nil {
		return nil, err
	}
	return compileVersion(v, features, &paid), nil
}

// RowsOf compiles what a subscription gives, past every cache; version finds a version by its id.
func RowsOf(s Subscription, version func(id string) (catalog.Version, error), features func(ref string) (*catalog.Feature, bool)) (*Rows, error) {
	return s.rows(func(p part) (*Rows, error) { return p.compile(version, features) }, features)
}

// rows combines the parts of the subscription; of gives the rows of one.
func (s Subscription) rows(of func(part) (*Rows, error), features func(ref string) (*catalog.Feature, bool)) (*Rows, error) {
	own, err := of(partOf(s.VersionID, s.PriceVersionID))
	if err != nil {
		return nil, err
	}
	bases := make([]*Rows, len(s.Bases))
	for i, id := range s.Bases {
		if bases[i], err = of(part{version: id, base: true}); err != nil {
			return nil, err
		}
	}
	addons := make([]Beside, len(s.Addons))
	for i, a := range s.Addons {
		addons[i].Quantity = a.Quantity
		if addons[i].Rows, err = of(partOf(a.VersionID, a.PriceVersionID)); err != nil {
			return nil, err
		}
	}
	return Combine(s.personal(own, bases, features), bases, addons), nil
}

// Combination names what the subscription is made of: equal names are equal entitlements, at one version of the catalog.
func (s Subscription) Combination() string { return s.combination() }

// combination names what the subscription is made of: equal names are equal entitlements.
func (s Subscription) combination() string {
	own := partOf(s.VersionID, s.PriceVersionID).key() + s.Own.Key()
	if len(s.Bases) == 0 && len(s.Addons) == 0 {
		return own
	}
	parts := make([]string, 0, len(s.Addons))
	for _, a := range s.Addons {
		parts = append(parts, partOf(a.VersionID, a.PriceVersionID).key()+"*"+strconv.FormatInt(a.Quantity, 10))
	}
	slices.Sort(parts)
	return own + "<" + strings.Join(s.Bases, "<") + "+" + strings.Join(parts, "+")
}
