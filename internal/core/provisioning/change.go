package provisioning

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/metadata"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
)

// Update is a partial change of a subscription (domain-catalog-provisioning §9.9): what is not given stays.
type Update struct {
	// Path goes before the names of bad fields.
	Path             string
	BillingPeriod    string
	Addons           *[]AddonQuantity // all of them
	Charges          []subscription.Quantity
	UnitQuantity     *int64
	PriceOverrides   *[]subscription.PriceOverride
	Values           *[]subscription.Value
	Coupon           opt.Of[AppliedCoupon] // null takes it away
	Metadata         map[string]string     // "" deletes a key
	MinimumSpend     opt.Of[money.Money]
	Budget           opt.Of[subscription.Budget]
	TrialEnd         opt.Of[time.Time] // null ends the trial by converting it now
	CancellationDate opt.Of[time.Time] // null takes a scheduled cancellation back
	SalesforceID     opt.Of[string]
	ScheduleStrategy string
	RestartCycle     bool
	Proration        string
	IfVersion        *int64
	// Whole says that everything scheduled gives way, not only what is about the same.
	Whole bool
}

// Validate names every bad field.
func (u Update) Validate() error {
	var c errs.Checks
	checkPeriod(&c, u.Path+"billingPeriod", u.BillingPeriod)
	if u.Addons != nil {
		for i, a := range *u.Addons {
			Params{Path: u.Path}.checkRef(&c, fmt.Sprintf("addons[%d].id", i), a.ID)
		}
	}
	checkQuantities(&c, u.Path+"charges", u.Charges)
	if u.PriceOverrides != nil {
		checkOverrides(&c, u.Path+"priceOverrides", *u.PriceOverrides)
	}
	if u.Values != nil {
		checkValues(&c, u.Path+"entitlements", *u.Values)
	}
	if u.Coupon.Set && !u.Coupon.Null {
		u.Coupon.Value.check(&c, u.Path+"appliedCoupon")
	}
	metadata.Check(&c, u.Path+"metadata", u.Metadata)
	if u.MinimumSpend.Set && !u.MinimumSpend.Null {
		checkSpend(&c, u.Path, &u.MinimumSpend.Value, nil)
	}
	if u.Budget.Set && !u.Budget.Null {
		checkSpend(&c, u.Path, nil, &u.Budget.Value)
	}
	for name, d := range map[string]opt.Of[time.Time]{"trialEndDate": u.TrialEnd, "cancellationDate": u.CancellationDate} {
		if d.Set && !d.Null {
			checkDate(&c, u.Path+name, &d.Value)
		}
	}
	return c.Err()
}

// UpdateSubscription changes a subscription: what gives more at once, what gives less as the product says, or all of it
// as ScheduleStrategy says. With billing, what costs something waits until it is paid.
func (s *Service) UpdateSubscription(ctx context.Context, env tenant.ID, ref string, u Update) (View, error) {
	if err := u.Validate(); err != nil {
		return View{}, err
	}
	known, err := s.askAbout(ctx, env, ref)
	if err != nil {
		return View{}, err
	}
	var need *payment
	v, err := s.onSubscription(ctx, env, ref, u.IfVersion, func(b *book, p *entry) error {
		b.facts = known
		res, err := b.updateOrHold(p, u)
		need = res.need
		return err
	})
	if err != nil || need == nil {
		return v, err
	}
	return s.charge(ctx, env, need)
}

// update changes a subscription in the book. A trial that ends with it is converted afterwards: what is charged is what it
// has then.
func (b *book) update(p *entry, u Update) (subscribing, error) {
	res, err := b.amend(p, u)
	if err != nil || !u.TrialEnd.Set || !u.TrialEnd.Null || p.Status != subscription.InTrial {
		return res, err
	}
	here, err := b.place(p.ProductID, p.Resource)
	if err != nil {
		return res, err
	}
	if res.invoice, err = b.convert(p, here.running, "TRIAL_REMOVED"); err != nil {
		return res, err
	}
	b.paysIn(&p.Subscription)
	b.entitled(p.Resource, "subscription_updated")
	return res, nil
}

