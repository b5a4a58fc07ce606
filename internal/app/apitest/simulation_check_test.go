package apitest

import (
	"encoding/json"
	"math/big"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
)

// look reads a customer and its subscriptions, and checks what must hold at any time.
func (s *simulation) look(p *person) {
	c := decode[struct {
		ArchivedAt *time.Time
		Balance    []struct {
			Amount   json.Number
			Currency string
		}
	}](s.send("GET", customers+"/"+p.id+"?includeArchived=true", "").want(200))
	p.archived = c.ArchivedAt != nil
	clear(p.balance)
	for _, m := range c.Balance {
		if p.balance[m.Currency] = rat(m.Amount); rat(m.Amount).Sign() < 0 {
			s.fail(p, "the balance is %s %s", m.Amount, m.Currency)
		}
	}
	now := s.now()
	p.list = s.lives(p.id)
	for _, issue := range scoped(p.list, now) {
		s.fail(p, "%s", issue)
	}
	for _, l := range p.list {
		l.seen = now
		if p.archived && !l.ended() {
			s.fail(p, "archived, and %s is %s", l.ID, l.Status)
		}
		s.period(p, l)
		s.known(p, l)
	}
}

// period checks the billing period of a subscription against the grid as it is written down anew in this test.
func (s *simulation) period(p *person, l *life) {
	if !l.billed() {
		if l.Status == "ACTIVE" && l.BillingPeriod != "" {
			s.fail(p, "%s: ACTIVE, %s, and without a billing period", l.ID, l.BillingPeriod)
		}
		return
	}
	if l.CurrentBillingPeriodEnd == nil || l.CurrentBillingPeriodStart.After(l.seen) && !l.CurrentBillingPeriodStart.Equal(*l.BillingCycleAnchor) || !l.CurrentBillingPeriodEnd.After(l.seen) {
		s.fail(p, "%s: the billing period is %s to %s", l.ID, l.CurrentBillingPeriodStart, l.CurrentBillingPeriodEnd)
	} else if _, ok := l.zone(); !ok {
		s.fail(p, "%s: %s from %s on: the billing period is %s to %s", l.ID, l.BillingPeriod, l.BillingCycleAnchor, l.CurrentBillingPeriodStart, l.CurrentBillingPeriodEnd)
	}
}

// known keeps a version of a subscription, and the instants at which something will happen to it.
func (s *simulation) known(p *person, l *life) {
	if p.seen[l.ID] == nil {
		p.seen[l.ID], p.since[l.ID] = map[int64]*life{}, map[int64]time.Time{}
	}
	for v := range p.seen[l.ID] {
		if v > l.Version {
			s.fail(p, "%s: version %d was read before %d", l.ID, v, l.Version)
		}
	}
	if old := p.seen[l.ID][l.Version]; old != nil && old.Status != l.Status {
		s.fail(p, "%s: version %d was %s and is %s", l.ID, l.Version, old.Status, l.Status)
	}
	p.seen[l.ID][l.Version] = l
	p.resources[l.ResourceID] = true
	for _, at := range []*time.Time{&l.StartDate, l.TrialEndDate, l.CancellationDate} {
		if at != nil {
			p.due[at.UnixMilli()] = true
		}
	}
	for _, u := range l.FutureUpdates {
		p.due[u.ScheduledExecutionTime.UnixMilli()] = true
	}
}

// entitled checks that a customer has what its subscriptions give, and nothing else.
func (s *simulation) entitled(p *person) {
	for _, resource := range []string{"", "r0", "r1"} {
		query := ""
		if resource != "" {
			if !p.resources[resource] {
				continue
			}
			query = "?resourceId=" + resource
		}
		list := decode[struct {
			Entitlements []struct {
				IsGranted  bool
				Feature    struct{ ID string }
				UsageLimit *int64
			}
		}](s.send("GET", customers+"/"+p.id+"/entitlements"+query, "").want(200)).Entitlements
		has := map[string]*int64{}
		for _, e := range list {
			if e.IsGranted {
				has[e.Feature.ID] = e.UsageLimit
			}
		}
		for _, plan := range s.plans {
			var gives []*life
			for _, l := range p.list {
				i := slices.IndexFunc(s.plans, func(o *worldPlan) bool { return o.id == l.PlanID })
				if l.live() && (l.ResourceID == "" || l.ResourceID == resource) && (l.PlanID == plan.id || s.plans[i].parent == plan.id) {
					gives = append(gives, l)
				}
			}
			limit, ok := has[plan.marker()]
			switch {
			case ok != (len(gives) > 0):
				s.fail(p, "resource %q: %s is granted: %v; it has %d live subscriptions that give it", resource, plan.marker(), ok, len(gives))
			case len(gives) == 1 && gives[0].PlanID == plan.id && (limit == nil || *limit != gives[0].PlanVersion):
				s.fail(p, "resource %q: %s is %v in version %d", resource, plan.marker(), limit, gives[0].PlanVersion)
			}
		}
	}
}

