package subscription

import (
	"fmt"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/timer"
)

const (
	// endsSoonBefore is how long before a trial's end it is announced; shorter trials are announced at half time (§9.6).
	endsSoonBefore = 7 * 24 * time.Hour
	// periodEndsSoonBefore is how long before the end of a billing period it is announced (§11).
	periodEndsSoonBefore = time.Hour
)

// Change is what a transition leads to; provisioning saves it. Timers have no ids yet.
type Change struct {
	Subscription Subscription
	Timers       []timer.Timer
	Drop         []timer.Kind // kinds whose timers are removed first; those of an ended subscription all are
	Events       []event.Event
	Tried        bool // a trial of the product began
	Steps        []string
}

// Charge adds to a change what it costs and what is paid for afterwards; until is the end of the period, waiting the lines
// that the next invoice will charge.
func (c *Change) Charge(inv Invoice, paid Bill, until time.Time, waiting []InvoiceLine) {
	c.Subscription.Paid = &Paid{Until: until, Bill: paid, Waiting: waiting}
	c.Note(Note{Invoice: &inv})
}

// Note adds to what the change's first event says.
func (c *Change) Note(n Note) {
	if len(c.Events) == 0 {
		return
	}
	t, ok := c.Events[0].Payload.(told)
	if !ok {
		return
	}
	if n.Invoice != nil && !n.Invoice.Zero() {
		t.Invoice = n.Invoice
	}
	if n.Reason != "" {
		t.Reason = n.Reason
	}
	t.Steps = append(slices.Clone(t.Steps), n.Steps...)
	t.IsUpgrade, t.IsDowngrade = t.IsUpgrade || n.Direction > 0, t.IsDowngrade || n.Direction < 0
	c.Events[0].Payload = t
}

// Invoiced is what the change costs; nil for nothing.
func (c *Change) Invoiced() *Invoice {
	if len(c.Events) == 0 {
		return nil
	}
	t, _ := c.Events[0].Payload.(told)
	return t.Invoice
}

// New is everything that a new subscription rests on.
type New struct {
	ID, RefID               string
	CustomerID, CustomerRef string
	Product                 catalog.Product
	Resource                string
	StartDate               *time.Time // nil for now
	Metadata                map[string]string
	Sale
	Trial             *TrialOverride
	History           History
	CancellationDate  *time.Time
	PayingCustomerID  string
	PayingCustomerRef string
	Details           // but for what Sale has
}

// Sale is what a subscription is sold: versions get pinned, prices are paid.
type Sale struct {
	Plan          catalog.Package    // with Latest
	Bases         []*catalog.Version // those that it inherits from
	Addons        []NewAddon
	Country       string // whose prices are paid
	BillingPeriod string // one that it is not sold in, such as "", takes the first
}

// NewAddon is an add-on that a subscription begins with.
type NewAddon struct {
	Package  *catalog.Package // with Latest, which gets pinned
	Quantity int64
}

// TrialOverride says whether a subscription begins with a trial, whoever would be eligible (domain-catalog-provisioning §9.5).
type TrialOverride struct {
	IsTrial     bool       `json:"isTrial"`
	EndDate     *time.Time `json:"trialEndDate,omitempty"`     // nil for the plan's own length
	EndBehavior string     `json:"trialEndBehavior,omitempty"` // "" for the plan's
}

// pin fixes what the subscription has and pays.
func (s *Subscription) pin(o Sale) {
	v := o.Plan.Latest
	s.VersionID, s.PriceVersionID, s.PlanVersion, s.PricingType = v.ID, v.ID, v.Number, v.PricingType
	s.BillingPeriod = billingPeriod(o.BillingPeriod, v, o.Addons)
	s.Bases = nil
	for _, b := range o.Bases {
		s.Bases = append(s.Bases, b.ID)
	}
	s.Prices = []Charge{}
	s.Pay("", v.Prices)
	s.Addons = nil
	for _, a := range o.Addons {
		s.Addons = append(s.Addons, Addon{a.Package.ID, a.Package.RefID, a.Package.Latest.ID, a.Package.Latest.ID, a.Quantity})
		s.Pay(a.Package.RefID, a.Package.Latest.Prices)
	}
	s.SettleQuantities()
}

// History is what trial eligibility asks of a customer, per product (§9.5).
type History struct {
	Tried bool // had a trial of the product
	Paid  bool // had a paid subscription of the product that was no trial
}

