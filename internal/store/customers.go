package store

import (
	"context"

	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/provisioning"
)

var _ = constraint("customers_ref", "customers.environment, customers.ref_id", customer.ErrRaced)

const customerColumns = `
	c.id, c.ref_id, c.name, c.email, c.billing_id, c.coupon_ref, c.details, c.metadata, c.trialed, c.exclude_from_experiment,
	c.strategy, c.steps, c.fingerprint, c.provisioned_subscription, c.archived_at, c.version, c.created_at, c.updated_at, c.balance,
	(select t.due from timers t where t.environment = c.environment and t.customer_id = c.id order by t.due limit 1),` + hasPromotions

func scanCustomer(r rows) (customer.Customer, error) {
	var c customer.Customer
	var billingID *string
	err := r.Scan(&c.ID, &c.RefID, &c.Name, &c.Email, &billingID, &c.CouponID, fromJSON{&c.Details}, fromJSON{&c.Metadata},
		fromJSON{&c.Trialed}, &c.ExcludeFromExperiment, &c.First.Strategy, fromJSON{&c.First.Steps},
		fromJSON{&c.First.Fingerprint}, &c.First.SubscriptionID, nullTime{&c.ArchivedAt}, &c.Version,
		at{&c.CreatedAt}, at{&c.UpdatedAt}, fromJSON{&c.Balance}, nullTime{&c.Due}, &c.Promoted)
	c.BillingID = billingID
	return c, err
}

func lockCustomerSQL(d dialect) string {
	return `select ` + customerColumns + ` from customers c where c.environment = $1 and c.ref_id = $2` + d.forUpdate()
}

func init() {
	lockers[tx.Customer] = func(env tenant.ID, ref string) pgFirst {
		return pgFirst{
			sql: lockCustomerSQL(postgresDialect{}), args: []any{env, ref},
			scan: func(t *Tx) func(rows) error {
				key := tx.Lock{Kind: tx.Customer, Ref: ref}
				t.locked[key] = nil
				return func(r rows) error {
					c, err := scanCustomer(r)
					t.locked[key] = c
					return err
				}
			},
		}
	}
}

// A subscription's customer is held before the environment's row is read too: a clock that moved meanwhile counts.
func init() {
	lockers[tx.SubscriptionOwner] = func(env tenant.ID, ref string) pgFirst {
		return pgFirst{
			sql: `select ` + customerColumns + ` from customers c where c.environment = $1
				and c.id = (select s.customer_id from subscriptions s where s.environment = $1 and s.ref_id = $2)` + postgresDialect{}.forUpdate(),
			args: []any{env, ref},
			scan: func(t *Tx) func(rows) error {
				return func(r rows) error {
					c, err := scanCustomer(r)
					t.locked[tx.Lock{Kind: tx.Customer, Ref: c.RefID}] = c
					return err
				}
			},
		}
	}
}

// LockCustomer implements customer.Store. What travelled with BEGIN is used once.
func (t *Tx) LockCustomer(ctx context.Context, env tenant.ID, ref string) (customer.Customer, error) {
	key := tx.Lock{Kind: tx.Customer, Ref: ref}
	if early, ok := t.locked[key]; ok && env == t.env {
		delete(t.locked, key)
		if c, found := early.(customer.Customer); found {
			return c, nil
		}
		return customer.Customer{}, customer.ErrNotFound
	}
	return first(ctx, t, customer.ErrNotFound, scanCustomer, lockCustomerSQL(t.db.dialect()), env, ref)
}

// LockCustomers implements customer.Store.
func (t *Tx) LockCustomers(ctx context.Context, env tenant.ID, refs []string) (map[string]customer.Customer, error) {
	return t.customersByRef(ctx, env, refs, ` order by c.ref_id`+t.db.dialect().forUpdate())
}

// CustomersByRef implements customer.Store.
func (t *Tx) CustomersByRef(ctx context.Context, env tenant.ID, refs []string) (map[string]customer.Customer, error) {
	return t.customersByRef(ctx, env, refs, ``)
}

