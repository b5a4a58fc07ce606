package entitlement

import (
	"math"
	"time"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/core/subscription"
)

// Spending is what bounds the spending of a subscription with a hard budget, and what its prices rest on
// (domain-entitlements-usage §3.2 step 7, domain-catalog-provisioning §9.12).
type Spending struct {
	Limit money.Decimal
	By    subscription.Subscription // status, dates, cycle, country, versions and its own amounts; refIds of add-ons may be missing
}

// SpendingOf is nil for a subscription without a hard budget; trial is the default trial of its plan's version.
func SpendingOf(s subscription.Subscription, trial *catalog.Trial) *Spending {
	limit := s.HardBudget(trial)
	if limit == nil {
		return nil
	}
	return &Spending{*limit, s}
}

// until is the end of the period whose usage counts, when spending begins again; nil for none in sight.
func (s *Spending) until(now time.Time) *time.Time {
	if s == nil {
		return nil
	}
	_, end := s.By.SpendSpan(now)
	return end
}

// bound says whose budgets are used up, and which counters budgets rest on.
func (a assembly) bound(h Holder, k key, set *Set, sources []Source, stored map[meter.Key]*meter.Counter) error {
	p := spending{a, h, k.customer, stored}
	for i := range sources {
		s := &sources[i]
		if s.Budget == nil {
			continue
		}
		spent, err := p.spent(s)
		if err != nil {
			return err
		}
		for j := range s.Rows.All() {
			own := &s.Rows.list[j]
			c := set.counter(set.rows.Find(own.Feature.RefID))
			if c == nil || !own.Charged && !own.Overage {
				continue
			}
			if c.about |= isBounded; spent && int(c.source) == i {
				c.about |= isSpent
			}
		}
	}
	return nil
}

// spending works out what was spent.
type spending struct {
	assembly
	holder      Holder
	customerRef string
	stored      map[meter.Key]*meter.Counter
}

// spent reports whether the budget of a subscription is used up. Without one it reads nothing.
func (p spending) spent(s *Source) (bool, error) {
	if s.Budget == nil {
		return false, nil
	}
	sub := s.Budget.By
	var err error
	prices := map[string][]catalog.Price{}
	refs := append([]subscription.Addon(nil), sub.Addons...)
	for i := range refs {
		v, e := p.version(refs[i].PriceVersionID)
		if e != nil {
			return false, e
		}
		prices[v.ID] = v.Prices
		if pkg, ok := p.catalog.PackageByID(v.PackageID); ok {
			refs[i].RefID = pkg.RefID
		}
	}
	v, err := p.version(sub.PriceVersionID)
	if err != nil {
		return false, err
	}
	prices[v.ID] = v.Prices
	sub.Addons = refs
	sub.PayFrom(func(id string) []catalog.Price { return prices[id] })
	used, err := p.usage(&sub, s)
	if err != nil {
		return false, err
	}
	_, sum, err := subscription.Spend(sub.Prices, used)
	return sum.Cmp(s.Budget.Limit) >= 0, err
}

// usage is what was used of every feature whose usage a subscription is charged for.
func (p spending) usage(sub *subscription.Subscription, s *Source) (map[string]subscription.Used, error) {
	used := map[string]subscription.Used{}
	from, until := sub.SpendSpan(p.now)
	span := rules.Span{Start: from.UnixMicro(), End: math.MaxInt64}
	if until != nil {
		span.End = until.UnixMicro()
	}
	for i := range sub.Prices {
		c := &sub.Prices[i]
		f, ok := p.catalog.Feature(c.FeatureRefID)
		if _, known := used[c.FeatureRefID]; known || !ok || !c.ByUsage() {
			continue
		}
		m := metered{
			spending: p, span: span, origin: s.Origin, included: s.Rows.Find(c.FeatureRefID), row: rowOf(f, &catalog.Entitlement{}, false),
			subject: meter.Subject{Key: meter.Key{CustomerID: p.holder.ID, Resource: s.Resource, FeatureID: f.ID}, CustomerRef: p.customerRef, Feature: f},
		}
		u, err := m.used()
		if err != nil {
			return nil, err
		}
		used[c.FeatureRefID] = u
	}
	return used, nil
}

// metered is one feature whose usage is charged.
type metered struct {
	spending
	subject  meter.Subject
	span     rules.Span // what is billed
	origin   rules.Origin
	included *Entitlement // nil for nothing
	row      rules.Row    // how usage is told
}

// used is what was used. Usage that goes up and down and never resets is a level, which lasts from period to period; else
// what was used in the period counts.
func (m metered) used() (u subscription.Used, err error) {
	reset := rules.Reset{}
	if m.included != nil {
		reset = m.included.Row.Reset
	}
	level := reset.Unit == rules.Never && m.row.Meter == rules.Fluctuating
	if level {
		u.Units, err = m.in(rules.Forever)
		u.Beyond = m.beyond(u.Units)
		return u, err
	}
	if u.Units, err = m.in(m.span); err != nil || m.included == nil || !m.included.Overage {
		return u, err
	}
	u.Beyond, err = m.over(reset)
	return u, err
}

// over is what was used in the billed time beyond what every usage period includes. Of a period that began before, what was
// beyond by then has been billed before.
func (m metered) over(reset rules.Reset) (sum int64, err error) {
	now := m.now.UnixMicro()
	for w := reset.Period(m.origin, m.span.Start); ; w = reset.Containing(m.origin, w.End) {
		n, err := m.in(rules.Span{Start: w.Start, End: min(w.End, m.span.End)})
		if err != nil {
			return 0, err
		}
		n = m.beyond(n)
		if n > 0 && w.Start < m.span.Start {
			before, err := m.in(rules.Span{Start: w.Start, End: m.span.Start})
			if err != nil {
				return 0, err
			}
			n -= m.beyond(before)
		}
		if sum = add(sum, max(n, 0)); w.End > now || w.End >= m.span.End {
			return sum, nil
		}
	}
}

// in is what was used in a window, in whole units rounded up: so it is billed (domain-entitlements-usage §4.6).
func (m metered) in(window rules.Span) (int64, error) {
	c, _, err := meter.Count(m.ctx, m.st, m.env, m.subject, window, m.stored[m.subject.Key])
	one := rules.One(m.row.Scale)
	n := m.row.Shown(c.Value)
	whole := n / one
	if n%one > 0 {
		whole++
	}
	return max(whole, 0), err
}

// beyond is how much of a number of units is not included.
func (m metered) beyond(n int64) int64 {
	if m.included == nil || m.included.Row.Unlimited {
		return 0
	}
	return max(n-amount(&m.included.Row), 0)
}

// spends reports whether the use of so much costs what a spent budget does not allow: usage that is charged, all of it or
// what is beyond the limit. What is included is paid for.
func (e *Entitlement) spends(raw int64, ask rules.Ask) bool {
	if e.Charged || !e.Overage {
		return e.Charged
	}
	return e.Beyond(raw, ask)
}

// Beyond reports whether usage and what is asked for are more than the limit, be it hard or soft.
func (e *Entitlement) Beyond(raw int64, ask rules.Ask) bool {
	hard := e.Row
	hard.Soft = false
	granted, reason := rules.Check(&hard, raw, ask)
	return !granted && reason == rules.RequestedUsageExceedingLimit
}