// Create makes a subscription at now: scheduled when its start lies ahead, else running, on trial when eligible.
func Create(in New, now time.Time) Change {
	s := Subscription{
		ID: in.ID, RefID: in.RefID, CustomerID: in.CustomerID, CustomerRef: in.CustomerRef,
		ProductID: in.Product.ID, ProductRef: in.Product.RefID, Resource: in.Resource,
		PlanID: in.Plan.ID, PlanRef: in.Plan.RefID, Country: in.Country,
		StartDate: now, PaymentCollection: paymentNotRequired, Metadata: in.Metadata, Details: in.Details,
		PayingCustomerID: in.PayingCustomerID, PayingCustomerRef: in.PayingCustomerRef,
		CancellationDate: in.CancellationDate, Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	s.SetValues(in.Values, now)
	s.pin(in.Sale)
	if in.StartDate != nil {
		s.StartDate = *in.StartDate
	}
	c := Change{}
	if in.CancellationDate != nil {
		c.Timers = append(c.Timers, s.timer(timer.Cancellation, *in.CancellationDate))
	}
	if s.StartDate.After(now) {
		s.Status = NotStarted
		s.TrialWanted = in.Trial
		c.Subscription = s
		c.Timers = append(c.Timers, s.timer(timer.SubscriptionStart, s.StartDate))
		c.Events = []event.Event{s.event(typeCreated, now)}
		c.Steps = []string{fmt.Sprintf("It starts on %s.", day(s.StartDate))}
		return c
	}
	backdated := in.StartDate != nil && s.StartDate.Before(now)
	trial, why := eligible(in.Plan.Latest, in.Trial, in.History, backdated, s.StartDate)
	if why != "" {
		c.Steps = append(c.Steps, why)
	}
	s.run(&c, trial, now)
	c.Events = append([]event.Event{s.event(typeCreated, now)}, c.Events...)
	c.Subscription = s
	return c
}

// Begin starts a scheduled subscription at its start date on the latest versions of its plan and add-ons (§9.6). Where
// those have no price for its billing period any more, it begins in their first.
func Begin(s Subscription, o Sale, h History) Change {
	o.BillingPeriod = s.BillingPeriod
	s.pin(o)
	s.touch(s.StartDate)
	c := Change{}
	trial, _ := eligible(o.Plan.Latest, s.TrialWanted, h, false, s.StartDate)
	s.TrialWanted = nil
	s.run(&c, trial, s.StartDate)
	c.Events = append([]event.Event{s.event(typeUpdated, s.StartDate)}, c.Events...)
	c.Subscription = s
	return c
}

// trialOf is a trial that begins: end is nil for one that only its budget ends.
type trialOf struct {
	end      *time.Time
	behavior string
}

// run sets a starting subscription going from its start date.
func (s *Subscription) run(c *Change, trial *trialOf, now time.Time) {
	if trial == nil {
		s.activate(c, s.StartDate, now)
		return
	}
	c.Tried = true
	s.Status, s.TrialEndBehavior = InTrial, trial.behavior
	if trial.end == nil {
		c.Steps = append(c.Steps, "The trial has no end date: its budget ends it.")
		c.Events = append(c.Events, s.event(typeTrialStarted, now))
		return
	}
	end := *trial.end
	s.TrialEndDate = &end
	c.Steps = append(c.Steps, fmt.Sprintf("The trial ends on %s.", day(end)))
	c.Timers = append(c.Timers, s.trialTimers(now)...)
	c.Events = append(c.Events, s.event(typeTrialStarted, now))
}

func (s Subscription) trialTimers(from time.Time) []timer.Timer {
	end := *s.TrialEndDate
	return []timer.Timer{s.timer(timer.TrialEndsSoon, announceAt(from, end)), s.timer(timer.TrialEnd, end)}
}

// activate makes the subscription run and be billed from an instant, which may lie before now.
func (s *Subscription) activate(c *Change, from, now time.Time) {
	s.Status = Active
	s.startCoupons(now)
	if s.PricingType != catalog.Free || s.BillingPeriod != "" {
		s.BillingCycleAnchor = &from
	}
	s.announcePeriod(c, now)
}

// announcePeriod plans the announcement of the end of the billing period that contains now.
func (s Subscription) announcePeriod(c *Change, now time.Time) {
	cycle, ok := s.Cycle()
	if !ok {
		return
	}
	at := cycle.At(now).End.Add(-periodEndsSoonBefore)
	if !at.After(now) {
		at = cycle.At(cycle.At(now).End).End.Add(-periodEndsSoonBefore)
	}
	c.Drop = append(c.Drop, timer.PeriodEndsSoon)
	c.Timers = append(c.Timers, s.timer(timer.PeriodEndsSoon, at))
}

func (s *Subscription) touch(at time.Time) {
	s.Version++
	s.UpdatedAt = at
}

func announceAt(start, end time.Time) time.Time {
	if end.Sub(start) <= endsSoonBefore {
		return start.Add(end.Sub(start) / 2).Truncate(time.Microsecond)
	}
	return end.Add(-endsSoonBefore)
}

func (s Subscription) timer(kind timer.Kind, due time.Time) timer.Timer {
	return timer.Timer{
		Kind: kind, CustomerID: s.CustomerID, CustomerRef: s.CustomerRef, SubscriptionID: s.ID, Due: due,
	}
}

// eligible decides about a trial (§9.5): why says why a plan with a trial starts without one.
func eligible(v *catalog.Version, o *TrialOverride, h History, backdated bool, start time.Time) (trial *trialOf, why string) {
	switch {
	case o != nil && !o.IsTrial:
		return nil, "No trial, as was asked."
	case v.PricingType == catalog.Free || v.Trial == nil && o == nil:
		return nil, ""
	case o != nil:
	case backdated:
		return nil, "No trial, since the start date lies in the past."
	case h.Tried:
		return nil, "No trial, since the customer has had one of this product."
	case h.Paid:
		return nil, "No trial, since the customer has paid for this product."
	}
	trial = &trialOf{}
	if v.Trial != nil {
		trial.behavior = v.Trial.EndBehavior
		if end, ok := v.Trial.Ends(start); ok {
			trial.end = &end
		}
	}
	if o != nil && o.EndDate != nil {
		trial.end = o.EndDate
	}
	if o != nil && o.EndBehavior != "" {
		trial.behavior = o.EndBehavior
	}
	return trial, ""
}

// billingPeriod is the asked for period, else the first of those that the plan or its add-ons are sold in; "" where
// nothing recurs.
func billingPeriod(asked string, v *catalog.Version, addons []NewAddon) string {
	versions := make([]*catalog.Version, len(addons))
	for i, a := range addons {
		versions[i] = a.Package.Latest
	}
	periods, _ := catalog.Periods(v, versions)
	switch {
	case len(periods) == 0:
		return ""
	case slices.Contains(periods, asked):
		return asked
	}
	return periods[0]
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
