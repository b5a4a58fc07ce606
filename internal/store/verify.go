package store

import (
	"context"
	"fmt"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/timer"
)

// verifyPage is how many customers are in memory at once.
const verifyPage = 200

var errVerifying = errs.ServiceUnavailable.Because("Another verification is under way.").After(5 * time.Second)

// Verify implements provisioning.Verifier. It holds one snapshot for as long as it takes (decision record 8), beside
// writers; on SQLite the log cannot shrink meanwhile. One runs at a time: a second one is ServiceUnavailable.
func (db *DB) Verify(ctx context.Context, env tenant.ID) (provisioning.Report, error) {
	if !db.verifying.TryLock() {
		return provisioning.Report{}, errVerifying
	}
	defer db.verifying.Unlock()
	var r provisioning.Report
	err := db.unhurried(ctx, env, func(t *Tx) (err error) {
		r, err = t.verify(ctx, env)
		return err
	})
	if err != nil {
		return provisioning.Report{}, fmt.Errorf("verify: %w", err)
	}
	return r, nil
}

func (t *Tx) verify(ctx context.Context, env tenant.ID) (provisioning.Report, error) {
	r := provisioning.Report{OK: true, Findings: []provisioning.Finding{}}
	v := verification{t, ctx, env, &r}
	for _, check := range []func() error{v.count, v.customers, v.answers, v.references, v.packageVersions, v.addons, v.usage, v.feed} {
		if err := check(); err != nil {
			return r, err
		}
	}
	return r, nil
}

// unhurried is a read without the limit that SQLite's have, on a connection of its own.
func (db *DB) unhurried(ctx context.Context, env tenant.ID, fn func(*Tx) error) (err error) {
	e, ok := db.engine.(*sqliteEngine)
	if !ok {
		return db.read(ctx, env, fn)
	}
	select {
	case <-e.stop:
		return errClosed
	default:
	}
	pool, err := sqlitePool(e.path, 1, "query_only(1)", "cache_size(-16384)")
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	alone := &sqliteEngine{db: db, readers: pool}
	return sqliteAnswer(alone.readLimited(ctx, env, fn))
}

// verification is one run.
type verification struct {
	*Tx
	ctx    context.Context
	env    tenant.ID
	report *provisioning.Report
}

func (v verification) count() error {
	c := &v.report.Checked
	return v.one(v.ctx, errNoRow, []any{
		&c.Customers, &c.Subscriptions, &c.Timers, &c.Plans, &c.Events, &c.Counters, &c.Measurements, &c.UsageEvents,
	}, `
		select (select count(*) from customers where environment = $1), (select count(*) from subscriptions where environment = $1),
			(select count(*) from timers where environment = $1), (select count(*) from packages where environment = $1 and kind = 'PLAN'),
			(select count(*) from events where environment = $1), (select count(*) from usage_counters where environment = $1),
			(select count(*) from usage_measurements where environment = $1), (select count(*) from usage_events where environment = $1)`, v.env)
}

// found adds a finding for every row of a query: the entity's id, then what the message wants as text. It reads no more
// rows than can be listed.
func (v verification) found(kind, entity, format string, text string, args ...any) error {
	text += fmt.Sprintf(` limit %d`, provisioning.MaxFindings+1)
	return v.each(v.ctx, func(r rows) error {
		var id, detail string
		if err := r.Scan(&id, &detail); err != nil {
			return err
		}
		v.report.Add(provisioning.Found(kind, entity, id, format, detail))
		return nil
	}, text, args...)
}

// customers compares the rows of every customer, page by page.
func (v verification) customers() error {
	for after := ""; ; {
		page, err := all(v.ctx, v.Tx, scanCustomer, `
			select `+customerColumns+` from customers c where c.environment = $1 and c.id > $2 order by c.id limit $3`,
			v.env, after, verifyPage)
		if err != nil || len(page) == 0 {
			return err
		}
		last := page[len(page)-1].ID
		held, err := v.held(after, last)
		if err != nil {
			return err
		}
		promotions, err := v.promotions(after, last)
		if err != nil {
			return err
		}
		for _, c := range page {
			h := provisioning.Held{Customer: c, Subscriptions: held[c.ID], Promotions: promotions[c.ID]}
			v.report.Add(h.Check(v.Now(), !v.TestClock())...)
		}
		after = last
	}
}

