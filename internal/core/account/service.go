package account

import (
	"context"
	"errors"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
)

// none is the environment of transactions that belong to no environment, or to all.
const none tenant.ID = 0

// Service makes the account and keeps its keys.
type Service struct {
	db    tx.Runner[Store]
	ids   interface{ New() string }
	clock clock.Clock
}

// NewService makes a service. The clock tells machine time, in which keys live.
func NewService(db tx.Runner[Store], ids interface{ New() string }, c clock.Clock) *Service {
	return &Service{db, ids, c}
}

// First says what the first start makes.
type First struct {
	Name string // of the account, and of the default products
	// Secrets are the keys to begin with; one that is missing is made.
	Secrets map[Slot]string
}

// Slot names one of the keys that every environment has.
type Slot struct {
	Environment tenant.ID
	Kind        Kind
}

// Bootstrap makes the account with its environments, default products and keys, unless there is one already. It returns
// the keys whose secrets it had to make up. Several nodes may start at once: one of them makes the account.
func (s *Service) Bootstrap(ctx context.Context, in First) ([]Issued, error) {
	a := Account{ID: s.ids.New(), DisplayName: in.Name, BillingDefaults: newDefaults, CreatedAt: s.clock.Now()}
	var made []Issued
	err := s.db.Write(ctx, none, func(st Store, _ time.Time) error {
		made = nil
		if won, err := st.ClaimAccount(ctx, a.ID); err != nil || !won {
			return err
		}
		st.InsertAccount(a)
		for _, e := range newEnvironments(a, s.ids.New) {
			st.InsertEnvironment(e)
			st.CreateDefaultProduct(e.ID, DefaultProduct{s.ids.New(), "product-default", a.DisplayName, a.CreatedAt})
			for _, kind := range []Kind{ServerKey, ClientKey} {
				secret, given := in.Secrets[Slot{e.ID, kind}]
				if !given {
					secret = NewSecret(kind)
				}
				k := issue(Key{Environment: e.ID, ID: s.ids.New(), Kind: kind, Name: "Default", System: true, CreatedAt: a.CreatedAt}, secret)
				st.InsertKey(k.Key)
				st.Append(e.ID, k.event("api_key.created"))
				if !given {
					made = append(made, k)
				}
			}
		}
		return nil
	})
	return made, err
}

// Account returns the account.
func (s *Service) Account(ctx context.Context) (Account, error) {
	return tx.Get(ctx, s.db, none, func(st Store, _ time.Time) (Account, error) { return st.Account(ctx) })
}

// UpdateAccount changes the account partially. All environments share it; the event goes to the one that asked.
func (s *Service) UpdateAccount(ctx context.Context, env tenant.ID, u Update) (Account, error) {
	if err := u.Validate(); err != nil {
		return Account{}, err
	}
	return tx.Do(ctx, s.db, env, func(st Store, _ time.Time) (Account, error) {
		a, err := st.LockAccount(ctx)
		if err != nil {
			return a, err
		}
		if changed := u.apply(&a); len(changed) > 0 {
			st.UpdateAccount(a)
			st.Append(env, a.updated(changed))
		}
		return a, nil
	})
}

// Environments lists the environments by id.
func (s *Service) Environments(ctx context.Context) ([]Environment, error) {
	return tx.Get(ctx, s.db, none, func(st Store, _ time.Time) ([]Environment, error) { return st.ListEnvironments(ctx) })
}

// Environment finds an environment by its slug; ErrEnvironmentMissing when there is none.
func (s *Service) Environment(ctx context.Context, slug string) (Environment, error) {
	list, err := s.Environments(ctx)
	if err != nil {
		return Environment{}, err
	}
	for _, e := range list {
		if e.Slug == slug {
			return e, nil
		}
	}
	return Environment{}, ErrEnvironmentMissing.Because("There is no environment %q.", slug)
}

// ListKeys lists the keys of an environment (0: of all), those that ended included.
func (s *Service) ListKeys(ctx context.Context, env tenant.ID) ([]Key, error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) ([]Key, error) { return st.ListKeys(ctx, env) })
}

// CreateKey makes another server key for an environment.
func (s *Service) CreateKey(ctx context.Context, env tenant.ID, name string) (Issued, error) {
	if name == "" || len(name) > 255 {
		return Issued{}, errs.BadUserInput.At("name", "must have from 1 to 255 characters")
	}
	k := issue(Key{Environment: env, ID: s.ids.New(), Kind: ServerKey, Name: name, CreatedAt: s.clock.Now()}, NewSecret(ServerKey))
	err := s.db.Write(ctx, env, func(st Store, _ time.Time) error {
		st.InsertKey(k.Key)
		st.Append(env, k.event("api_key.created"))
		return nil
	})
	return k, err
}

// RotateKey replaces a key's secret by a new key of the same name and kind. The old secret works on for keep, one of
// Keeps.
func (s *Service) RotateKey(ctx context.Context, id, keep string) (Issued, error) {
	d, err := parseKeep(keep)
	if err != nil {
		return Issued{}, err
	}
	now := s.clock.Now()
	var k Issued
	err = s.change(ctx, id, func(st Store, old Key) error {
		if old.Status(now) != "ACTIVE" {
			return errKeyEnded
		}
		k = issue(Key{
			Environment: old.Environment, ID: s.ids.New(), Kind: old.Kind, Name: old.Name, System: old.System, CreatedAt: now,
		}, NewSecret(old.Kind))
		end := now.Add(d)
		old.ExpiresAt = &end
		if d == 0 {
			old.RevokedAt = &end
		}
		st.UpdateKey(old)
		st.InsertKey(k.Key)
		st.Append(old.Environment, old.event("api_key.rotated"), k.event("api_key.created"))
		return nil
	})
	return k, err
}

// RevokeKey ends a key at once and for good. Revoking one that has ended changes nothing.
func (s *Service) RevokeKey(ctx context.Context, id string) (Key, error) {
	now := s.clock.Now()
	var k Key
	err := s.change(ctx, id, func(st Store, found Key) error {
		k = found
		switch status := k.Status(now); {
		case status == "REVOKED" || status == "EXPIRED":
			return nil
		case k.System && status == "ACTIVE":
			return errSystemKey
		}
		k.RevokedAt = &now
		st.UpdateKey(k)
		st.Append(k.Environment, k.event("api_key.revoked"))
		return nil
	})
	return k, err
}

// change runs fn with the row of a key held.
func (s *Service) change(ctx context.Context, id string, fn func(Store, Key) error) error {
	k, err := tx.Get(ctx, s.db, none, func(st Store, _ time.Time) (Key, error) { return st.KeyByID(ctx, id) })
	if err != nil {
		return err
	}
	return s.db.Write(ctx, k.Environment, func(st Store, _ time.Time) error {
		held, err := st.LockKey(ctx, k.Environment, id)
		if err != nil {
			return err
		}
		return fn(st, held)
	})
}

// ExpireKeys marks the keys whose time has come and says so in the feed. They stopped working by themselves.
func (s *Service) ExpireKeys(ctx context.Context) error {
	now := s.clock.Now()
	keys, err := s.ListKeys(ctx, none)
	for _, k := range keys {
		if k.RevokedAt != nil || !k.expired(now) {
			continue
		}
		err = errors.Join(err, s.change(ctx, k.ID, func(st Store, k Key) error {
			if k.RevokedAt == nil && k.expired(now) {
				k.RevokedAt = k.ExpiresAt
				st.UpdateKey(k)
				st.Append(k.Environment, k.event("api_key.expired"))
			}
			return nil
		}))
	}
	return err
}
