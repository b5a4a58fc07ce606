package provisioning

import (
	"slices"
	"time"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/promotion"
	"github.com/purserhq/purser/internal/core/subscription"
	"github.com/purserhq/purser/internal/core/timer"
)

// overdueAfter is how late the timers job may be.
const overdueAfter = 5 * time.Minute

// Held is all that is stored about one customer, as far as it can contradict itself.
type Held struct {
	customer.Customer
	Subscriptions []HeldSubscription
	Promotions    []HeldPromotion
}

// HeldSubscription is a subscription and what it rests on.
type HeldSubscription struct {
	subscription.Subscription
	Timers        []timer.Timer
	ResourceKnown bool
	PerResource   bool // the product has one subscription per resource
	PlanProductID string
	// The pinned version.
	VersionPlanID  string
	VersionStatus  string
	VersionPricing string
	VersionTrial   *catalog.Trial
}

// endless reports whether a trial of the pinned version has no end date: only its budget bounds it.
func (s HeldSubscription) endless() bool {
	return s.VersionTrial != nil && s.VersionTrial.Duration == 0
}

// Check compares a customer's rows with each other. Timers can only be late in real time.
func (h Held) Check(now time.Time, realTime bool) []Finding {
	list := h.checkScopes()
	for _, s := range h.Subscriptions {
		list = append(list, s.checkState()...)
		list = append(list, s.checkPlan()...)
		list = append(list, s.checkTimers(now, realTime)...)
	}
	for _, p := range h.Promotions {
		list = append(list, p.checkTimers(now, realTime)...)
	}
	list = append(list, h.checkTrialed()...)
	if h.Archived() {
		list = append(list, h.checkArchived()...)
	}
	return list
}

// scope is a place for one running trial, one running other and one scheduled subscription.
type scope struct{ product, resource, place string }

func (h Held) checkScopes() (list []Finding) {
	first := map[scope]string{}
	for _, s := range h.Subscriptions {
		place := ""
		switch s.Status {
		case subscription.InTrial:
			place = "running trial"
		case subscription.Active, subscription.PaymentPending:
			place = "running subscription"
		case subscription.NotStarted:
			place = "scheduled subscription"
		case subscription.Canceled, subscription.Expired:
			continue
		}
		at := scope{s.ProductID, s.Resource, place}
		if other, taken := first[at]; taken {
			list = append(list, found(FoundScope, s.Entity(), "The customer %s has a second %s of %s%s beside %s.",
				h.RefID, place, s.ProductRef, ofResource(s.Resource), other))
			continue
		}
		first[at] = s.RefID
	}
	return list
}

func ofResource(resource string) string {
	if resource == "" {
		return ""
	}
	return " for the resource " + resource
}

func (s HeldSubscription) checkState() (list []Finding) {
	wrong := func(is bool, problem string) {
		if is {
			list = append(list, found(FoundState, s.Entity(), "The subscription is %s, but %s.", s.Status, problem))
		}
	}
	trial := s.Status == subscription.InTrial
	wrong(trial && s.TrialEndDate == nil && !s.endless(), "its trial has no end")
	wrong(trial && s.TrialEndDate != nil && !s.TrialEndDate.After(s.StartDate), "its trial ends before it starts")
	wrong(trial && s.PricingType == catalog.Free && s.PriceVersionID == s.VersionID, "its plan is free") // it may have become so
	wrong(s.Status == subscription.Active && s.PricingType != catalog.Free && s.BillingCycleAnchor == nil, "it has no billing cycle")
	wrong(!s.Status.Ended() && s.EndDate != nil, "it has an end date")
	wrong(s.Status.Ended() && s.EndDate == nil, "it has no end date")
	wrong(s.Status == subscription.Canceled && s.CancellationDate == nil, "it has no cancellation date")
	wrong(s.Status.Ended() && s.CancelReason == "", "nothing says why it ended")
	return list
}

func (s HeldSubscription) checkPlan() (list []Finding) {
	add := func(kind, format string, args ...any) {
		list = append(list, found(kind, s.Entity(), format, args...))
	}
	switch {
	case s.PlanProductID != s.ProductID:
		add(FoundPlan, "The plan %s is not one of the product %s.", s.PlanRef, s.ProductRef)
	case s.VersionPlanID != s.PlanID:
		add(FoundPlan, "Its version is not one of the plan %s.", s.PlanRef)
	case s.VersionStatus != catalog.Published:
		add(FoundPlan, "Version %d of the plan %s is %s, not published.", s.PlanVersion, s.PlanRef, s.VersionStatus)
	case s.VersionPricing != s.PricingType:
		add(FoundPlan, "It is %s, version %d of the plan %s is %s.", s.PricingType, s.PlanVersion, s.PlanRef, s.VersionPricing)
	}
	switch {
	case s.Resource != "" && !s.ResourceKnown:
		add(FoundResource, "The customer %s has no resource %s.", s.CustomerRef, s.Resource)
	case s.PerResource && s.Resource == "":
		add(FoundResource, "The product %s has one subscription per resource, and this one is for none.", s.ProductRef)
	case !s.PerResource && s.Resource != "":
		add(FoundResource, "The product %s has one subscription per customer, and this one is for the resource %s.", s.ProductRef, s.Resource)
	}
	return list
}