// held reads the subscriptions of a range of customers. Those whose references are broken are left to references.
func (v verification) held(after, last string) (map[string][]provisioning.HeldSubscription, error) {
	const ofRange = ` where s.environment = $1 and s.customer_id > $2 and s.customer_id <= $3`
	subs, err := all(v.ctx, v.Tx, scanSubscription, subscriptionSelect+ofRange+` order by s.id`, v.env, after, last)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*provisioning.HeldSubscription, len(subs))
	for _, s := range subs {
		byID[s.ID] = &provisioning.HeldSubscription{Subscription: s}
	}
	err = v.each(v.ctx, func(r rows) error {
		var id string
		var h provisioning.HeldSubscription
		if err := r.Scan(&id, &h.ResourceKnown, &h.PerResource, &h.PlanProductID, &h.VersionPlanID, &h.VersionStatus, &h.VersionPricing, fromJSON{&h.VersionTrial}); err != nil {
			return err
		}
		if to := byID[id]; to != nil {
			h.Subscription = to.Subscription
			*to = h
		}
		return nil
	}, `
		select s.id,
			exists (select 1 from resources r where r.environment = s.environment and r.customer_id = s.customer_id and r.ref_id = s.resource),
			p.multiple_subscriptions, k.product_id, v.package_id, v.status, coalesce(v.pricing_type, ''), v.default_trial
		from subscriptions s
		join products p on p.environment = s.environment and p.id = s.product_id
		join packages k on k.environment = s.environment and k.id = s.plan_id
		join package_versions v on v.environment = s.environment and v.id = s.version_id`+ofRange, v.env, after, last)
	if err != nil {
		return nil, err
	}
	err = v.each(v.ctx, func(r rows) error {
		var t timer.Timer
		err := r.Scan(&t.ID, &t.Kind, &t.CustomerID, &t.SubscriptionID, at{&t.Due})
		if to := byID[t.SubscriptionID]; to != nil {
			to.Timers = append(to.Timers, t)
		}
		return err
	}, `
		select t.id, t.kind, t.customer_id, t.subscription_id, t.due
		from timers t join subscriptions s on s.environment = t.environment and s.id = t.subscription_id`+ofRange, v.env, after, last)
	byCustomer := map[string][]provisioning.HeldSubscription{}
	for _, s := range subs {
		byCustomer[s.CustomerID] = append(byCustomer[s.CustomerID], *byID[s.ID])
	}
	return byCustomer, err
}

// promotions reads the promotional entitlements of a range of customers.
func (v verification) promotions(after, last string) (map[string][]provisioning.HeldPromotion, error) {
	const ofRange = ` where g.environment = $1 and g.customer_id > $2 and g.customer_id <= $3`
	timers := map[string][]timer.Timer{} // by promotion
	err := v.each(v.ctx, func(r rows) error {
		var t timer.Timer
		err := r.Scan(&t.ID, &t.Kind, &t.CustomerID, &t.SubscriptionID, at{&t.Due})
		timers[t.SubscriptionID] = append(timers[t.SubscriptionID], t)
		return err
	}, `
		select t.id, t.kind, t.customer_id, t.subscription_id, t.due
		from timers t join promotional_entitlements g on g.environment = t.environment and g.id = t.subscription_id`+ofRange, v.env, after, last)
	if err != nil {
		return nil, err
	}
	list, err := all(v.ctx, v.Tx, scanPromotion, selectPromotion+ofRange+` order by g.id`, v.env, after, last)
	byCustomer := map[string][]provisioning.HeldPromotion{}
	for _, p := range list {
		byCustomer[p.CustomerID] = append(byCustomer[p.CustomerID], provisioning.HeldPromotion{Promotion: p, Timers: timers[p.ID]})
	}
	return byCustomer, err
}

// answers looks for stored answers about archived customers. Archiving's own answer, and refusals since, hold nothing
// that archiving erases.
func (v verification) answers() error {
	return v.found(provisioning.FoundArchived, "customer", "The customer is archived and %s stored answers about it are kept.", `
		select c.ref_id, cast(count(*) as text)
		from customers c join idempotency i on i.environment = c.environment and i.customer = c.ref_id and i.customer <> ''
		where c.environment = $1 and c.archived_at is not null and i.status < 400 and i.route not like '%/archive'
		group by c.ref_id order by c.ref_id`, v.env)
}

