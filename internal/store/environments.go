package store

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/provisioning"
)

func scanEnvironment(r rows) (provisioning.Environment, error) {
	var e provisioning.Environment
	var typ string
	err := r.Scan(&e.UUID, &e.Ref, &typ, nullTime{&e.Clock})
	e.Production = typ == "production"
	return e, err
}

// LockEnvironment implements provisioning.Store.
func (t *Tx) LockEnvironment(ctx context.Context, env tenant.ID) (provisioning.Environment, error) {
	return first(ctx, t, errNoEnvironment, scanEnvironment,
		`select uuid, slug, type, clock from environments where id = $1`+t.db.dialect().forNoKeyUpdate(), env)
}

// EnvironmentByID implements provisioning.Store.
func (t *Tx) EnvironmentByID(ctx context.Context, env tenant.ID) (provisioning.Environment, error) {
	return first(ctx, t, errNoEnvironment, scanEnvironment, `select uuid, slug, type, clock from environments where id = $1`, env)
}

// SetClock implements provisioning.Store; nil is real time.
func (t *Tx) SetClock(env tenant.ID, now *time.Time) {
	t.exec(`update environments set clock = $2 where id = $1`, env, nullStamp(now))
}

// MachineNow is this node's clock: leases, retention, tasks.
func (t *Tx) MachineNow() time.Time { return t.db.clock.Now() }
