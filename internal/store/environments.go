package store

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/provisioning"
)

func scanEnvironment(r rows) (provisioning.Environment, error) {
	var e provisioning.Environment
	var typ string
	err := r.Scan(&e.Ref, &typ, nullTime{&e.Clock})
	e.Production = typ == "production"
	return e, err
}

// LockEnvironment implements provisioning.Store.
func (t *Tx) LockEnvironment(ctx context.Context, env tenant.ID) (provisioning.Environment, error) {
	return first(ctx, t, errNoEnvironment, scanEnvironment,
		`select slug, type, clock from environments where id = $1`+t.db.dialect().forNoKeyUpdate(), env)
}

// EnvironmentByID implements provisioning.Store.
func (t *Tx) EnvironmentByID(ctx context.Context, env tenant.ID) (provisioning.Environment, error) {
	return first(ctx, t, errNoEnvironment, scanEnvironment, `select slug, type, clock from environments where id = $1`, env)
}

// SetClock implements provisioning.Store; nil is real time.
func (t *Tx) SetClock(env tenant.ID, now *time.Time) {
	t.exec(`update environments set clock = $2 where id = $1`, env, nullStamp(now))
}

// MachineNow is this node's clock: leases, retention, tasks.
func (t *Tx) MachineNow() time.Time { return t.db.clock.Now() }

const taskSelect = `select id, type, status, done, total, created_at, updated_at from tasks`

func scanTask(r rows) (provisioning.Task, error) {
	var k provisioning.Task
	err := r.Scan(&k.ID, &k.Type, &k.Status, &k.Done, &k.Total, at{&k.CreatedAt}, at{&k.UpdatedAt})
	return k, err
}

// TaskByID implements provisioning.Store.
func (t *Tx) TaskByID(ctx context.Context, env tenant.ID, id string) (provisioning.Task, error) {
	return first(ctx, t, errs.TaskNotFound, scanTask, taskSelect+` where environment = $1 and id = $2`, env, id)
}

// RunningTask implements provisioning.Store.
func (t *Tx) RunningTask(ctx context.Context, env tenant.ID, typ string) (provisioning.Task, bool, error) {
	list, err := all(ctx, t, scanTask, taskSelect+`
		where environment = $1 and type = $2 and status = 'IN_PROGRESS' order by id desc limit 1`, env, typ)
	if err != nil || len(list) == 0 {
		return provisioning.Task{}, false, err
	}
	return list[0], true, nil
}

// InsertTask implements provisioning.Store.
func (t *Tx) InsertTask(env tenant.ID, k provisioning.Task) {
	t.exec(`
		insert into tasks (environment, id, type, status, done, total, detail, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		env, k.ID, k.Type, k.Status, k.Done, k.Total, asJSON(struct{}{}), stamp(k.CreatedAt), stamp(k.UpdatedAt))
}

// UpdateTask implements provisioning.Store.
func (t *Tx) UpdateTask(env tenant.ID, k provisioning.Task) {
	t.exec(`update tasks set status = $3, done = $4, total = $5, updated_at = $6 where environment = $1 and id = $2`,
		env, k.ID, k.Status, k.Done, k.Total, stamp(k.UpdatedAt))
}