// references are the columns that name a row of another table. The database keeps most of them.
var references = []struct{ table, column, parent, entity, id string }{
	{"customers", "provisioned_subscription", "subscriptions", "customer", "ref_id"},
	{"resources", "customer_id", "customers", "resource", "ref_id"},
	{"subscriptions", "customer_id", "customers", "subscription", "ref_id"},
	{"subscriptions", "product_id", "products", "subscription", "ref_id"},
	{"subscriptions", "plan_id", "packages", "subscription", "ref_id"},
	{"subscriptions", "version_id", "package_versions", "subscription", "ref_id"},
	{"subscriptions", "price_version_id", "package_versions", "subscription", "ref_id"},
	{"timers", "customer_id", "customers", "timer", "id"},
	{"promotional_entitlements", "customer_id", "customers", "promotional_entitlement", "id"},
	{"promotional_entitlements", "feature_id", "features", "promotional_entitlement", "id"},
	{"packages", "product_id", "products", "plan", "ref_id"},
	{"package_versions", "package_id", "packages", "plan_version", "id"},
	{"package_entitlements", "version_id", "package_versions", "entitlement", "id"},
	{"package_entitlements", "feature_id", "features", "entitlement", "id"},
	{"prices", "version_id", "package_versions", "price", "id"},
}

func (v verification) references() error {
	err := v.found(provisioning.FoundReference, "timer", "Its subscription_id %s is not among the subscriptions and promotional entitlements.", `
		select t.id, t.subscription_id from timers t
		left join subscriptions s on s.environment = t.environment and s.id = t.subscription_id
		left join promotional_entitlements g on g.environment = t.environment and g.id = t.subscription_id
		where t.environment = $1 and s.id is null and g.id is null order by t.id`, v.env)
	if err != nil {
		return err
	}
	for _, ref := range references {
		err := v.found(provisioning.FoundReference, ref.entity, "Its "+ref.column+" %s is not among the "+ref.parent+".", `
			select x.`+ref.id+`, x.`+ref.column+`
			from `+ref.table+` x left join `+ref.parent+` p on p.environment = x.environment and p.id = x.`+ref.column+`
			where x.environment = $1 and x.`+ref.column+` is not null and p.id is null order by x.`+ref.id, v.env)
		if err != nil {
			return err
		}
	}
	return nil
}

// packageVersions: a published plan or add-on has one version in force, a draft has none; what is in force is published.
func (v verification) packageVersions() error {
	for _, kind := range []catalog.Kind{catalog.KindPlan, catalog.KindAddon} {
		err := v.found(provisioning.FoundVersions, kind.Noun(), "The "+kind.Word()+" %s.", `
			select ref_id, problem from (
				select k.ref_id, case
					when k.status = 'PUBLISHED' and sum(case when v.is_latest then 1 else 0 end) <> 1 then 'is published and has '
						|| cast(sum(case when v.is_latest then 1 else 0 end) as text) || ' versions in force'
					when k.status = 'DRAFT' and sum(case when v.is_latest then 1 else 0 end) > 0 then 'is a draft and has a version in force'
					when sum(case when v.is_latest then 1 else 0 end) > 1 then 'has several versions in force'
					when sum(case when v.is_latest and v.status <> 'PUBLISHED' then 1 else 0 end) > 0 then 'has a version in force that is not published'
					when sum(case when v.status = 'DRAFT' then 1 else 0 end) > 1 then 'has several drafts'
					when count(v.id) = 0 then 'has no version'
					end as problem
				from packages k left join package_versions v on v.environment = k.environment and v.package_id = k.id
				where k.environment = $1 and k.kind = $2 group by k.id, k.ref_id, k.status) x
			where problem is not null order by ref_id`, v.env, string(kind))
		if err != nil {
			return err
		}
	}
	return nil
}

// addons: the versions of a subscription's add-ons are published ones of those add-ons.
func (v verification) addons() error {
	return v.found(provisioning.FoundPlan, "subscription", "Its add-on %s has a version that is not a published one of it.", `
		select s.ref_id, k.ref_id
		from subscription_addons a
		join subscriptions s on s.environment = a.environment and s.id = a.subscription_id
		join packages k on k.environment = a.environment and k.id = a.addon_id
		join package_versions v on v.environment = a.environment and v.id = a.version_id
		join package_versions p on p.environment = a.environment and p.id = a.price_version_id
		where a.environment = $1 and (k.kind <> 'ADDON' or v.package_id <> k.id or p.package_id <> k.id
			or v.status <> 'PUBLISHED' or p.status <> 'PUBLISHED')
		order by s.ref_id, k.ref_id`, v.env)
}