func (b *book) amend(p *entry, u Update) (subscribing, error) {
	res := subscribing{entry: p}
	m, err := b.modification(p, u)
	if err != nil {
		return res, err
	}
	if err := b.dates(p, u); err != nil || p.Status.Ended() {
		return res, err
	}
	from, to, err := b.wanted(p, u)
	if err != nil {
		return res, err
	}
	diffs := subscription.Differences(from, to)
	product, _, err := b.journeyOf(p.ProductID)
	if err != nil {
		return res, err
	}
	now, then, when, err := b.split(p, u, diffs, product.Settings.DowngradeTime)
	if err != nil {
		return res, err
	}
	res.direction = overall(diffs)
	at := from.Apply(now)
	res.samePlan = true
	if u.waits(when, b.at) {
		res.scheduled = len(then) > 0 || !m.Empty()
		return res, b.plan(p, u, m, then, at, when)
	}
	res.scheduled = len(then) > 0
	before, billed := p.Cycle()
	res.invoice, err = b.modify(p, m, at, overall(now), u.RestartCycle, b.proration(cmp.Or(u.Proration, p.Proration)))
	if err != nil {
		return res, err
	}
	if after, ok := p.Cycle(); ok && billed {
		when = b.follow(p, before.At(b.at).End, after.At(b.at).End, when)
	}
	return res, b.plan(p, u, subscription.Modification{Proration: u.Proration}, then, at, when)
}

// follow moves what is scheduled for the end of a billing period that ends at another time now.
func (b *book) follow(p *entry, from, to, when time.Time) time.Time {
	if from.Equal(to) {
		return when
	}
	moved := false
	list := slices.Clone(p.FutureUpdates)
	for i := range list {
		if list[i].Status == subscription.Scheduled && list[i].At.Equal(from) {
			list[i].At, moved = to, true
		}
	}
	if moved {
		ch := subscription.Change{Subscription: p.Subscription}
		ch.Subscription.FutureUpdates = list
		ch.PlanUpdates()
		b.write(p, ch)
		p.changed = true
	}
	if when.Equal(from) {
		return to
	}
	return when
}

// waits reports whether the caller wants everything to happen later.
func (u Update) waits(when, now time.Time) bool {
	return u.ScheduleStrategy != "" && u.ScheduleStrategy != subscription.AtOnce && when.After(now)
}

// billable reports whether the update is about what is ordered or paid.
func (u Update) billable() bool {
	return u.BillingPeriod != "" || u.Addons != nil || len(u.Charges) > 0 || u.UnitQuantity != nil || u.PriceOverrides != nil || u.RestartCycle
}

func overall(list []subscription.Difference) (d subscription.Direction) {
	for _, x := range list {
		if d = x.Direction; d == subscription.Upgrade {
			return d
		}
	}
	return d
}

// split decides what happens now and what later, and when later is (§9.9).
func (b *book) split(p *entry, u Update, diffs []subscription.Difference, setting downgradeTime) (now, then []subscription.Difference, when time.Time, err error) {
	if u.ScheduleStrategy != "" {
		at, atOnce, err := p.EffectiveAt(subscription.Neutral, u.ScheduleStrategy, setting, b.at)
		if err != nil || !atOnce {
			return nil, diffs, at, err
		}
		return diffs, nil, b.at, nil
	}
	when = b.at
	for _, d := range diffs {
		at, atOnce, err := p.EffectiveAt(d.Direction, "", setting, b.at)
		switch {
		case err != nil:
			return nil, nil, when, err
		case atOnce:
			now = append(now, d)
		default:
			then, when = append(then, d), at
		}
	}
	return now, then, when, nil
}

