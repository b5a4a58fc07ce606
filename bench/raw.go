package main

import (
	"strconv"
	"time"

	"github.com/purserhq/purser/internal/base/id"
)

// The raw transaction is what a careful engineer would write for this one call and nothing else: the same reads, the
// same rows with the same content, the same durability, no HTTP, no JSON to decode, no decision. Both engines share
// the statements; bench_test.go compares its rows with the server's.
const (
	headSQL = `
		select e.clock, e.catalog_version, (select v.at from events v where v.environment = e.id order by v.position desc limit 1),
			a.timezone, a.subscription_billing_anchor, a.subscription_proration_behavior
		from environments e join accounts a on a.id = e.account_id where e.id = $1`

	customerSQL = `
		select c.id, c.ref_id, c.name, c.email, c.billing_id, c.coupon_ref, c.details, c.metadata, c.trialed, c.exclude_from_experiment,
			c.strategy, c.steps, c.fingerprint, c.provisioned_subscription, c.archived_at, c.version, c.created_at, c.updated_at, c.balance,
			(select t.due from timers t where t.environment = c.environment and t.customer_id = c.id order by t.due limit 1)
		from customers c where c.environment = $1 and c.ref_id = $2`

	insertCustomerSQL = `
		insert into customers (environment, id, ref_id, name, email, details, metadata, trialed, exclude_from_experiment,
			strategy, steps, fingerprint, provisioned_subscription, version, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

	insertSubscriptionSQL = `
		insert into subscriptions (environment, id, ref_id, customer_id, product_id, resource, plan_id, version_id, pricing_type,
			status, start_date, trial_end_date, trial_end_behavior, billing_period, payment_collection, metadata, version, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`

	insertTimerSQL = `
		insert into timers (environment, id, kind, customer_id, subscription_id, due, created_at)
		values ($1, $2, $3, $4, $5, $6, $7)`

	insertEventSQL = `
		insert into events (environment, type, entity_type, entity_id, version, customer, at, recorded_at, actor_type, actor_id, payload)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning position`

	// planSQL finds what a subscription points at.
	planSQL = `
		select p.ref_id, p.id, k.id, v.id, v.pricing_type
		from packages k
		join products p on p.environment = k.environment and p.id = k.product_id
		join package_versions v on v.environment = k.environment and v.package_id = k.id and v.is_latest
		where k.environment = $1 and k.ref_id = $2`
)

// rawPlan is what the raw transaction knows of a plan.
type rawPlan struct {
	ref, product, productID, planID, versionID, pricing string
}

func (p *rawPlan) dest() []any {
	return []any{&p.product, &p.productID, &p.planID, &p.versionID, &p.pricing}
}

// insert is one row.
type insert struct {
	sql  string
	args []any
}

const (
	rawActor    = "01981d4c-0000-7000-8000-000000000000"
	fingerprint = `{"email":"wJ3cGZ8kQ1mVbT5y","name":"hR7sLx2pNd9uKe4a","subscriptionParams.planId":"zB6fWq0jYt8oCi3v"}`
)

// inserts are the rows of one provision. stamp makes an instant an argument.
func (p rawPlan) inserts(ref string, now time.Time, stamp func(time.Time) any) []insert {
	customer, sub, subRef := id.New(), id.New(), id.Generated("subscription")
	trial := p.pricing != "FREE"
	at := stamp(now)
	end := now.AddDate(0, 0, 14)
	var trialEnd, behavior, period any
	status, trialed := "ACTIVE", `[]`
	steps := `["The journey of ` + p.product + ` lets customers choose their plan (PLAN_SELECTION).","The requested ` + p.ref + ` applies."`
	if trial {
		status, trialEnd, period = "IN_TRIAL", stamp(end), "MONTHLY"
		trialed = `[{"productId":"` + p.product + `","planId":"` + p.ref + `"}]`
		steps += `,"The trial ends on ` + end.Format("2006-01-02 15:04 UTC") + `."`
	}
	steps += `]`
	list := []insert{
		{insertCustomerSQL, []any{
			env, customer, ref, "Ada Lovelace", ref + "@example.com", `{}`, `{}`, trialed, false,
			"REQUESTED_PLAN", steps, fingerprint, sub, 1, at, at,
		}},
		{insertSubscriptionSQL, []any{
			env, sub, subRef, customer, p.productID, "", p.planID, p.versionID, p.pricing,
			status, at, trialEnd, behavior, period, "NOT_REQUIRED", `{}`, 1, at, at,
		}},
	}
	if trial {
		list = append(list,
			insert{insertTimerSQL, []any{env, id.New(), "TRIAL_ENDS_SOON", customer, sub, stamp(end.AddDate(0, 0, -7)), at}},
			insert{insertTimerSQL, []any{env, id.New(), "TRIAL_END", customer, sub, stamp(end), at}})
	}
	event := func(typ, entity, entityID, payload string) {
		list = append(list, insert{insertEventSQL, []any{env, typ, entity, entityID, 1, ref, at, at, "API_KEY", rawActor, payload}})
	}
	event("customer.created", "customer", ref,
		`{"customerId":"`+ref+`","excludeFromExperiment":false,"subscriptionDecisionStrategy":"REQUESTED_PLAN"}`)
	about := `{"customerId":"` + ref + `","planId":"` + p.ref + `","planVersion":` + strconv.Itoa(1) + `,"productId":"` + p.product +
		`","startDate":"` + now.Format(time.RFC3339Nano) + `","status":"` + status + `","subscriptionId":"` + subRef + `"`
	if trial {
		about += `,"trialEndDate":"` + end.Format(time.RFC3339Nano) + `"`
	}
	about += `}`
	event("subscription.created", "subscription", subRef, about)
	if trial {
		event("subscription.trial_started", "subscription", subRef, about)
	}
	event("entitlements.updated", "customer", ref, `{"customerId":"`+ref+`","trigger":"subscription_created"}`)
	return list
}

// rawNow is the time of a raw provision, in what databases can store.
func rawNow() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
