package store

import (
	"context"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/journey"
)

var _ = constraint("api_keys_hash", "api_keys.hash", errs.Duplicated.Because("This API key is in use already."))

const (
	production    = "production"
	nonProduction = "non-production"
)

// ClaimAccount implements account.Store. The row of meta makes those that come at the same time wait.
func (t *Tx) ClaimAccount(ctx context.Context, id string) (bool, error) {
	t.exec(`insert into meta (key, value) values ('account', $1) on conflict (key) do nothing`, id)
	owner, err := t.Meta(ctx, "account")
	return owner == id, err
}

// InsertAccount implements account.Store.
func (t *Tx) InsertAccount(a account.Account) {
	t.exec(`
		insert into accounts (id, display_name, timezone, status, subscription_billing_anchor, subscription_proration_behavior, created_at)
		values ($1, $2, $3, 'ACTIVE', $4, $5, $6)`,
		a.ID, a.DisplayName, a.Timezone, a.Anchor, a.Proration, stamp(a.CreatedAt))
}

const accountSelect = `
	select id, display_name, timezone, subscription_billing_anchor, subscription_proration_behavior, created_at from accounts`

func scanAccount(r rows) (account.Account, error) {
	var a account.Account
	err := r.Scan(&a.ID, &a.DisplayName, &a.Timezone, &a.Anchor, &a.Proration, at{&a.CreatedAt})
	return a, err
}

// Account implements account.Store. A database has one.
func (t *Tx) Account(ctx context.Context) (account.Account, error) {
	return first(ctx, t, errNoRow, scanAccount, accountSelect)
}

// LockAccount implements account.Store. Environments refer to the row: new ones do not wait.
func (t *Tx) LockAccount(ctx context.Context) (account.Account, error) {
	return first(ctx, t, errNoRow, scanAccount, accountSelect+t.db.dialect().forNoKeyUpdate())
}

// UpdateAccount implements account.Store.
func (t *Tx) UpdateAccount(a account.Account) {
	t.exec(`
		update accounts set display_name = $2, timezone = $3, subscription_billing_anchor = $4, subscription_proration_behavior = $5
		where id = $1`,
		a.ID, a.DisplayName, a.Timezone, a.Anchor, a.Proration)
}

// BillingDefaults are the account's terms for new subscriptions. They came with the environment's row, so they cost
// nothing and are right on every node.
func (t *Tx) BillingDefaults() account.BillingDefaults { return t.head.billing }

// InsertEnvironment implements account.Store.
func (t *Tx) InsertEnvironment(e account.Environment) {
	typ := nonProduction
	if e.Production {
		typ = production
	}
	t.exec(`
		insert into environments (id, uuid, account_id, slug, display_name, type, created_at)
		values ($1, $2, $3, $4, $5, $6, $7)`,
		e.ID, e.UUID, e.AccountID, e.Slug, e.DisplayName, typ, stamp(e.CreatedAt))
}

// CreateDefaultProduct implements account.Store.
func (t *Tx) CreateDefaultProduct(env tenant.ID, p account.DefaultProduct) {
	const cutoff = "ALWAYS_RESET"
	settings := journey.Defaults()
	t.exec(`
		insert into products (environment, id, ref_id, display_name, metadata, multiple_subscriptions, status, is_default, settings,
			usage_reset_cutoff, version, created_at, updated_at)
		values ($1, $2, $3, $4, '{}', $5, $6, $7, $8, $9, 1, $10, $10)`,
		env, p.ID, p.RefID, p.DisplayName, false, catalog.Published, true, asJSON(settings), cutoff, stamp(p.CreatedAt))
	t.Append(env, event.Event{
		Type: catalog.ProductCreated, Entity: event.Entity{Type: "product", ID: p.RefID}, Version: 1,
		Payload: map[string]any{
			"id": p.RefID, "status": catalog.Published, "isDefaultProduct": true, "productSettings": settings,
			"subscriptionUpdateUsageResetBehavior": cutoff,
		},
	})
}

const environmentColumns = `e.id, e.uuid, e.account_id, e.slug, e.display_name, e.type, e.created_at`

func environmentDest(e *account.Environment, typ *string) []any {
	return []any{&e.ID, &e.UUID, &e.AccountID, &e.Slug, &e.DisplayName, typ, at{&e.CreatedAt}}
}

// ListEnvironments implements account.Store.
func (t *Tx) ListEnvironments(ctx context.Context) ([]account.Environment, error) {
	return all(ctx, t, func(r rows) (account.Environment, error) {
		var e account.Environment
		var typ string
		err := r.Scan(environmentDest(&e, &typ)...)
		e.Production = typ == production
		return e, err
	}, `select `+environmentColumns+` from environments e order by e.id`)
}

const keyColumns = `k.environment, k.id, k.kind, k.name, k.system, k.hash, k.prefix, k.last4, k.created_at, k.expires_at, k.revoked_at`

func keyDest(k *account.Key) []any {
	return []any{
		&k.Environment, &k.ID, &k.Kind, &k.Name, &k.System, &k.Hash, &k.Prefix, &k.Last4,
		at{&k.CreatedAt},
		nullTime{&k.ExpiresAt},
		nullTime{&k.RevokedAt},
	}
}

func scanKey(r rows) (account.Key, error) {
	var k account.Key
	err := r.Scan(keyDest(&k)...)
	return k, err
}

// InsertKey implements account.Store.
func (t *Tx) InsertKey(k account.Key) {
	t.exec(`
		insert into api_keys (environment, id, kind, name, system, hash, prefix, last4, created_at, expires_at, revoked_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		k.Environment, k.ID, string(k.Kind), k.Name, k.System, k.Hash, k.Prefix, k.Last4,
		stamp(k.CreatedAt), nullStamp(k.ExpiresAt), nullStamp(k.RevokedAt))
}

// UpdateKey implements account.Store.
func (t *Tx) UpdateKey(k account.Key) {
	t.exec(`update api_keys set expires_at = $3, revoked_at = $4 where environment = $1 and id = $2`,
		k.Environment, k.ID, nullStamp(k.ExpiresAt), nullStamp(k.RevokedAt))
}

// LockKey implements account.Store.
func (t *Tx) LockKey(ctx context.Context, env tenant.ID, id string) (account.Key, error) {
	return first(ctx, t, account.ErrKeyNotFound, scanKey,
		`select `+keyColumns+` from api_keys k where k.environment = $1 and k.id = $2`+t.db.dialect().forUpdate(), env, id)
}

// KeyByID implements account.Store.
func (t *Tx) KeyByID(ctx context.Context, id string) (account.Key, error) {
	return first(ctx, t, account.ErrKeyNotFound, scanKey, `select `+keyColumns+` from api_keys k where k.id = $1`, id)
}

// KeyByHash implements account.Store.
func (t *Tx) KeyByHash(ctx context.Context, hash string) (k account.Key, e account.Environment, err error) {
	var typ string
	err = t.one(ctx, account.ErrKeyNotFound, append(keyDest(&k), environmentDest(&e, &typ)...), `
		select `+keyColumns+`, `+environmentColumns+`
		from api_keys k join environments e on e.id = k.environment where k.hash = $1`, hash)
	e.Production = typ == production
	return k, e, err
}

// ListKeys implements account.Store.
func (t *Tx) ListKeys(ctx context.Context, env tenant.ID) ([]account.Key, error) {
	text, args := `select `+keyColumns+` from api_keys k`, []any{}
	if env != 0 {
		text, args = text+` where k.environment = $1`, append(args, env)
	}
	return all(ctx, t, scanKey, text+` order by k.environment, k.id`, args...)
}
