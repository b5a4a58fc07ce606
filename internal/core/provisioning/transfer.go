package provisioning

import (
	"context"
	"errors"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/subscription"
)

// Transfer moves a subscription to another resource of its customer: plan, cycle and what is scheduled stay
// (domain-catalog-provisioning §9.11). A place that is taken is errs.Duplicated; to where it is already is no move.
func (s *Service) Transfer(ctx context.Context, env tenant.ID, ref, destination string, ifVersion *int64) (View, error) {
	if issue := id.RefIssue(destination); issue != "" {
		return View{}, errs.BadUserInput.At("destinationResourceId", "destinationResourceId %s", issue)
	}
	return s.onSubscription(ctx, env, ref, ifVersion, func(b *book, p *entry) error {
		product, _, err := b.journeyOf(p.ProductID)
		if err != nil {
			return err
		}
		if !product.MultipleSubscriptions {
			return errs.InvalidArgument.At("destinationResourceId", "The product %s has one subscription per customer, and so no resources.", product.RefID)
		}
		if p.Resource == destination {
			return nil
		}
		there, err := b.place(p.ProductID, destination)
		if err != nil {
			return err
		}
		taken := map[subscription.Status]*entry{
			subscription.Active: there.running, subscription.PaymentPending: there.running,
			subscription.InTrial: there.trial, subscription.NotStarted: there.scheduled,
		}[p.Status]
		if taken != nil {
			return errs.Duplicated.At("destinationResourceId", "The resource %s has the subscription %s already.", destination, taken.RefID)
		}
		from, next := p.Resource, p.Subscription
		next.Resource = destination
		b.resources = append(b.resources, Resource{ID: b.ids.New(), CustomerID: b.c.ID, RefID: destination, CreatedAt: b.at})
		b.write(p, subscription.Updated(next, b.at, subscription.Note{Reason: "TRANSFERRED"}))
		if p.Status.Live() {
			b.entitled(from, "subscription_transferred")
			b.entitled(destination, "subscription_transferred")
		}
		return nil
	})
}

// Delegate lets another customer pay for a subscription, which stays with its customer (domain-catalog-provisioning
// §9.11). Its own customer takes that back.
func (s *Service) Delegate(ctx context.Context, env tenant.ID, ref, target string, ifVersion *int64) (View, error) {
	if s.billing != nil && s.billing.Connected(env) {
		has, err := s.billing.HasPaymentMethod(ctx, env, target)
		if err != nil {
			return View{}, err
		}
		if !has {
			return View{}, subscription.ErrNoPaymentMethod.At("targetCustomerId", "The customer %s has no payment method.", target)
		}
	}
	return s.onSubscription(ctx, env, ref, ifVersion, func(b *book, p *entry) error {
		payer := subscription.Subscription{}
		if target != b.c.RefID {
			c, err := b.st.CustomerByRef(b.ctx, b.env, target)
			if errors.Is(err, customer.ErrNotFound) || err == nil && c.Archived() {
				return customer.ErrNotFound.At("targetCustomerId", "There is no customer %s.", target)
			}
			if err != nil {
				return err
			}
			payer.PayingCustomerID, payer.PayingCustomerRef = c.ID, c.RefID
		}
		if p.PayingCustomerID == payer.PayingCustomerID {
			return nil
		}
		next := p.Subscription
		next.PayingCustomerID, next.PayingCustomerRef = payer.PayingCustomerID, payer.PayingCustomerRef
		b.write(p, subscription.Updated(next, b.at, subscription.Note{Reason: "DELEGATED"}))
		return nil
	})
}
