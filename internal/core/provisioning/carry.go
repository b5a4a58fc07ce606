package provisioning

import (
	"fmt"
	"slices"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
)

// carryOver gives a subscription to another plan what its customer keeps from the one that it replaces, unless the request
// says otherwise: who pays, the discount for as long as it lasts, and overridden prices of add-ons that stay. Prices of the
// plan itself were overridden for the other plan (domain-catalog-provisioning §9.12).
func (b *book) carryOver(n *subscription.New, in Params, here place) {
	old := here.running
	if old == nil {
		old = here.trial
	}
	if old == nil {
		return
	}
	if in.PayingCustomerID == "" {
		n.PayingCustomerID, n.PayingCustomerRef = old.PayingCustomerID, old.PayingCustomerRef
	}
	again := func(c *subscription.Coupon) bool { // the same coupon asked for again goes on
		return len(n.Coupons) == 1 && n.Coupons[0].Floats && n.Coupons[0].Same(*c)
	}
	if c := old.CouponAt(b.at); c != nil && (in.Coupon == nil || again(c)) {
		kept := *c
		kept.Floats = kept.Floats && old == here.trial // it begins with the first invoice
		n.Coupons = []subscription.Coupon{kept}
	}
	if in.PriceOverrides == nil {
		for _, o := range old.PriceOverrides {
			stays := func(a subscription.NewAddon) bool { return a.Package.RefID == o.AddonRef }
			if o.AddonRef != "" && slices.ContainsFunc(n.Addons, stays) {
				n.PriceOverrides = append(n.PriceOverrides, o)
			}
		}
	}
}

// predecessor is the subscription, as it is before, in whose place another one runs from now on; nil for none. What runs
// goes before a trial beside it, and a free plan takes the place of a trial that is over.
func (b *book) predecessor(s *subscription.Subscription, here place) *subscription.Subscription {
	t := here.trial
	over := t != nil && t.TrialEndDate != nil && !t.TrialEndDate.After(b.at)
	var of *entry
	switch {
	case s.Status != subscription.InTrial && here.running != nil:
		of = here.running
	case t != nil && t.ID != s.ID && (s.Status == subscription.InTrial || s.PricingType != catalog.Free || over):
		of = t
	case here.left != nil:
		of = here.left
	default:
		return nil
	}
	was := of.Subscription
	return &was
}

// left is the subscription to a product that has ended at the book's time, after it had run there; nil for none.
func (b *book) left(productID, resource string) (left *entry, err error) {
	list, err := b.all()
	for _, p := range list {
		if p.ProductID == productID && p.Resource == resource && p.Status.Ended() && p.EndDate.Equal(b.at) &&
			p.StartDate.Before(b.at) && p.CancelReason != subscription.PendingPaymentExpired {
			left = p
		}
	}
	return left, err
}

// handOver gives the usage periods of a subscription, as it was before, to the one that takes its place; nil is none. The
// product's rule is the one of this moment (domain-entitlements-usage §4.4).
func (b *book) handOver(before, next *subscription.Subscription) error {
	if before == nil {
		return nil
	}
	cat, err := b.cat()
	if err != nil {
		return err
	}
	product, ok := cat.ProductByID(next.ProductID)
	if !ok {
		return fmt.Errorf("product %s is missing", next.ProductID)
	}
	if before.HandOver(product.UsageResetCutoff, next, b.at) {
		b.resets = append(b.resets, subscription.UsageReset{
			CustomerID: b.c.ID, Resource: next.Resource, ProductID: next.ProductID, At: b.at, Former: before.UsageOrigin(),
		})
	}
	return nil
}