// wanted are the terms that the subscription has and those that the update asks for, checked.
func (b *book) wanted(p *entry, u Update) (from, to subscription.Terms, err error) {
	if err := b.price(&p.Subscription); err != nil {
		return from, to, err
	}
	from = p.Terms()
	to = from.Apply(nil)
	var c errs.Checks
	if u.BillingPeriod != "" && u.BillingPeriod != from.BillingPeriod && (from.BillingPeriod != "" || u.Addons == nil) {
		if err := b.checkPeriodChange(p, u); err != nil {
			return from, to, err
		}
		to.BillingPeriod = u.BillingPeriod
	}
	if u.Addons != nil {
		if err := b.checkAddonChange(&c, p, u); err != nil {
			return from, to, err
		}
		to.Addons = map[string]int64{}
		for _, a := range *u.Addons {
			to.Addons[a.ID] = a.Quantity
		}
		if from.BillingPeriod == "" {
			if to.BillingPeriod, err = b.firstPeriod(p, u); err != nil {
				return from, to, err
			}
		}
	}
	after := p.Subscription
	if err := b.order(&after, to); err != nil {
		return from, to, err
	}
	quantities := chooseQuantities(&c, Params{Path: u.Path, Charges: u.Charges, UnitQuantity: u.UnitQuantity}, &after)
	if c.Failed() {
		return from, to, c.Err()
	}
	to.Quantities = subscription.Ordered(after.Prices, overlay(from.Quantities, quantities))
	return from, to, b.lockCurrency(&after, u.Path)
}

// overlay puts quantities in the place of others.
func overlay(old, given []subscription.Quantity) []subscription.Quantity {
	list := slices.Clone(given)
	for _, q := range old {
		if !slices.ContainsFunc(given, func(o subscription.Quantity) bool { return o.Type == q.Type && o.ID == q.ID }) {
			list = append(list, q)
		}
	}
	return list
}

// checkPeriodChange wants prices for the other period in the versions that are paid.
func (b *book) checkPeriodChange(p *entry, u Update) error {
	v, err := b.version(p.PriceVersionID)
	if err != nil {
		return err
	}
	has := v.BillingPeriods()
	if len(has) == 0 { // the add-ons decide
		for _, a := range p.Addons {
			if v, err = b.version(a.PriceVersionID); err != nil {
				return err
			}
			has = append(has, v.BillingPeriods()...)
		}
	}
	if !slices.Contains(has, u.BillingPeriod) {
		return notSold(p, u, has)
	}
	return nil
}

// firstPeriod is the billing period of a subscription that had none and gets add-ons which cost something: they decide.
func (b *book) firstPeriod(p *entry, u Update) (string, error) {
	cat, err := b.cat()
	if err != nil {
		return "", err
	}
	plan, err := b.version(p.PriceVersionID)
	if err != nil {
		return "", err
	}
	var addons []*catalog.Version
	for _, a := range *u.Addons {
		if has := p.addon(a.ID); has != nil {
			v, err := b.version(has.PriceVersionID)
			if err != nil {
				return "", err
			}
			addons = append(addons, v)
		} else if addon, ok := cat.Addon(a.ID); ok && addon.Latest != nil {
			addons = append(addons, addon.Latest)
		}
	}
	has, none := catalog.Periods(plan, addons)
	switch {
	case none:
		return "", catalog.ErrPriceNotFound.At(u.Path+"addons", "The add-ons are sold in no billing period that they have in common.")
	case len(has) == 0, len(has) == 1 && u.BillingPeriod == "":
		return strings.Join(has, ""), nil
	case u.BillingPeriod == "":
		return "", ErrBillingPeriodMissing.At(u.Path+"billingPeriod", "The add-ons have prices for %v: say which.", has)
	case !slices.Contains(has, u.BillingPeriod):
		return "", notSold(p, u, has)
	}
	return u.BillingPeriod, nil
}
