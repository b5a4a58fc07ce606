package provisioning

import (
	"errors"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/journey"
	"github.com/purserhq/purser/internal/core/subscription"
)

// newSubscription brings together what a subscription begins with.
func (b *book) newSubscription(in Params, product *catalog.Product, t terms) (subscription.New, error) {
	n := subscription.New{
		ID: b.ids.New(), RefID: id.Generated("subscription"), CustomerID: b.c.ID, CustomerRef: b.c.RefID,
		Product: *product, Resource: valueOf(in.ResourceID), Metadata: in.Metadata, Sale: t.Sale, Trial: in.Trial,
		StartDate: business(in.StartDate), CancellationDate: business(in.CancellationDate), Details: t.details,
	}
	if n.Trial != nil && n.Trial.EndDate != nil {
		trial := *n.Trial
		trial.EndDate = business(trial.EndDate)
		n.Trial = &trial
	}
	if in.ID != nil {
		n.RefID = *in.ID
		if !b.made { // else the database says so
			if err := b.idIsFree(in); err != nil {
				return n, err
			}
		}
	}
	if d := b.st.BillingDefaults(); d.Anchor == account.StartOfTheMonth {
		n.Zone = d.Timezone
	}
	coupon, err := b.discountFor(in.Coupon, t.currency(), in.Path+"appliedCoupon")
	if err != nil {
		return n, err
	}
	if coupon != nil {
		n.GiveCoupon(coupon, b.at)
	}
	return n, b.payer(&n, in)
}

// payer finds the customer who pays for another.
func (b *book) payer(n *subscription.New, in Params) error {
	if in.PayingCustomerID == "" || in.PayingCustomerID == b.c.RefID {
		return nil
	}
	c, err := b.st.CustomerByRef(b.ctx, b.env, in.PayingCustomerID)
	if errors.Is(err, customer.ErrNotFound) || err == nil && c.Archived() {
		return customer.ErrNotFound.At(in.Path+"payingCustomerId", "There is no customer %s.", in.PayingCustomerID)
	}
	n.PayingCustomerID, n.PayingCustomerRef = c.ID, c.RefID
	return err
}

// idIsFree refuses a subscription id that is taken, before anything rests on it; the database decides for good.
func (b *book) idIsFree(in Params) error {
	_, err := b.st.OwnerOf(b.ctx, b.env, *in.ID)
	switch {
	case errors.Is(err, subscription.ErrNotFound):
		return nil
	case err == nil:
		return errs.Duplicated.At(in.Path+"id", "The subscription id %s is in use already.", *in.ID)
	}
	return err
}

// checkDates refuses dates that contradict each other (§9.3 step 8).
func (b *book) checkDates(in Params, n subscription.New) error {
	start := b.at
	if n.StartDate != nil {
		start = *n.StartDate
	}
	if d := n.CancellationDate; d != nil && (!d.After(start) || !d.After(b.at)) {
		return subscription.ErrCancellationDate.At(in.Path+"cancellationDate", "The cancellation date must lie after the start and ahead of now.")
	}
	o := n.Trial
	if o == nil {
		return nil
	}
	path := in.Path + "trialOverrideConfiguration"
	switch {
	case !o.IsTrial:
		return nil
	case n.Plan.Latest.PricingType == catalog.Free:
		return errs.InvalidArgument.At(path+".isTrial", "The plan %s is free: there is nothing to try.", n.Plan.RefID)
	case o.EndDate == nil && n.Plan.Latest.Trial == nil:
		return subscription.ErrTrialDate.At(path+".trialEndDate", "The plan %s has no default trial: say when this one ends.", n.Plan.RefID)
	case o.EndDate != nil && (!o.EndDate.After(b.at) || !o.EndDate.After(start)):
		return subscription.ErrTrialDate.At(path+".trialEndDate", "The trial must end after the start and ahead of now.")
	}
	return nil
}

// startPlan is the plan that a journey starts with; nil when it names none.
func startPlan(cat *catalog.Snapshot, s journey.Settings) *journey.Plan {
	plan, ok := cat.Plan(string(s.StartPlanID))
	if !ok {
		return nil
	}
	j := plan.ForJourney()
	return &j
}
