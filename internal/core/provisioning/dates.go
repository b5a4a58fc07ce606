package provisioning

import (
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/core/subscription"
)

// dates applies the dates of an update: the trial's end and the cancellation.
func (b *book) dates(p *entry, u Update) error {
	if d := u.TrialEnd; d.Set {
		if err := b.trialEnd(p, d, u.Path); err != nil {
			return err
		}
	}
	switch d := u.CancellationDate; {
	case !d.Set:
	case d.Null:
		b.write(p, subscription.KeepOn(p.Subscription, b.at))
	default:
		at := clock.Business(d.Value)
		if !at.After(b.at) {
			return subscription.ErrCancellationDate.At(u.Path+"cancellationDate", "The cancellation date must lie ahead.")
		}
		b.write(p, subscription.ScheduleCancellation(p.Subscription, subscription.Cancellation{At: at, Action: p.CancelAction}, b.at))
	}
	return nil
}

// trialEnd gives a trial another end (§9.8).
func (b *book) trialEnd(p *entry, d opt.Of[time.Time], path string) error {
	if p.Status != subscription.InTrial {
		if d.Null {
			return nil
		}
		return subscription.ErrStatus.At(path+"trialEndDate", "The subscription %s is %s, not IN_TRIAL.", p.RefID, p.Status)
	}
	if d.Null {
		return nil // see update
	}
	end := clock.Business(d.Value)
	if !end.After(b.at) {
		return subscription.ErrTrialDate.At(path+"trialEndDate", "The end of a trial must lie ahead. To end it now, cancel the subscription.")
	}
	here, err := b.place(p.ProductID, p.Resource)
	if err != nil {
		return err
	}
	if next := here.scheduled; next != nil && p.TrialEndDate != nil && next.StartDate.Equal(*p.TrialEndDate) {
		b.write(next, subscription.Reschedule(next.Subscription, end, b.at)) // it follows the trial
	}
	b.write(p, subscription.ExtendTrial(p.Subscription, end, b.at))
	b.entitled(p.Resource, "subscription_updated")
	return nil
}