func (s HeldSubscription) checkTimers(now time.Time, realTime bool) (list []Finding) {
	timers := heldTimers{s.Timers, s.Entity(), "subscription", s.CustomerID, s.Status.Ended()}
	list = timers.check(now, realTime)
	needs := func(kind timer.Kind, at time.Time) {
		list = append(list, timers.needs(string(s.Status), kind, at)...)
	}
	switch {
	case s.Status == subscription.InTrial && s.TrialEndDate != nil:
		needs(timer.TrialEnd, *s.TrialEndDate)
	case s.Status == subscription.NotStarted:
		needs(timer.SubscriptionStart, s.StartDate)
	}
	if s.CancellationDate != nil && !s.Status.Ended() {
		needs(timer.Cancellation, *s.CancellationDate)
	}
	if at, ok := s.NextUpdate(); ok && !s.Status.Ended() {
		needs(timer.Update, at)
	}
	return list
}

// HeldPromotion is a promotional entitlement and its timers.
type HeldPromotion struct {
	promotion.Promotion
	Timers []timer.Timer
}

func (p HeldPromotion) checkTimers(now time.Time, realTime bool) []Finding {
	timers := heldTimers{p.Timers, p.Entity(), "promotional entitlement", p.CustomerID, p.EndedAt != nil}
	list := timers.check(now, realTime)
	if p.EndedAt == nil && p.EndDate != nil {
		list = append(list, timers.needs("running", timer.PromotionEnd, *p.EndDate)...)
	}
	return list
}

// heldTimers are the timers of one entity.
type heldTimers struct {
	list       []timer.Timer
	of         event.Entity
	noun       string
	customerID string
	ended      bool
}

func (h heldTimers) check(now time.Time, realTime bool) (list []Finding) {
	add := func(kind, format string, args ...any) { list = append(list, found(kind, h.of, format, args...)) }
	for _, t := range h.list {
		if t.CustomerID != h.customerID {
			add(FoundTimerOwner, "The timer %s of %s names another customer.", t.Kind, day(t.Due))
		}
		switch {
		case h.ended:
			add(FoundTimerLeft, "The %s has ended and still has the timer %s of %s.", h.noun, t.Kind, day(t.Due))
		case realTime && now.Sub(t.Due) > overdueAfter:
			add(FoundTimerOverdue, "The timer %s has been due since %s. A running server applies it.", t.Kind, day(t.Due))
		}
	}
	return list
}

func (h heldTimers) needs(state string, kind timer.Kind, at time.Time) []Finding {
	if slices.ContainsFunc(h.list, func(t timer.Timer) bool { return t.Kind == kind && t.Due.Equal(at) }) {
		return nil
	}
	return []Finding{found(FoundTimerMissing, h.of, "The %s is %s and has no timer %s at %s.", h.noun, state, kind, day(at))}
}

// checkTrialed compares what drives the one-trial rule with the trials that there were.
func (h Held) checkTrialed() (list []Finding) {
	had := map[customer.Trialed]bool{}
	for _, s := range h.Subscriptions {
		t := customer.Trialed{ProductID: s.ProductRef, PlanID: s.PlanRef}
		if s.TrialEndDate == nil {
			had[t] = had[t] || s.endless()
			continue
		}
		had[t] = true
		if !slices.Contains(h.Trialed, t) {
			list = append(list, found(FoundTrialed, h.Entity(), "The trial %s of the plan %s does not count as had.", s.RefID, s.PlanRef))
		}
	}
	for _, t := range h.Trialed {
		if !had[t] {
			list = append(list, found(FoundTrialed, h.Entity(), "A trial of the plan %s counts as had, and there was none.", t.PlanID))
		}
	}
	return list
}

// checkArchived looks for what archiving ends and erases (domain-catalog-provisioning §8.2).
func (h Held) checkArchived() (list []Finding) {
	for _, s := range h.Subscriptions {
		if !s.Status.Ended() {
			list = append(list, found(FoundArchived, h.Entity(), "The customer is archived and has the %s subscription %s.", s.Status, s.RefID))
		}
	}
	for _, p := range h.Promotions {
		if p.EndedAt == nil {
			list = append(list, found(FoundArchived, h.Entity(), "The customer is archived and has a promotional entitlement to %s.", p.FeatureRef))
		}
	}
	for _, kept := range []struct {
		what  string
		there bool
	}{
		{"a name", h.Name != nil},
		{"an email", h.Email != nil},
		{"payment data", h.DefaultPaymentMethod != nil || h.Passthrough != nil},
		{"the fingerprint of a request", h.First.Fingerprint != nil},
	} {
		if kept.there {
			list = append(list, found(FoundArchived, h.Entity(), "The customer is archived and still has %s.", kept.what))
		}
	}
	return list
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
