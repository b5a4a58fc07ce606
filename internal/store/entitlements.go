package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/subscription"
)

const entitlementHolderSQL = `
	select c.id, c.archived_at,
		(select t.due from timers t where t.environment = c.environment and t.customer_id = c.id order by t.due limit 1),
		exists (select 1 from resources r where r.environment = c.environment and r.customer_id = c.id and r.ref_id = $3),` + hasPromotions + `,
		s.id, s.plan_id, s.resource, s.start_date, s.version_id, coalesce(s.price_version_id, s.version_id), s.base_versions, coalesce(s.status, '') = 'IN_TRIAL', s.trial_end_date,
		s.cancellation_date, s.end_date, cast(s.details as text), a.version_id, a.price_version_id, a.quantity,
		coalesce(s.billing_period, ''), s.billing_cycle_anchor, s.billing_country, case when s.status = 'IN_TRIAL' then
			(select cast(v.default_trial as text) from package_versions v where v.environment = s.environment and v.id = s.version_id) end
	from customers c
	left join subscriptions s on s.environment = c.environment and s.customer_id = c.id
		and s.status in ('ACTIVE', 'IN_TRIAL') and s.resource in ('', $3)
	left join subscription_addons a on a.environment = s.environment and a.subscription_id = s.id
	where c.environment = $1 and c.ref_id = $2`

// EntitlementHolder implements entitlement.Store: one row per subscription that gives access and add-on of it,
// else one for the customer; promotions are read where there are some. They come in any order: to sort them SQLite would go through everybody's subscriptions.
func (t *Tx) EntitlementHolder(ctx context.Context, env tenant.ID, customerRef, resource string) (entitlement.Holder, error) {
	var h entitlement.Holder
	place := map[string]int{} // of each subscription
	var promoted bool
	err := t.each(ctx, func(r rows) error {
		var archivedAt, startDate *time.Time
		var id, plan, scope, version, prices, details, addon, addonPrices *string
		var quantity *int64
		var pays paying
		var s entitlement.Subscription
		err := r.Scan(&h.ID, nullTime{&archivedAt}, nullTime{&h.Due}, &h.ResourceKnown, &promoted, &id, &plan, &scope, nullTime{&startDate}, &version, &prices, fromJSON{&s.Bases}, &s.InTrial,
			nullTime{&s.TrialEndDate}, nullTime{&s.CancellationDate}, nullTime{&s.EndDate}, &details, &addon, &addonPrices, &quantity,
			&pays.period, nullTime{&pays.anchor}, &pays.country, fromJSON{&pays.trial})
		h.Known, h.Archived = true, archivedAt != nil
		if err != nil || id == nil {
			return err
		}
		if _, known := place[*id]; !known {
			place[*id] = len(h.Subscriptions)
			s.ID = *id
			s.PlanID, s.Resource, s.StartDate, s.VersionID, s.PriceVersionID = *plan, *scope, *startDate, *version, *prices
			if err := pays.read(*details, &s); err != nil {
				return err
			}
			h.Subscriptions = append(h.Subscriptions, s)
		}
		if addon != nil {
			of := &h.Subscriptions[place[*id]]
			a := entitlement.Addon{VersionID: *addon, PriceVersionID: *addonPrices, Quantity: *quantity}
			of.Addons = append(of.Addons, a)
			if of.Spending != nil {
				of.Spending.By.Addons = append(of.Spending.By.Addons, subscription.Addon{VersionID: a.VersionID, PriceVersionID: a.PriceVersionID, Quantity: a.Quantity})
			}
		}
		return nil
	}, entitlementHolderSQL, env, customerRef, resource)
	if err != nil || !promoted {
		return h, err
	}
	list, err := t.RunningPromotions(ctx, env, h.ID)
	for _, p := range list {
		h.Promotions = append(h.Promotions, entitlement.PromotionOf(p))
	}
	return h, err
}

// paying is how a subscription pays.
type paying struct {
	period  string
	country *string
	anchor  *time.Time
	trial   *catalog.Trial
}

// read takes from the details of a subscription what entitlements need of them: most of it only where a budget bounds them.
func (p paying) read(details string, s *entitlement.Subscription) error {
	var d struct {
		subscription.Own
		Budget *subscription.Budget `json:"budget"`
	}
	if err := json.Unmarshal([]byte(details), &d); err != nil {
		return err
	}
	s.Own = d.Own
	by := subscription.Subscription{
		StartDate: s.StartDate, Status: subscription.Active, VersionID: s.VersionID, PriceVersionID: s.PriceVersionID,
		BillingPeriod: p.period, BillingCycleAnchor: p.anchor, Details: subscription.Details{Budget: d.Budget},
	}
	if s.InTrial {
		by.Status = subscription.InTrial
	}
	if by.HardBudget(p.trial) == nil {
		return nil
	}
	if p.country != nil {
		by.Country = *p.country
	}
	err := json.Unmarshal([]byte(details), &by.Details)
	s.Spending = entitlement.SpendingOf(by, p.trial)
	return err
}

// TestClocks implements account.ClockStore.
func (t *Tx) TestClocks(ctx context.Context) (map[tenant.ID]time.Time, error) {
	clocks := map[tenant.ID]time.Time{}
	err := t.each(ctx, func(r rows) error {
		var env tenant.ID
		var now time.Time
		err := r.Scan(&env, at{&now})
		clocks[env] = now
		return err
	}, `select id, clock from environments where clock is not null`)
	return clocks, err
}
