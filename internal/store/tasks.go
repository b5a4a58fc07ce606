package store

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/provisioning"
)

const taskSelect = `
	select k.environment, k.id, k.type, k.status, k.done, k.total, k.detail, k.lease_owner, k.lease_until, k.created_at, k.updated_at
	from tasks k`

// taskDetail is what of a task no query asks for.
type taskDetail struct {
	Input    json.RawMessage        `json:"input,omitempty"`
	Cursor   json.RawMessage        `json:"cursor,omitempty"`
	Result   json.RawMessage        `json:"result,omitempty"`
	Failures []provisioning.Failure `json:"failures,omitempty"`
	Failed   int64                  `json:"failed,omitempty"`
	Error    string                 `json:"error,omitempty"`
}

func scanTask(r rows) (provisioning.Task, error) {
	var k provisioning.Task
	var d taskDetail
	err := r.Scan(&k.Environment, &k.ID, &k.Type, &k.Status, &k.Done, &k.Total, fromJSON{&d}, &k.Owner, nullTime{&k.Lease},
		at{&k.CreatedAt}, at{&k.UpdatedAt})
	k.Input, k.Cursor, k.Result, k.Failures, k.Failed, k.Error = d.Input, d.Cursor, d.Result, d.Failures, d.Failed, d.Error
	return k, err
}

func detailOf(k provisioning.Task) taskDetail {
	return taskDetail{k.Input, k.Cursor, k.Result, k.Failures, k.Failed, k.Error}
}

// TaskByID implements provisioning.Store.
func (t *Tx) TaskByID(ctx context.Context, env tenant.ID, id string) (provisioning.Task, error) {
	return first(ctx, t, errs.TaskNotFound, scanTask, taskSelect+` where k.environment = $1 and k.id = $2`, env, id)
}

// LockTask implements provisioning.Store.
func (t *Tx) LockTask(ctx context.Context, env tenant.ID, id string) (provisioning.Task, error) {
	return first(ctx, t, errs.TaskNotFound, scanTask,
		taskSelect+` where k.environment = $1 and k.id = $2`+t.db.dialect().forUpdate(), env, id)
}

// RunningTask implements provisioning.Store.
func (t *Tx) RunningTask(ctx context.Context, env tenant.ID, typ string) (provisioning.Task, bool, error) {
	list, err := all(ctx, t, scanTask, taskSelect+`
		where k.environment = $1 and k.type = $2 and k.status in ('PENDING', 'IN_PROGRESS') order by k.id desc limit 1`, env, typ)
	if err != nil || len(list) == 0 {
		return provisioning.Task{}, false, err
	}
	return list[0], true, nil
}

// ListTasks implements provisioning.Store.
func (t *Tx) ListTasks(ctx context.Context, env tenant.ID, f provisioning.TaskFilter, p page.Request) (page.Of[provisioning.Task], error) {
	q := newList("tasks", "k", env)
	q.in("k.type", f.Types)
	q.in("k.status", f.Statuses)
	return listPage(ctx, t, q, p, taskSelect, scanTask, func(k provisioning.Task) string { return k.ID })
}

// InsertTask implements provisioning.Store.
func (t *Tx) InsertTask(env tenant.ID, k provisioning.Task) {
	t.exec(`
		insert into tasks (environment, id, type, status, done, total, detail, lease_owner, lease_until, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		env, k.ID, k.Type, k.Status, k.Done, k.Total, asJSON(detailOf(k)), k.Owner, nullStamp(k.Lease), stamp(k.CreatedAt), stamp(k.UpdatedAt))
}

// UpdateTask implements provisioning.Store.
func (t *Tx) UpdateTask(env tenant.ID, k provisioning.Task) {
	t.exec(`
		update tasks set status = $3, done = $4, total = $5, updated_at = $6, detail = $7, lease_owner = $8, lease_until = $9
		where environment = $1 and id = $2`,
		env, k.ID, k.Status, k.Done, k.Total, stamp(k.UpdatedAt), asJSON(detailOf(k)), k.Owner, nullStamp(k.Lease))
}

// openTasks narrows a query of tasks k to those that somebody may claim at an instant.
func openTasks(env tenant.ID, types []string, at time.Time) *listQuery {
	q := newList("tasks", "k", env)
	q.and(`k.status in ('PENDING', 'IN_PROGRESS')`)
	q.in("k.type", types)
	q.and(`(k.lease_until is null or k.lease_until <= ?)`, stamp(at))
	return q
}

// CountOpenTasks implements provisioning.Store.
func (t *Tx) CountOpenTasks(ctx context.Context, env tenant.ID, types []string, at time.Time) (n int64, err error) {
	q := openTasks(env, types, at)
	err = t.one(ctx, errNoRow, []any{&n}, `select count(*) from tasks k`+q.clause(), q.args...)
	return n, err
}

// ClaimTasks implements provisioning.Store.
func (t *Tx) ClaimTasks(ctx context.Context, env tenant.ID, types []string, owner string, at, until time.Time, limit int) ([]string, error) {
	q := openTasks(env, types, at)
	ids, err := all(ctx, t, scanText, `select k.id from tasks k`+q.clause()+` order by k.id limit `+strconv.Itoa(limit)+t.db.dialect().skipLocked(), q.args...)
	for _, id := range ids {
		t.exec(`update tasks set lease_owner = $3, lease_until = $4 where environment = $1 and id = $2`, env, id, owner, stamp(until))
	}
	return ids, err
}
