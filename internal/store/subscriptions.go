package store

import (
	"context"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/subscription"
)

var _ = constraint("subscriptions_ref", "subscriptions.environment, subscriptions.ref_id", subscription.ErrDuplicated)

// The product became one with, or without, a subscription per resource after it was read.
var _ = reference("subscriptions_product", subscription.ErrRaced)

// The scope rules (domain-catalog-provisioning §9.2). Every writer holds the customer, so that a violation is a fault of
// the program; it is answered as a conflict and undoes the write.
var (
	scopeColumns = "subscriptions.environment, subscriptions.customer_id, subscriptions.product_id, subscriptions.resource"
	_            = constraint("subscriptions_one_trial", scopeColumns, errs.IntegrityViolation)
	_            = constraint("subscriptions_one_running", scopeColumns, errs.IntegrityViolation)
	_            = constraint("subscriptions_one_scheduled", scopeColumns, errs.IntegrityViolation)
)

const subscriptionSelect = `
	select s.id, s.ref_id, s.customer_id, c.ref_id, s.product_id, p.ref_id, s.resource, s.plan_id, k.ref_id,
		s.version_id, coalesce(s.price_version_id, s.version_id), s.base_versions, s.billing_country, v.version_number, s.pricing_type, s.status, s.start_date, s.end_date, s.trial_end_date,
		coalesce(s.trial_end_behavior, ''), s.cancellation_date, coalesce(s.cancel_reason, ''),
		coalesce(s.billing_period, ''), s.billing_cycle_anchor, s.payment_collection, s.metadata, s.version,
		s.created_at, s.updated_at, s.details, coalesce(s.paying_customer_id, ''), coalesce(w.ref_id, ''),
		(select t.due from timers t where t.environment = s.environment and t.customer_id = s.customer_id order by t.due limit 1)
	from subscriptions s
	join customers c on c.environment = s.environment and c.id = s.customer_id
	join products p on p.environment = s.environment and p.id = s.product_id
	join packages k on k.environment = s.environment and k.id = s.plan_id
	join package_versions v on v.environment = s.environment and v.id = s.version_id
	left join customers w on w.environment = s.environment and w.id = s.paying_customer_id`

func scanSubscription(r rows) (subscription.Subscription, error) {
	var s subscription.Subscription
	err := r.Scan(&s.ID, &s.RefID, &s.CustomerID, &s.CustomerRef, &s.ProductID, &s.ProductRef, &s.Resource, &s.PlanID,
		&s.PlanRef, &s.VersionID, &s.PriceVersionID, fromJSON{&s.Bases}, &s.Country, &s.PlanVersion, &s.PricingType, &s.Status, at{&s.StartDate}, nullTime{&s.EndDate},
		nullTime{&s.TrialEndDate}, &s.TrialEndBehavior, nullTime{&s.CancellationDate}, &s.CancelReason,
		&s.BillingPeriod, nullTime{&s.BillingCycleAnchor}, &s.PaymentCollection, fromJSON{&s.Metadata}, &s.Version,
		at{&s.CreatedAt}, at{&s.UpdatedAt}, fromJSON{&s.Details}, &s.PayingCustomerID, &s.PayingCustomerRef, nullTime{&s.Due})
	return s, err
}

// SubscriptionByRef implements subscription.Store.
func (t *Tx) SubscriptionByRef(ctx context.Context, env tenant.ID, ref string) (subscription.Subscription, error) {
	s, err := t.subscription(ctx, env, subscriptionSelect+` where s.environment = $1 and s.ref_id = $2`, ref)
	if err != nil {
		return s, err
	}
	return s, t.FillCharges(ctx, env, &s)
}

// OwnerOf implements provisioning.Store.
func (t *Tx) OwnerOf(ctx context.Context, env tenant.ID, ref string) (o provisioning.Owner, err error) {
	err = t.one(ctx, subscription.ErrNotFound, []any{&o.ID, &o.CustomerRef}, `
		select s.id, c.ref_id from subscriptions s join customers c on c.environment = s.environment and c.id = s.customer_id
		where s.environment = $1 and s.ref_id = $2`, env, ref)
	return o, err
}

// SubscriptionByID implements subscription.Store.
func (t *Tx) SubscriptionByID(ctx context.Context, env tenant.ID, id string) (subscription.Subscription, error) {
	return t.subscription(ctx, env, subscriptionSelect+` where s.environment = $1 and s.id = $2`, id)
}

func (t *Tx) subscription(ctx context.Context, env tenant.ID, text, of string) (subscription.Subscription, error) {
	s, err := first(ctx, t, subscription.ErrNotFound, scanSubscription, text, env, of)
	if err != nil {
		return s, err
	}
	list := []subscription.Subscription{s}
	err = t.fillAddons(ctx, env, list)
	return list[0], err
}

const openSubscriptionsSQL = subscriptionSelect + `
	where s.environment = $1 and s.customer_id = $2 and s.status not in ('CANCELED', 'EXPIRED') order by s.id`

