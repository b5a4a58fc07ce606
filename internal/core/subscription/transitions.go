package subscription

import (
	"slices"
	"time"

	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/timer"
)

// AnnounceTrialEnd tells that a trial ends soon; the subscription stays as it is.
func AnnounceTrialEnd(s Subscription, at time.Time) Change {
	return Change{Subscription: s, Events: []event.Event{s.event(typeTrialEndsSoon, at)}}
}

// AnnouncePeriodEnd tells that a billing period ends soon, and plans the next announcement; the subscription stays as it is.
func AnnouncePeriodEnd(s Subscription, at time.Time) Change {
	c := Change{Subscription: s, Events: []event.Event{s.event(typePeriodEndsSoon, at)}}
	s.announcePeriod(&c, at)
	return c
}

// ConvertTrial makes a trial a paid subscription; its billing cycle begins then (§9.8). reason is TRIAL_ENDED or
// PAID_SUBSCRIPTION_PROVISIONED.
func ConvertTrial(s Subscription, at time.Time, reason string) Change {
	c := Change{Drop: []timer.Kind{timer.TrialEnd, timer.TrialEndsSoon}}
	s.activate(&c, at, at)
	if s.TrialEndDate != nil && s.TrialEndDate.After(at) {
		s.TrialEndDate = &at
	}
	s.touch(at)
	c.Subscription = s
	c.Events = []event.Event{s.eventWith(typeTrialConverted, at, Note{Reason: reason})}
	return c
}

// PaidSubscriptionProvisioned is the reason of a conversion before the trial ended (§9.6).
const PaidSubscriptionProvisioned = "PAID_SUBSCRIPTION_PROVISIONED"

// ReplaceTrial ends a trial in whose place a paid subscription runs (§9.6).
func ReplaceTrial(s Subscription, at time.Time) Change {
	c := Cancel(s, TrialConverted, at)
	c.Events = append(c.Events, c.Subscription.eventWith(typeTrialConverted, at, Note{Reason: PaidSubscriptionProvisioned}))
	return c
}

// ExpireTrial ends a trial that is over.
func ExpireTrial(s Subscription, at time.Time, steps []string) Change {
	s.end(Expired, TrialEnded, at)
	return Change{Subscription: s, Events: []event.Event{s.eventWith(typeTrialExpired, at, Note{Steps: steps})}}
}

// Expire ends a subscription that does not renew (§9.6).
func Expire(s Subscription, at time.Time, steps []string) Change {
	s.end(Expired, EndReached, at)
	return Change{Subscription: s, Events: []event.Event{s.eventWith(typeExpired, at, Note{Steps: steps})}}
}

// Cancel ends a subscription at once.
func Cancel(s Subscription, reason string, at time.Time) Change {
	s.end(Canceled, reason, at)
	s.CancellationDate = &at
	return Change{Subscription: s, Events: []event.Event{s.event(typeCanceled, at)}}
}

// end is what all endings have in common: what was scheduled is dropped.
func (s *Subscription) end(status Status, reason string, at time.Time) {
	s.Status, s.CancelReason, s.EndDate = status, reason, &at
	s.FutureUpdates = slices.DeleteFunc(slices.Clone(s.FutureUpdates), func(u FutureUpdate) bool { return u.Status != UpdateFailed })
	s.touch(at)
}

// Cancellation is when a subscription will end, and what is done then.
type Cancellation struct {
	At      time.Time
	Action  string // DEFAULT or REVOKE_ENTITLEMENTS
	Prorate bool
}

// RevokeEntitlements is the cancellation action after which nothing follows; the default follows the journey.
const RevokeEntitlements = "REVOKE_ENTITLEMENTS"

// ScheduleCancellation plans the end of a subscription; updates that were scheduled are dropped. A trial that would end
// before is extended until then (§9.11). The same plan again changes nothing.
func ScheduleCancellation(s Subscription, in Cancellation, now time.Time) Change {
	action := ""
	if in.Action == RevokeEntitlements {
		action = in.Action
	}
	if s.CancellationDate != nil && s.CancellationDate.Equal(in.At) && s.CancelAction == action && s.CancelProrate == in.Prorate && !s.Ends && len(s.Pending()) == 0 {
		return Change{Subscription: s}
	}
	c := Change{Drop: []timer.Kind{timer.Cancellation, timer.Update}}
	s.CancellationDate, s.CancelAction, s.CancelProrate, s.Ends = &in.At, action, in.Prorate, false
	s.Schedule(func(FutureUpdate) bool { return false })
	c.Timers = append(c.Timers, s.timer(timer.Cancellation, in.At))
	if s.Status == InTrial && s.TrialEndDate != nil && s.TrialEndDate.Before(in.At) {
		s.TrialEndDate = &in.At
		c.Drop = append(c.Drop, timer.TrialEnd, timer.TrialEndsSoon)
		c.Timers = append(c.Timers, s.trialTimers(now)...)
	}
	s.touch(now)
	c.Subscription = s
	c.Events = []event.Event{s.eventWith(typeUpdated, now, Note{Reason: "CANCELLATION_SCHEDULED"})}
	return c
}

