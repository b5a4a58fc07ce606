package store

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/entitlement"
)

// EntitlementHolder implements entitlement.Store: one row per subscription that gives access, else one for the customer.
func (t *Tx) EntitlementHolder(ctx context.Context, env tenant.ID, customerRef, resource string) (entitlement.Holder, error) {
	var h entitlement.Holder
	err := t.each(ctx, func(r rows) error {
		var archivedAt *time.Time
		var plan, version *string
		var s entitlement.Subscription
		err := r.Scan(nullTime{&archivedAt}, nullTime{&h.Due}, &h.ResourceKnown, &plan, &version, &s.InTrial,
			nullTime{&s.TrialEndDate}, nullTime{&s.CancellationDate}, nullTime{&s.EndDate})
		h.Known, h.Archived = true, archivedAt != nil
		if plan != nil && version != nil {
			s.PlanID, s.VersionID = *plan, *version
			h.Subscriptions = append(h.Subscriptions, s)
		}
		return err
	}, `
		select c.archived_at,
			(select t.due from timers t where t.environment = c.environment and t.customer_id = c.id order by t.due limit 1),
			exists (select 1 from resources r where r.environment = c.environment and r.customer_id = c.id and r.ref_id = $3),
			s.plan_id, s.version_id, coalesce(s.status, '') = 'IN_TRIAL', s.trial_end_date, s.cancellation_date, s.end_date
		from customers c
		left join subscriptions s on s.environment = c.environment and s.customer_id = c.id
			and s.status in ('ACTIVE', 'IN_TRIAL') and s.resource in ('', $3)
		where c.environment = $1 and c.ref_id = $2
		order by s.id`, env, customerRef, resource)
	return h, err
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
