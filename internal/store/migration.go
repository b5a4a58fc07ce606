package store

import (
	"context"
	"strconv"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/subscription"
)

// ParentsOfProduct implements provisioning.Store.
func (t *Tx) ParentsOfProduct(ctx context.Context, env tenant.ID, productID string) ([]provisioning.Parent, error) {
	return all(ctx, t, func(r rows) (p provisioning.Parent, err error) {
		err = r.Scan(&p.PlanID, &p.PlanRef, &p.ParentRef)
		return p, err
	}, `
		select distinct k.id, k.ref_id, v.parent_ref
		from packages k join package_versions v on v.environment = k.environment and v.package_id = k.id
		where k.environment = $1 and k.product_id = $2 and k.kind = 'PLAN' and v.status = 'PUBLISHED' and v.parent_ref is not null
		order by k.id, v.parent_ref`, env, productID)
}

// VersionIDs implements provisioning.Store.
func (t *Tx) VersionIDs(ctx context.Context, env tenant.ID, packageID string) ([]string, error) {
	return all(ctx, t, scanText, `select id from package_versions where environment = $1 and package_id = $2 order by id`, env, packageID)
}

func scanCandidate(r rows) (c provisioning.Candidate, err error) {
	err = r.Scan(&c.PlanID, &c.SubscriptionID, &c.CustomerID, &c.CustomerRef)
	return c, err
}

// subscribers is a list query of subscriptions s that have started and not ended, and the tables that it reads.
func subscribers(env tenant.ID, of provisioning.Subscribers) (q *listQuery, from string) {
	from = ` from subscriptions s join customers c on c.environment = s.environment and c.id = s.customer_id`
	if of.Addon != "" {
		q = newList("subscription_addons", "a", env)
		q.and(`a.addon_id = ?`, of.Addon)
		from = ` from subscription_addons a join subscriptions s on s.environment = a.environment and s.id = a.subscription_id
			join customers c on c.environment = s.environment and c.id = s.customer_id`
	} else {
		q = newList("subscriptions", "s", env)
		q.in("s.plan_id", of.Plans)
	}
	q.and(`s.status in ('ACTIVE', 'IN_TRIAL', 'PAYMENT_PENDING')`)
	return q, from
}

// SubscribersOf implements provisioning.Store. Subscriptions with an add-on are gone through by their id alone.
func (t *Tx) SubscribersOf(ctx context.Context, env tenant.ID, of provisioning.Subscribers, after provisioning.Position, limit int) ([]provisioning.Candidate, error) {
	q, from := subscribers(env, of)
	order := ` order by s.plan_id, s.id`
	if of.Addon != "" {
		q.and(`a.subscription_id > ?`, after.SubscriptionID)
		order = ` order by a.subscription_id`
	} else {
		q.and(`(s.plan_id, s.id) > (?, ?)`, after.PlanID, after.SubscriptionID)
	}
	return all(ctx, t, scanCandidate, `select s.plan_id, s.id, c.id, c.ref_id`+from+q.clause()+order+` limit `+strconv.Itoa(limit), q.args...)
}

// CountSubscribers implements provisioning.Store.
func (t *Tx) CountSubscribers(ctx context.Context, env tenant.ID, of provisioning.Subscribers) (subscriptions, customers int64, err error) {
	q, from := subscribers(env, of)
	err = t.one(ctx, errNoRow, []any{&subscriptions, &customers}, `select count(*), count(distinct s.customer_id)`+from+q.clause(), q.args...)
	return subscriptions, customers, err
}

// SampleSubscribers implements provisioning.Store: every row at which the row's share of n grows by one.
func (t *Tx) SampleSubscribers(ctx context.Context, env tenant.ID, of provisioning.Subscribers, total, n int64) ([]provisioning.Candidate, error) {
	q, from := subscribers(env, of)
	numbered := `select s.plan_id, s.id, c.id as customer_id, c.ref_id, row_number() over (order by s.id) as nth` + from + q.clause()
	text := `select x.plan_id, x.id, x.customer_id, x.ref_id from (` + numbered + `) x`
	if total > n {
		a, b := strconv.FormatInt(n, 10), strconv.FormatInt(total, 10)
		text += ` where x.nth * ` + a + ` / ` + b + ` > (x.nth - 1) * ` + a + ` / ` + b
	}
	return all(ctx, t, scanCandidate, text+` order by x.id`, q.args...)
}

// SubscriptionsByID implements provisioning.Store.
func (t *Tx) SubscriptionsByID(ctx context.Context, env tenant.ID, ids []string) ([]subscription.Subscription, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	q := newList("subscriptions", "s", env)
	q.in("s.id", ids)
	list, err := all(ctx, t, scanSubscription, subscriptionSelect+q.clause()+` order by s.id`, q.args...)
	if err != nil {
		return nil, err
	}
	return list, t.fillAddons(ctx, env, list)
}

// WritesBegun implements provisioning.Store. On SQLite writes go one after another.
func (t *Tx) WritesBegun(ctx context.Context) (mark int64, err error) {
	if text := t.db.dialect().writesBegun(); text != "" {
		err = t.one(ctx, errNoRow, []any{&mark}, text)
	}
	return mark, err
}

// WritesEnded implements provisioning.Store.
func (t *Tx) WritesEnded(ctx context.Context, mark int64) (ended bool, err error) {
	text := t.db.dialect().writesEnded()
	if text == "" {
		return true, nil
	}
	err = t.one(ctx, errNoRow, []any{&ended}, text, mark)
	return ended, err
}
