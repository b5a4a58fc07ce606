package subscription

import (
	"fmt"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/timer"
)

// endsSoonBefore is how long before a trial's end it is announced; shorter trials are announced at half time (§9.6).
const endsSoonBefore = 7 * 24 * time.Hour

// Change is what a transition leads to; provisioning saves it. Timers have no ids yet.
type Change struct {
	Subscription Subscription
	Timers       []timer.Timer
	Events       []event.Event
	Tried        bool // a trial of the product began
	Steps        []string
}

// New is everything that a new subscription rests on.
type New struct {
	ID, RefID               string
	CustomerID, CustomerRef string
	Product                 catalog.Product
	Plan                    catalog.Package    // with Latest, which gets pinned
	Bases                   []*catalog.Version // those that it inherits from, which get pinned too
	Addons                  []NewAddon
	Country                 string // whose prices are paid
	Resource                string
	StartDate               *time.Time // nil for now
	BillingPeriod           string     // one that it is not sold in, such as "", takes the first
	Metadata                map[string]string
	History                 History
}

// NewAddon is an add-on that a subscription begins with.
type NewAddon struct {
	Package  *catalog.Package // with Latest, which gets pinned
	Quantity int64
}

// pin fixes what the subscription has and pays.
func (s *Subscription) pin(v *catalog.Version, bases []*catalog.Version, addons []NewAddon) {
	s.VersionID, s.PriceVersionID, s.PlanVersion, s.PricingType = v.ID, v.ID, v.Number, v.PricingType
	s.Bases = nil
	for _, b := range bases {
		s.Bases = append(s.Bases, b.ID)
	}
	s.Prices = []Charge{}
	s.Pay("", v.Prices)
	s.Addons = nil
	for _, a := range addons {
		s.Addons = append(s.Addons, Addon{a.Package.ID, a.Package.RefID, a.Package.Latest.ID, a.Package.Latest.ID, a.Quantity})
		s.Pay(a.Package.RefID, a.Package.Latest.Prices)
	}
}

// History is what trial eligibility asks of a customer, per product (§9.5).
type History struct {
	Tried bool // had a trial of the product
	Paid  bool // had a paid subscription of the product that was no trial
}