// read reads the feed and checks what it tells of each subscription.
func (s *simulation) read() {
	events, position := s.mark(s.feed)
	s.feed = position
	by := map[string]*person{}
	for _, p := range s.people {
		by[p.id] = p
	}
	for _, e := range events {
		x, ok := e.about(s.t)
		if !ok {
			continue
		}
		p := by[x.of.CustomerID]
		for _, issue := range follow(p.last[x.of.ID], x) {
			s.fail(p, "%s", issue)
		}
		if was := p.last[x.of.ID]; x.of.Status == "ACTIVE" && (was == nil || was.of.Status != "ACTIVE") {
			p.begun[x.of.ID] = x.Version
		}
		p.last[x.of.ID] = &x
		p.events = append(p.events, x)
		if p.since[x.of.ID] == nil {
			p.seen[x.of.ID], p.since[x.of.ID] = map[int64]*life{}, map[int64]time.Time{}
		}
		if at := p.since[x.of.ID]; at[x.Version].IsZero() {
			at[x.Version] = x.At
		}
		if x.At.After(s.now()) {
			s.fail(p, "%s is at %s", x, x.At)
		}
	}
}

// reconcile checks what the feed told of a customer since the last time against what was read of it.
func (s *simulation) reconcile(p *person) {
	for i := p.unread; i < len(p.events); i++ {
		e := &p.events[i]
		soon := e.Type == "subscription.trial.ends_soon" || e.Type == "subscription.billing_month.ends_soon"
		if e.Actor.ID == "timers" && !soon && !s.blind && !p.due[e.At.UnixMilli()] {
			s.fail(p, "%s happened at %s, when nothing was due: %s", e, e.At, e.Payload)
		}
		if e.of.EndDate != nil && !e.of.EndDate.Equal(e.At) {
			s.fail(p, "%s: it ended at %s: %s", e, e.of.EndDate, e.Payload)
		}
		if e.Invoice != nil {
			s.charged(p, i)
		}
	}
	p.unread = len(p.events)
	for _, l := range p.list {
		last := p.last[l.ID]
		if last == nil || last.Version != l.Version || last.of.Status != l.Status {
			s.fail(p, "%s is %s in version %d; the last event is %+v", l.ID, l.Status, l.Version, last)
		}
	}
	for currency, kept := range p.kept {
		has := p.balance[currency]
		if has == nil {
			has = new(big.Rat)
		}
		if has.Cmp(kept) != 0 {
			s.fail(p, "the balance is %s %s; what was given back less what was paid from it is %s", has.FloatString(3), currency, kept.FloatString(3))
		}
	}
}

// charged checks an invoice: its own sums, the balance, and that no more comes back than was paid for the period.
func (s *simulation) charged(p *person, i int) {
	e := &p.events[i]
	b := e.Invoice
	back, charged := b.split()
	net := new(big.Rat).Sub(charged, back)
	if want := new(big.Rat).Sub(rat(b.Total), rat(b.Credit)); net.Cmp(want) != 0 || rat(b.Total).Sign() < 0 || rat(b.Credit).Sign() < 0 {
		s.fail(p, "%s: the lines come to %s: %s", e, net.FloatString(3), e.Payload)
	}
	if p.kept[b.Currency] == nil {
		p.kept[b.Currency] = new(big.Rat)
	}
	if !b.Deferred {
		p.kept[b.Currency].Add(p.kept[b.Currency], rat(b.Credit))
		p.kept[b.Currency].Sub(p.kept[b.Currency], rat(b.FromBalance))
	}
	back, charged = p.waited(b).split() // what waited was counted when it began to
	net = new(big.Rat).Sub(charged, back)
	old := s.before(p, i)
	if old == nil {
		if paid, ok := p.paid[e.of.ID]; ok && paid.end.Equal(b.End) && paid.amount != nil {
			s.bounded(p, e, back, paid.amount)
			p.paid[e.of.ID] = paidFor{b.End, new(big.Rat).Add(paid.amount, net)}
			return
		}
		p.paid[e.of.ID] = paidFor{end: b.End}
		if back.Sign() == 0 && e.Version == p.begun[e.of.ID] {
			p.paid[e.of.ID] = paidFor{b.End, charged}
			s.ledger["first"]++
			return
		}
		s.ledger["unknown"]++
		return
	}
	had, end, known := s.had(p, old, e.At)
	if known {
		s.bounded(p, e, back, had)
	} else {
		s.ledger["unknown"]++
	}
	switch {
	case !b.End.Equal(end):
		p.paid[e.of.ID] = paidFor{b.End, charged}
	case known:
		p.paid[e.of.ID] = paidFor{end, new(big.Rat).Add(had, net)}
	default:
		p.paid[e.of.ID] = paidFor{end: end}
	}
}

