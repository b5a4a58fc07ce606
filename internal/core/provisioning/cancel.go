package provisioning

import (
	"context"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/journey"
	"github.com/purserhq/purser/internal/core/subscription"
)

// CancelRequest is one cancellation (domain-catalog-provisioning §9.11).
type CancelRequest struct {
	subscription.CancelTimes
	Action    string // DEFAULT, REVOKE_ENTITLEMENTS or ""
	Prorate   *bool  // nil leaves it to the product
	IfVersion *int64
}

// Cancel ends a subscription now or later. What was paid for the time after is credited where the caller or the product
// says so; the journey's end rule follows unless entitlements are revoked.
func (s *Service) Cancel(ctx context.Context, env tenant.ID, ref string, in CancelRequest) (View, error) {
	var c errs.Checks
	if checkDate(&c, "endDate", in.Date); c.Failed() {
		return View{}, c.Err()
	}
	return s.onSubscription(ctx, env, ref, in.IfVersion, func(b *book, p *entry) error {
		product, _, err := b.journeyOf(p.ProductID)
		if err != nil {
			return err
		}
		at, atOnce, err := p.CancelAt(in.CancelTimes, product.Settings.CancellationTime, b.at)
		if err != nil {
			return err
		}
		prorate := in.Prorate != nil && *in.Prorate
		if atOnce {
			prorate = prorate || in.Prorate == nil && product.Settings.CancellationTime == journey.Immediate
			return b.cancel(p, ending{reason: subscription.Immediate, revoke: in.Action == subscription.RevokeEntitlements, prorate: prorate})
		}
		b.write(p, subscription.ScheduleCancellation(p.Subscription, subscription.Cancellation{
			At: at, Action: in.Action, Prorate: prorate,
		}, b.at))
		return nil
	})
}

// ending is how a subscription ends.
type ending struct {
	reason  string
	revoke  bool // nothing follows
	prorate bool // what was paid for the time after is given back
	expire  bool // it reached its end: EXPIRED
}

// cancelScheduled ends a subscription whose cancellation has become due.
func (b *book) cancelScheduled(p *entry) error {
	return b.cancel(p, ending{
		reason: subscription.ScheduledCancellation, revoke: p.CancelAction == subscription.RevokeEntitlements,
		prorate: p.CancelProrate, expire: p.Ends,
	})
}

// cancel ends a subscription at the book's time, with all that follows from it.
func (b *book) cancel(p *entry, how ending) error {
	was := p.Subscription
	ch, err := b.ended(p, how)
	if err != nil {
		return err
	}
	next, err := b.follows(p, how)
	if err != nil {
		return err
	}
	ch.Note(subscription.Note{Steps: next.Steps})
	b.write(p, ch)
	if next.DowngradeTo != nil && was.Status != subscription.NotStarted {
		product, _, err := b.journeyOf(p.ProductID)
		if err != nil {
			return err
		}
		if err := b.fallBack(was, product, next.DowngradeTo.ID); err != nil {
			return err
		}
	}
	if was.Status.Live() {
		b.entitled(p.Resource, "subscription_canceled")
	}
	return b.linked(p, []string{p.ProductRef})
}

// ended is the change that ends a subscription, with what is given back.
func (b *book) ended(p *entry, how ending) (ch subscription.Change, err error) {
	inv, err := b.last(&p.Subscription, how.prorate)
	if err != nil {
		return ch, err
	}
	if how.expire {
		ch = subscription.Expire(p.Subscription, b.at, nil)
	} else {
		ch = subscription.Cancel(p.Subscription, how.reason, b.at)
	}
	ch.Note(subscription.Note{Invoice: &inv})
	return ch, nil
}

// follows asks the journey in force what comes after a subscription.
func (b *book) follows(p *entry, how ending) (journey.EndDecision, error) {
	product, downgrade, err := b.journeyOf(p.ProductID)
	if err != nil {
		return journey.EndDecision{}, err
	}
	here, err := b.place(p.ProductID, p.Resource)
	if err != nil {
		return journey.EndDecision{}, err
	}
	reason := journey.Cancelled
	if how.expire {
		reason = journey.Expired
	}
	return journey.End(journey.EndInput{
		Reason: reason, Settings: product.Settings, ProductID: product.RefID, PlanID: p.PlanRef, PlanPricingType: p.PricingType,
		RunningNonTrial: here.running != nil && here.running.ID != p.ID, Revoke: how.revoke, DowngradePlan: downgrade,
	}), nil
}

// linked cancels the subscriptions to products that are cancelled with this one (§5.1), and those that follow from these.
// A product without resources follows when nothing of the cancelled one is left.
func (b *book) linked(p *entry, done []string) error {
	cat, err := b.cat()
	if err != nil {
		return err
	}
	list, err := b.all()
	if err != nil {
		return err
	}
	left := slices.ContainsFunc(list, func(o *entry) bool {
		return o.ProductID == p.ProductID && o.Resource != p.Resource && o.Status.Live()
	})
	for _, o := range slices.Clone(list) {
		product, ok := cat.ProductByID(o.ProductID)
		if !ok || o.Status.Ended() || slices.Contains(done, o.ProductRef) || !slices.Contains(product.Settings.CancelWithProductIDs, p.ProductRef) {
			continue
		}
		if o.Resource != p.Resource && o.Resource != "" && p.Resource != "" || o.Resource == "" && left {
			continue
		}
		live := o.Status.Live()
		ch, err := b.ended(o, ending{reason: subscription.AutoCancellationRule, prorate: product.Settings.CancellationTime == journey.Immediate})
		if err != nil {
			return err
		}
		b.write(o, ch)
		if live {
			b.entitled(o.Resource, "subscription_canceled")
		}
		if err := b.linked(o, append(slices.Clone(done), o.ProductRef)); err != nil {
			return err
		}
	}
	return nil
}

// onSubscription runs a change of one subscription that has not ended, in one transaction: its customer is held and
// settled first. ifVersion, when given, must be the subscription's version.
func (s *Service) onSubscription(ctx context.Context, env tenant.ID, ref string, ifVersion *int64, change func(*book, *entry) error) (View, error) {
	return s.onSubscriptionOf(ctx, env, ref, ifVersion, func(b *book, p *entry) error {
		if p.Status.Ended() {
			return subscription.ErrEnded.Because("The subscription %s is %s since %s.", ref, p.Status, p.EndDate.UTC().Format(time.RFC3339))
		}
		return change(b, p)
	})
}