func (t *Tx) customersByRef(ctx context.Context, env tenant.ID, refs []string, after string) (map[string]customer.Customer, error) {
	q := newList("customers", "c", env)
	q.in("c.ref_id", refs)
	list, err := all(ctx, t, scanCustomer, `select `+customerColumns+` from customers c`+q.clause()+after, q.args...)
	found := make(map[string]customer.Customer, len(list))
	for _, c := range list {
		found[c.RefID] = c
	}
	return found, err
}

// CustomerByRef implements customer.Store.
func (t *Tx) CustomerByRef(ctx context.Context, env tenant.ID, ref string) (customer.Customer, error) {
	return first(ctx, t, customer.ErrNotFound, scanCustomer,
		`select `+customerColumns+` from customers c where c.environment = $1 and c.ref_id = $2`, env, ref)
}

// ListCustomers implements customer.Store.
func (t *Tx) ListCustomers(ctx context.Context, env tenant.ID, f customer.Filter, p page.Request) (page.Of[customer.Customer], error) {
	q := newList("customers", "c", env)
	q.and(`c.archived_at is null`)
	if f.Email != "" {
		q.and(`c.email = ?`, f.Email)
	}
	if f.Name != "" {
		q.and(`c.name = ?`, f.Name)
	}
	q.within("c.created_at", f.Created)
	return listPage(ctx, t, q, p, `select `+customerColumns+` from customers c`, scanCustomer,
		func(c customer.Customer) string { return c.ID })
}

// InsertCustomer implements customer.Store.
func (t *Tx) InsertCustomer(env tenant.ID, c customer.Customer) {
	t.exec(`
		insert into customers (environment, id, ref_id, name, email, billing_id, details, metadata, trialed,
			exclude_from_experiment, strategy, steps, fingerprint, provisioned_subscription, archived_at, version, created_at, updated_at,
			coupon_ref)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		env, c.ID, c.RefID, c.Name, c.Email, c.BillingID, asJSON(c.Details), asJSON(c.Metadata), asJSON(c.Trialed),
		c.ExcludeFromExperiment, c.First.Strategy, asJSON(c.First.Steps), asJSON(c.First.Fingerprint),
		c.First.SubscriptionID, nullStamp(c.ArchivedAt), c.Version, stamp(c.CreatedAt), stamp(c.UpdatedAt), c.CouponID)
}

// UpdateCustomer implements customer.Store.
func (t *Tx) UpdateCustomer(env tenant.ID, c customer.Customer) {
	t.exec(`
		update customers set name = $3, email = $4, billing_id = $5, details = $6, metadata = $7, trialed = $8,
			fingerprint = $9, archived_at = $10, version = $11, updated_at = $12, coupon_ref = $13, balance = $14
		where environment = $1 and id = $2`,
		env, c.ID, c.Name, c.Email, c.BillingID, asJSON(c.Details), asJSON(c.Metadata), asJSON(c.Trialed),
		asJSON(c.First.Fingerprint), nullStamp(c.ArchivedAt), c.Version, stamp(c.UpdatedAt), c.CouponID, asJSON(c.Balance.Stored()))
}

// InsertResource implements provisioning.Store.
func (t *Tx) InsertResource(env tenant.ID, r provisioning.Resource) {
	t.exec(`
		insert into resources (environment, id, customer_id, ref_id, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $5) on conflict (environment, customer_id, ref_id) do nothing`,
		env, r.ID, r.CustomerID, r.RefID, stamp(r.CreatedAt))
}

func scanResource(r rows) (provisioning.Resource, error) {
	var u provisioning.Resource
	err := r.Scan(&u.ID, &u.CustomerID, &u.RefID, at{&u.CreatedAt}, at{&u.UpdatedAt})
	return u, err
}

// ListResources implements provisioning.Store. A cursor belongs to the list of one customer.
func (t *Tx) ListResources(ctx context.Context, env tenant.ID, customerID string, p page.Request) (page.Of[provisioning.Resource], error) {
	q := newList("resources", "r", env)
	q.and(`r.customer_id = ?`, customerID)
	q.among, q.amongArgs = ` and customer_id = $3`, []any{customerID}
	return listPage(ctx, t, q, p, `select r.id, r.customer_id, r.ref_id, r.created_at, r.updated_at from resources r`, scanResource,
		func(r provisioning.Resource) string { return r.ID })
}
