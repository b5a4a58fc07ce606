package account

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/event"
)

// Store is what accounts need from a transaction.
type Store interface {
	// ClaimAccount reports whether the account is made by this transaction: false when another one made it. Of several
	// that try at once the others wait for the first.
	ClaimAccount(ctx context.Context, id string) (bool, error)
	InsertAccount(a Account)
	Account(ctx context.Context) (Account, error)
	// LockAccount reads the account now and holds the row.
	LockAccount(ctx context.Context) (Account, error)
	UpdateAccount(a Account) // queued; the row is held
	InsertEnvironment(e Environment)
	// CreateDefaultProduct makes an environment's default product, with the journey of new products, and its event.
	CreateDefaultProduct(env tenant.ID, p DefaultProduct)
	ListEnvironments(ctx context.Context) ([]Environment, error)

	InsertKey(k Key) // queued; a secret in use is errs.Duplicated
	UpdateKey(k Key) // queued; ExpiresAt and RevokedAt
	// LockKey reads a key now and holds the row; ErrKeyNotFound when there is none.
	LockKey(ctx context.Context, env tenant.ID, id string) (Key, error)
	KeyByID(ctx context.Context, id string) (Key, error)
	// KeyByHash finds a key and its environment by the SHA-256 of the secret; ErrKeyNotFound when there is none.
	KeyByHash(ctx context.Context, hash string) (Key, Environment, error)
	// ListKeys lists the keys of an environment (0: of all) in the order of their making.
	ListKeys(ctx context.Context, env tenant.ID) ([]Key, error)
	event.Log
}

// DefaultProduct is the product that is made together with an environment.
type DefaultProduct struct {
	ID          string // internal
	RefID       string
	DisplayName string
	CreatedAt   time.Time
}