// Create makes a subscription at now: scheduled when its start lies ahead, else running, on trial when eligible.
func Create(in New, now time.Time) Change {
	v := in.Plan.Latest
	s := Subscription{
		ID: in.ID, RefID: in.RefID, CustomerID: in.CustomerID, CustomerRef: in.CustomerRef,
		ProductID: in.Product.ID, ProductRef: in.Product.RefID, Resource: in.Resource,
		PlanID: in.Plan.ID, PlanRef: in.Plan.RefID, Country: in.Country,
		StartDate: now, BillingPeriod: billingPeriod(in.BillingPeriod, v, in.Addons), PaymentCollection: paymentNotRequired,
		Metadata: in.Metadata, Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	s.pin(v, in.Bases, in.Addons)
	if in.StartDate != nil {
		s.StartDate = *in.StartDate
	}
	if s.StartDate.After(now) {
		s.Status = NotStarted
		return Change{
			Subscription: s,
			Timers:       []timer.Timer{s.timer(timer.SubscriptionStart, s.StartDate)},
			Events:       []event.Event{s.event(typeCreated, now)},
			Steps:        []string{fmt.Sprintf("It starts on %s.", day(s.StartDate))},
		}
	}
	c := Change{}
	trial, why := eligible(v, in.History, in.StartDate != nil && s.StartDate.Before(now))
	if why != "" {
		c.Steps = append(c.Steps, why)
	}
	s.run(&c, trial)
	c.Events = append([]event.Event{s.event(typeCreated, now)}, c.Events...)
	c.Subscription = s
	return c
}

// Begin starts a scheduled subscription at its start date on the latest versions of its plan and add-ons (§9.6). Where
// those have no price for its billing period any more, it begins in their first.
func Begin(s Subscription, plan catalog.Package, bases []*catalog.Version, addons []NewAddon, h History) Change {
	v := plan.Latest
	s.BillingPeriod = billingPeriod(s.BillingPeriod, v, addons)
	s.pin(v, bases, addons)
	s.touch(s.StartDate)
	c := Change{}
	trial, _ := eligible(v, h, false)
	s.run(&c, trial)
	c.Events = append([]event.Event{s.event(typeUpdated, s.StartDate)}, c.Events...)
	c.Subscription = s
	return c
}

// run sets a starting subscription going from its start date.
func (s *Subscription) run(c *Change, trial *catalog.Trial) {
	if trial == nil {
		s.activate(s.StartDate)
		return
	}
	c.Tried = true
	s.Status, s.TrialEndBehavior = InTrial, trial.EndBehavior
	end, ok := trial.Ends(s.StartDate)
	if !ok {
		c.Steps = append(c.Steps, "The trial has no end date: its budget ends it.")
		c.Events = append(c.Events, s.event(typeTrialStarted, s.StartDate))
		return
	}
	s.TrialEndDate = &end
	c.Steps = append(c.Steps, fmt.Sprintf("The trial ends on %s.", day(end)))
	c.Timers = append(c.Timers, s.timer(timer.TrialEndsSoon, announceAt(s.StartDate, end)), s.timer(timer.TrialEnd, end))
	c.Events = append(c.Events, s.event(typeTrialStarted, s.StartDate))
}

func (s *Subscription) activate(from time.Time) {
	s.Status = Active
	if s.PricingType != catalog.Free || s.BillingPeriod != "" {
		s.BillingCycleAnchor = &from
	}
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

// eligible decides about the default trial (§9.5): why says why a plan with a trial starts without one.
func eligible(v *catalog.Version, h History, backdated bool) (trial *catalog.Trial, why string) {
	switch {
	case v.Trial == nil || v.PricingType == catalog.Free:
		return nil, ""
	case backdated:
		return nil, "No trial, since the start date lies in the past."
	case h.Tried:
		return nil, "No trial, since the customer has had one of this product."
	case h.Paid:
		return nil, "No trial, since the customer has paid for this product."
	}
	return v.Trial, ""
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

// AnnounceTrialEnd tells that a trial ends soon; the subscription stays as it is.
func AnnounceTrialEnd(s Subscription, at time.Time) Change {
	return Change{Subscription: s, Events: []event.Event{s.event(typeTrialEndsSoon, at)}}
}

// ConvertTrial makes a trial that is over a paid subscription; its billing cycle begins at the trial's end (§9.8).
func ConvertTrial(s Subscription, at time.Time) Change {
	s.activate(at)
	s.touch(at)
	return Change{Subscription: s, Events: []event.Event{
		s.eventWith(typeTrialConverted, at, TrialEnded, nil),
	}}
}

// ExpireTrial ends a trial that is over.
func ExpireTrial(s Subscription, at time.Time, steps []string) Change {
	s.Status, s.CancelReason, s.EndDate = Expired, TrialEnded, &at
	s.touch(at)
	return Change{Subscription: s, Events: []event.Event{
		s.eventWith(typeTrialExpired, at, "", steps),
	}}
}

// Cancel ends a subscription at once.
func Cancel(s Subscription, reason string, at time.Time) Change {
	s.Status, s.CancelReason, s.EndDate, s.CancellationDate = Canceled, reason, &at, &at
	s.touch(at)
	return Change{Subscription: s, Events: []event.Event{s.event(typeCanceled, at)}}
}

// EntitlementsUpdated tells that what a customer may use has changed.
func EntitlementsUpdated(customerRef, resource, trigger string, version int64, at time.Time) event.Event {
	payload := struct {
		CustomerID string `json:"customerId"`
		ResourceID string `json:"resourceId,omitempty"`
		Trigger    string `json:"trigger"`
	}{customerRef, resource, trigger}
	return event.Event{
		Type: entitlementsUpdated, Entity: event.Entity{Type: "customer", ID: customerRef}, Version: version,
		At: at, Customer: customerRef, Payload: payload,
	}
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
