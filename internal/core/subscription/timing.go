package subscription

import (
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/journey"
)

// Schedule strategies (domain-catalog-provisioning §9.3); "" leaves it to what the change is.
const (
	AtOnce             = "IMMEDIATE"
	EndOfBillingPeriod = "END_OF_BILLING_PERIOD"
	EndOfBillingMonth  = "END_OF_BILLING_MONTH"
)

// Errors of changes (domain-catalog-provisioning §10.1).
var (
	ErrEnded = errs.New(errs.Conflict, "SubscriptionAlreadyCanceledOrExpired", "The subscription has ended.")
	// ErrStatus is a change that the subscription's status does not allow.
	ErrStatus = errs.New(errs.Conflict, "InvalidSubscriptionStatus", "The status of the subscription does not allow this.")
	// ErrCancellationDate is a date at which the subscription cannot be cancelled.
	ErrCancellationDate = errs.New(errs.Invalid, "InvalidCancellationDate", "The subscription cannot be cancelled at that time.")
	// ErrTrialDate is an end of a trial that does not lie ahead, or is missing.
	ErrTrialDate = errs.New(errs.Invalid, "TrialMinDateError", "The end of a trial must lie ahead.")
	// ErrTrialAtOnce is a trial whose cancellation cannot wait.
	ErrTrialAtOnce = errs.New(errs.Invalid, "TrialMustBeCancelledImmediately", "This trial can only be cancelled at once.")
	// ErrChanged is an update of a state that the caller has not seen.
	ErrChanged = errs.New(errs.Conflict, "SubscriptionChanged", "The subscription has changed since it was read.")
)

// EffectiveAt is when a change takes effect (domain-catalog-provisioning §9.9): at once, or at the end of the billing
// period or month, of a trial its end. The error is errs.InvalidArgument where there is no such end.
func (s *Subscription) EffectiveAt(d Direction, strategy string, setting journey.DowngradeTime, now time.Time) (at time.Time, atOnce bool, err error) {
	cycle, billed := s.Cycle()
	switch {
	case strategy == AtOnce || s.Status == NotStarted:
		return now, true, nil
	case strategy == "" && (d != Downgrade || setting != journey.DowngradeAtEndOfBillingPeriod || !billed):
		return now, true, nil
	case s.Status == InTrial && s.TrialEndDate != nil:
		return *s.TrialEndDate, false, nil
	case s.Status == InTrial:
		return now, false, errs.InvalidArgument.At("scheduleStrategy", "The trial of %s has no end date to wait for.", s.RefID)
	case !billed:
		return now, false, errs.InvalidArgument.At("scheduleStrategy", "The subscription %s has no billing period to wait for the end of.", s.RefID)
	case strategy == EndOfBillingMonth:
		return cycle.NextMonth(now), false, nil
	}
	return cycle.At(now).End, false, nil
}

// CancelTimes is what a cancellation asks for.
type CancelTimes struct {
	Time string     // IMMEDIATE, END_OF_BILLING_PERIOD, SPECIFIC_DATE or "" for the product's
	Date *time.Time // of SPECIFIC_DATE
}

// CancelAt is when a cancellation takes effect (domain-catalog-provisioning §9.11). A subscription that has not started is
// cancelled at once, unless a date is given.
func (s *Subscription) CancelAt(in CancelTimes, setting journey.CancellationTime, now time.Time) (at time.Time, atOnce bool, err error) {
	when := journey.CancellationTime(in.Time)
	if when == "" {
		if when = setting; when == journey.EndOfBillingPeriod && !s.canWait() {
			when = journey.Immediate
		}
	}
	switch {
	case when == journey.SpecificDate && in.Date == nil:
		return now, false, ErrCancellationDate.At("endDate", "SPECIFIC_DATE needs an endDate.")
	case when == journey.SpecificDate && !in.Date.After(now):
		return now, false, ErrCancellationDate.At("endDate", "The endDate must lie after now, which is %s.", day(now))
	case when == journey.SpecificDate && s.Status == NotStarted && !in.Date.After(s.StartDate):
		return now, false, ErrCancellationDate.At("endDate", "The endDate must lie after the start of the subscription, %s.", day(s.StartDate))
	case when == journey.SpecificDate:
		return *in.Date, false, nil
	case when == journey.Immediate || s.Status == NotStarted || s.Status == PaymentPending:
		return now, true, nil
	case s.Status == InTrial && s.TrialEndDate == nil:
		return now, false, ErrTrialAtOnce.At("cancellationTime", "The trial of %s has no end date: cancel it at once, or on a date.", s.RefID)
	case s.Status == InTrial:
		return *s.TrialEndDate, false, nil
	}
	cycle, billed := s.Cycle()
	if !billed || s.PricingType == catalog.Custom {
		return now, false, ErrCancellationDate.At("cancellationTime", "A %s subscription has no billing period to wait for the end of: cancel it at once, or on a date.", s.PricingType)
	}
	return cycle.At(now).End, false, nil
}

// canWait reports whether the subscription has an end of a period, or of a trial, to wait for.
func (s *Subscription) canWait() bool {
	if s.Status == InTrial {
		return s.TrialEndDate != nil
	}
	_, billed := s.Cycle()
	return billed && s.PricingType != catalog.Custom
}
