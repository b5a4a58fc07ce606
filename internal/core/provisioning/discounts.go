package provisioning

import (
	"errors"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
)

// Coupons of a billing provider (domain-catalog-provisioning §3.10).
var (
	ErrPromotionCodeNotFound    = errs.New(errs.NotFound, "PromotionCodeNotFound", "There is no such promotion code.")
	ErrPromotionCodeNotActive   = errs.New(errs.Invalid, "PromotionCodeNotActive", "The promotion code is not active.")
	ErrPromotionCodeNotForYou   = errs.New(errs.Invalid, "PromotionCodeNotForCustomer", "The promotion code is for another customer.")
	ErrPromotionCodeUsedUp      = errs.New(errs.Invalid, "PromotionCodeMaxRedemptionsReached", "The promotion code was used as often as it can be.")
	ErrPromotionCodeTooLittle   = errs.New(errs.Invalid, "PromotionCodeMinimumAmountNotReached", "The amount is too small for the promotion code.")
	ErrPromotionCodeNotTheFirst = errs.New(errs.Invalid, "PromotionCodeCustomerNotFirstPurchase", "The promotion code is for a first purchase.")
)

// discountFor finds the coupon that was asked for; cur is the currency of the subscription, "" for none.
func (b *book) discountFor(a *AppliedCoupon, cur money.Currency, path string) (*subscription.Coupon, error) {
	if a == nil {
		return nil, nil
	}
	if a.Decided != nil {
		return a.Decided, nil
	}
	c := subscription.Coupon{Floats: a.StartDate == nil}
	start := b.at
	if a.StartDate != nil {
		start = clock.Business(*a.StartDate)
	}
	var months *int64
	switch {
	case a.PromotionCode != "":
		return nil, ErrPromotionCodeNotFound.At(path+".promotionCode", "There is no promotion code %s.", a.PromotionCode)
	case a.BillingCouponID != "":
		return nil, catalog.ErrCouponNotFound.At(path+".billingCouponId", "No billing is connected, and so there is no billing coupon %s.", a.BillingCouponID)
	case a.Discount != nil:
		d := a.Discount
		c.ID, c.Name, c.AmountsOff, months = id.Generated("coupon"), d.Name, d.AmountsOff, d.DurationInMonths
		if c.Name == "" {
			c.Name = "Discount"
		}
		if d.PercentOff != nil {
			c.PercentOff = *d.PercentOff
		}
	default:
		known, err := b.couponOf(a.CouponID)
		switch {
		case errors.Is(err, catalog.ErrCouponNotFound):
			return nil, catalog.ErrCouponNotFound.At(path+".couponId", "There is no coupon %s.", a.CouponID)
		case err != nil:
			return nil, err
		case known.Status == catalog.Archived:
			return nil, catalog.ErrCouponArchived.At(path+".couponId", "The coupon %s is archived.", a.CouponID)
		}
		c.ID, c.Name, c.AmountsOff, months = known.RefID, known.Name, known.AmountsOff, known.DurationInMonths
		if known.PercentOff != nil {
			c.PercentOff = *known.PercentOff
		}
	}
	if months != nil {
		c.Months = *months
	}
	c = c.From(start)
	if _, ok := (catalog.Coupon{AmountsOff: c.AmountsOff}).AmountOff(cur); c.PercentOff == 0 && cur != "" && !ok {
		return nil, errs.InvalidArgument.At(path, "The coupon %s takes nothing off prices in %s.", c.ID, cur)
	}
	return &c, nil
}

// lockCurrency keeps a customer to the currency of what it pays for (domain-catalog-provisioning §3.8).
func (b *book) lockCurrency(s *subscription.Subscription, path string) error {
	cur := currencyOf(s)
	if cur == "" || s.PricingType != catalog.Paid {
		return nil
	}
	list, err := b.all()
	if err != nil {
		return err
	}
	for _, o := range list {
		if o.ID == s.ID || o.Status.Ended() || o.PricingType != catalog.Paid || o.Status == subscription.InTrial {
			continue
		}
		if err := b.price(&o.Subscription); err != nil {
			return err
		}
		if other := currencyOf(&o.Subscription); other != "" && other != cur {
			return errs.BadUserInput.At(path+"billingCountryCode",
				"The customer pays for %s in %s, and this would cost %s: a customer has one currency.", o.PlanRef, other, cur)
		}
	}
	return nil
}

// paysIn remembers the currency that a customer pays in.
func (b *book) paysIn(s *subscription.Subscription) {
	cur := string(currencyOf(s))
	if cur == "" || s.PricingType != catalog.Paid || s.Status != subscription.Active {
		return
	}
	if old := b.c.BillingCurrency; old == nil || *old != cur {
		b.c.BillingCurrency = &cur
		b.touch()
	}
}

func business(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	at := clock.Business(*t)
	return &at
}