// OpenSubscriptions implements subscription.Store.
func (t *Tx) OpenSubscriptions(ctx context.Context, env tenant.ID, customerID string) ([]subscription.Subscription, error) {
	list, err := all(ctx, t, scanSubscription, openSubscriptionsSQL, env, customerID)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list, t.fillAddons(ctx, env, list)
}

// HasPaid implements subscription.Store.
func (t *Tx) HasPaid(ctx context.Context, env tenant.ID, customerID, productID string) (paid bool, err error) {
	err = t.one(ctx, errNoRow, []any{&paid}, `
		select exists (select 1 from subscriptions where environment = $1 and customer_id = $2 and product_id = $3
			and billing_cycle_anchor is not null and status <> 'PAYMENT_PENDING' and coalesce(cancel_reason, '') <> 'PENDING_PAYMENT_EXPIRED')`, env, customerID, productID)
	return paid, err
}

// ListSubscriptions implements subscription.Store.
func (t *Tx) ListSubscriptions(ctx context.Context, env tenant.ID, f subscription.Filter, p page.Request) (page.Of[subscription.Subscription], error) {
	q := newList("subscriptions", "s", env)
	if f.CustomerRef != "" {
		q.and(`c.ref_id = ?`, f.CustomerRef)
	}
	if f.PlanRef != "" {
		q.and(`k.ref_id = ?`, f.PlanRef)
	}
	if f.Resource != "" {
		q.and(`s.resource = ?`, f.Resource)
	}
	status := make([]string, len(f.Statuses))
	for i, s := range f.Statuses {
		status[i] = string(s)
	}
	q.in("s.status", status)
	q.in("s.pricing_type", f.PricingTypes)
	q.within("s.created_at", f.Created)
	found, err := listPage(ctx, t, q, p, subscriptionSelect, scanSubscription, func(s subscription.Subscription) string { return s.ID })
	if err != nil {
		return found, err
	}
	if err = t.fillAddons(ctx, env, found.Items); err == nil {
		err = t.fillCharges(ctx, env, found.Items)
	}
	return found, err
}

// InsertSubscription implements subscription.Store.
func (t *Tx) InsertSubscription(env tenant.ID, s subscription.Subscription) {
	metadata := s.Metadata
	if metadata == nil {
		metadata = map[string]string{}
	}
	t.exec(`
		insert into subscriptions (environment, id, ref_id, customer_id, product_id, resource, plan_id, version_id,
			pricing_type, status, start_date, end_date, trial_end_date, trial_end_behavior, cancellation_date,
			cancel_reason, billing_period, billing_cycle_anchor, payment_collection, metadata, version, created_at, updated_at,
			price_version_id, base_versions, billing_country, details, paying_customer_id)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)`,
		env, s.ID, s.RefID, s.CustomerID, s.ProductID, s.Resource, s.PlanID, s.VersionID, s.PricingType, string(s.Status),
		stamp(s.StartDate), nullStamp(s.EndDate), nullStamp(s.TrialEndDate), nullText(s.TrialEndBehavior),
		nullStamp(s.CancellationDate), nullText(s.CancelReason), nullText(s.BillingPeriod), nullStamp(s.BillingCycleAnchor),
		s.PaymentCollection, asJSON(metadata), s.Version, stamp(s.CreatedAt), stamp(s.UpdatedAt),
		ownPrices(s), asJSON(noneAsEmpty(s.Bases)), s.Country, asJSON(s.Details), nullText(s.PayingCustomerID))
	t.insertAddons(env, s)
}

// UpdateSubscription implements subscription.Store.
func (t *Tx) UpdateSubscription(env tenant.ID, s subscription.Subscription) {
	t.exec(`
		update subscriptions set version_id = $3, pricing_type = $4, status = $5, start_date = $6, end_date = $7,
			trial_end_date = $8, trial_end_behavior = $9, cancellation_date = $10, cancel_reason = $11,
			billing_period = $12, billing_cycle_anchor = $13, payment_collection = $14, metadata = $15, version = $16, updated_at = $17,
			price_version_id = $18, base_versions = $19, billing_country = $20, details = $21, paying_customer_id = $22, resource = $23
		where environment = $1 and id = $2`,
		env, s.ID, s.VersionID, s.PricingType, string(s.Status), stamp(s.StartDate), nullStamp(s.EndDate),
		nullStamp(s.TrialEndDate), nullText(s.TrialEndBehavior), nullStamp(s.CancellationDate), nullText(s.CancelReason),
		nullText(s.BillingPeriod), nullStamp(s.BillingCycleAnchor), s.PaymentCollection, asJSON(s.Metadata), s.Version, stamp(s.UpdatedAt),
		ownPrices(s), asJSON(noneAsEmpty(s.Bases)), s.Country, asJSON(s.Details), nullText(s.PayingCustomerID), s.Resource)
}

// ownPrices is the version whose prices are paid; null for the plan's own.
func ownPrices(s subscription.Subscription) any {
	if s.PriceVersionID == s.VersionID {
		return nil
	}
	return nullText(s.PriceVersionID)
}

// noneAsEmpty is for columns that are never null.
func noneAsEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