// waited leaves out of an invoice the lines that have waited for it, and remembers those that wait for another.
func (p *person) waited(b *bill) *bill {
	if p.waiting == nil {
		p.waiting = map[string]int{}
	}
	fresh := &bill{}
	for _, l := range b.Lines {
		key := l.Description + " " + rat(l.Amount).RatString() + " " + rat(l.Discount).RatString()
		switch {
		case b.Deferred:
			p.waiting[key]++
		case p.waiting[key] > 0:
			p.waiting[key]--
			continue
		}
		fresh.Lines = append(fresh.Lines, l)
	}
	return fresh
}

// bounded checks that no more is given back than was paid, but for the rounding of each line.
func (s *simulation) bounded(p *person, e *told, back, had *big.Rat) {
	s.ledger["known"]++
	slack := big.NewRat(int64(len(e.Invoice.Lines))+1, 100)
	if over := new(big.Rat).Sub(back, had); over.Cmp(slack) > 0 {
		s.fail(p, "%s at %s gives back %s of %s that was paid for the period: %s", e, e.At, back.FloatString(3), had.FloatString(3), e.Payload)
	}
}

// before is the subscription whose payments an invoice changes, as it was: the event's own or the one that it replaced; nil
// when that was not seen.
func (s *simulation) before(p *person, i int) *life {
	e := &p.events[i]
	if l := p.seen[e.of.ID][e.Version-1]; l != nil {
		if l.billed() {
			return l
		}
		if l.Status != "NOT_STARTED" && l.Status != "IN_TRIAL" {
			return nil
		}
	} else if begun := p.begun[e.of.ID]; begun > 0 && e.Version > begun {
		return nil // its state in between was not looked at: see charged
	}
	for n := 1; n < 24; n++ { // the nearest, first before and then after
		j := i - n
		if n >= 12 {
			j = i + n - 11
		}
		if j < 0 || j >= len(p.events) {
			continue
		}
		o := &p.events[j]
		if o.Type == "subscription.canceled" && o.At.Equal(e.At) && o.of.CancelReason == "UPGRADE_OR_DOWNGRADE" && o.of.ID != e.of.ID &&
			o.of.ProductID == e.of.ProductID && o.of.ResourceID == e.of.ResourceID {
			if l := p.seen[o.of.ID][o.Version-1]; l != nil && l.billed() {
				return l
			}
			return nil
		}
	}
	return nil
}

// had is what had been paid for the period of a subscription before an instant, and the period's end.
func (s *simulation) had(p *person, l *life, at time.Time) (amount *big.Rat, end time.Time, known bool) {
	zone, ok := l.zone()
	if !ok {
		return nil, end, false
	}
	start, end := periodAt(*l.BillingCycleAnchor, l.BillingPeriod, zone, at)
	if paid, ok := p.paid[l.ID]; ok && paid.end.Equal(end) {
		return paid.amount, end, paid.amount != nil
	}
	if start.Equal(at) {
		return new(big.Rat), end, true
	}
	if start.Equal(l.BillingCycleAnchor.UTC()) || l.StartDate.Before(l.CreatedAt) {
		return nil, end, false // it began without an invoice
	}
	// Whatever was in force when the period began was paid then.
	var then *life
	newest := int64(0)
	for v, since := range p.since[l.ID] {
		if since.Equal(start) {
			return nil, end, false
		}
		if since.Before(start) && v > newest {
			newest = v
		}
	}
	if then = p.seen[l.ID][newest]; then == nil || !then.billed() {
		return nil, end, false
	}
	gross, net, unsure := then.whole()
	if unsure {
		return gross, end, true
	}
	return net, end, true
}

// retold checks that the history of each subscription is what the feed told.
func (s *simulation) retold(p *person) {
	for _, l := range p.list {
		type entry struct {
			At           time.Time
			Type, Status string
		}
		got := decode[[]entry](s.get(subscriptions + "/" + l.ID + "/history").want(200))
		var want []entry
		versions := int64(0)
		for _, e := range p.events {
			if e.of.ID == l.ID {
				want = append(want, entry{e.At.Truncate(time.Millisecond), e.Type, e.of.Status})
				versions = max(versions, e.Version)
			}
		}
		if d := cmp.Diff(want, got); d != "" || versions != l.Version {
			s.fail(p, "the history of %s, version %d of %d (-feed +history):\n%s", l.ID, versions, l.Version, d)
		}
	}
}