// KeepOn takes a scheduled cancellation back. Without one it changes nothing.
func KeepOn(s Subscription, now time.Time) Change {
	if s.CancellationDate == nil || s.Status.Ended() {
		return Change{Subscription: s}
	}
	s.CancellationDate, s.CancelAction, s.CancelProrate, s.Ends = nil, "", false, false
	s.touch(now)
	return Change{
		Subscription: s, Drop: []timer.Kind{timer.Cancellation},
		Events: []event.Event{s.eventWith(typeUpdated, now, Note{Reason: "CANCELLATION_WITHDRAWN"})},
	}
}

// ExtendTrial gives a trial another end, which lies ahead; a scheduled cancellation is taken back (§9.8).
func ExtendTrial(s Subscription, end, now time.Time) Change {
	if s.TrialEndDate != nil && s.TrialEndDate.Equal(end) {
		return Change{Subscription: s}
	}
	c := Change{Drop: []timer.Kind{timer.TrialEnd, timer.TrialEndsSoon, timer.Cancellation, timer.Update}}
	s.FutureUpdates = slices.Clone(s.FutureUpdates)
	for i := range s.FutureUpdates { // what waits for the end of the trial goes with it
		if f := &s.FutureUpdates[i]; f.Status == Scheduled && s.TrialEndDate != nil && f.At.Equal(*s.TrialEndDate) {
			f.At = end
		}
	}
	s.TrialEndDate = &end
	s.CancellationDate, s.CancelAction, s.CancelProrate, s.Ends = nil, "", false, false
	s.touch(now)
	c.Timers = s.trialTimers(now)
	if at, ok := s.NextUpdate(); ok {
		c.Timers = append(c.Timers, s.timer(timer.Update, at))
	}
	c.Subscription = s
	c.Events = []event.Event{s.eventWith(typeUpdated, now, Note{Reason: "TRIAL_EXTENDED"})}
	return c
}

// Reschedule gives a subscription that has not started another start.
func Reschedule(s Subscription, start, now time.Time) Change {
	s.StartDate = start
	s.touch(now)
	return Change{
		Subscription: s, Drop: []timer.Kind{timer.SubscriptionStart}, Timers: []timer.Timer{s.timer(timer.SubscriptionStart, start)},
		Events: []event.Event{s.eventWith(typeUpdated, now, Note{Reason: "RESCHEDULED"})},
	}
}

// Updated tells that a subscription was changed in its members.
func Updated(s Subscription, at time.Time, n Note) Change {
	s.touch(at)
	return Change{Subscription: s, Events: []event.Event{s.eventWith(typeUpdated, at, n)}}
}

// RestartCycle lets the billing cycle begin at an instant, at its own day from then on.
func (c *Change) RestartCycle(at time.Time) {
	s := &c.Subscription
	s.BillingCycleAnchor, s.Zone = &at, ""
	s.announcePeriod(c, at)
}

// FollowCycle makes a subscription that begins go on in the billing cycle of the one that it replaces.
func (c *Change) FollowCycle(of Cycle, now time.Time) {
	s := &c.Subscription
	s.BillingCycleAnchor, s.Zone = &of.Anchor, of.Zone
	c.Timers = slices.DeleteFunc(c.Timers, func(t timer.Timer) bool { return t.Kind == timer.PeriodEndsSoon })
	s.announcePeriod(c, now)
}

// PlanUpdates makes the timers of a subscription's scheduled updates fit.
func (c *Change) PlanUpdates() {
	c.Drop = append(c.Drop, timer.Update)
	if at, ok := c.Subscription.NextUpdate(); ok {
		c.Timers = append(c.Timers, c.Subscription.timer(timer.Update, at))
	}
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

// FailUpdate says that a scheduled update could not be carried out; the subscription is as it was, but for its list of
// updates.
func FailUpdate(s Subscription, at time.Time, why string) Change {
	s.touch(at)
	return Change{Subscription: s, Events: []event.Event{s.eventWith(typeUpdateFailed, at, Note{Reason: why})}}
}

// MoveToLatest pins the latest versions, and pays their prices (domain-catalog-provisioning §4.3).
func MoveToLatest(s Subscription, to Sale, at time.Time) Change {
	s.pin(to)
	s.touch(at)
	return Change{Subscription: s, Events: []event.Event{s.eventWith(typeUpdated, at, Note{Reason: MigratedToLatest})}}
}
