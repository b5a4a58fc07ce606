package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/timer"
)

const timerSelect = `
	select t.id, t.kind, t.customer_id, c.ref_id, t.subscription_id, t.due, t.attempts
	from timers t join customers c on c.environment = t.environment and c.id = t.customer_id`

func scanTimer(r rows) (timer.Timer, error) {
	var t timer.Timer
	err := r.Scan(&t.ID, &t.Kind, &t.CustomerID, &t.CustomerRef, &t.SubscriptionID, at{&t.Due}, &t.Attempts)
	return t, err
}

var insertTimers = newMultiRow(`insert into timers (environment, id, kind, customer_id, subscription_id, due, created_at)`,
	7, `on conflict (environment, subscription_id, kind, due) do nothing`)

// InsertTimers implements timer.Store. A timer that exists already is left alone.
func (t *Tx) InsertTimers(env tenant.ID, now time.Time, list ...timer.Timer) {
	for some := range slices.Chunk(list, rowsAtOnce) {
		args := make([]any, 0, len(some)*insertTimers.columns)
		for _, tm := range some {
			args = append(args, env, tm.ID, string(tm.Kind), tm.CustomerID, tm.SubscriptionID, stamp(tm.Due), stamp(now))
		}
		t.exec(insertTimers.sql(len(some)), args...)
	}
}

// DeleteTimer implements timer.Store.
func (t *Tx) DeleteTimer(env tenant.ID, id string) {
	t.exec(`delete from timers where environment = $1 and id = $2`, env, id)
}

// DeleteTimersOf implements timer.Store.
func (t *Tx) DeleteTimersOf(env tenant.ID, subscriptionID string) {
	t.exec(`delete from timers where environment = $1 and subscription_id = $2`, env, subscriptionID)
}

// DropTimers implements timer.Store.
func (t *Tx) DropTimers(env tenant.ID, subscriptionID string, kinds ...timer.Kind) {
	for _, k := range kinds {
		t.exec(`delete from timers where environment = $1 and subscription_id = $2 and kind = $3`, env, subscriptionID, string(k))
	}
}

// DueTimers implements timer.Store.
func (t *Tx) DueTimers(ctx context.Context, env tenant.ID, customerID string, now time.Time) ([]timer.Timer, error) {
	return all(ctx, t, scanTimer, timerSelect+`
		where t.environment = $1 and t.customer_id = $2 and t.due <= $3 order by t.due, t.id`, env, customerID, stamp(now))
}

// NextTimer implements provisioning.Store.
func (t *Tx) NextTimer(ctx context.Context, env tenant.ID, upTo time.Time) (timer.Timer, bool, error) {
	tm, err := first(ctx, t, errNoRow, scanTimer, timerSelect+`
		where t.environment = $1 and t.due <= $2 order by t.due, t.id limit 1`, env, stamp(upTo))
	if errors.Is(err, errNoRow) {
		return tm, false, nil
	}
	return tm, err == nil, err
}

// CountTimers implements provisioning.Store.
func (t *Tx) CountTimers(ctx context.Context, env tenant.ID, upTo time.Time) (n int64, err error) {
	err = t.one(ctx, errNoRow, []any{&n}, `select count(*) from timers where environment = $1 and due <= $2`, env, stamp(upTo))
	return n, err
}

// ClaimDue implements provisioning.Store.
func (t *Tx) ClaimDue(ctx context.Context, env tenant.ID, now, until time.Time, limit int) ([]string, error) {
	ids, err := all(ctx, t, scanText, `
		update timers set not_before = $3, attempts = attempts + 1
		where environment = $1 and id in (
			select id from timers where environment = $1 and due <= $2 and (not_before is null or not_before <= $4)
			order by due, id limit $5`+t.db.dialect().skipLocked()+`)
		returning customer_id`, env, stamp(now), stamp(until), stamp(t.db.clock.Now()), limit)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var refs []string
	for _, id := range ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		ref, err := first(ctx, t, errNoRow, scanText, `select ref_id from customers where environment = $1 and id = $2`, env, id)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

func scanText(r rows) (s string, err error) {
	err = r.Scan(&s)
	return s, err
}
