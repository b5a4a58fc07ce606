package provisioning

import (
	"slices"

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
