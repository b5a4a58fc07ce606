package store

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/core/usage"
)

// PruneFeed removes at most n events recorded before an instant of machine time and reports how many.
func (db *DB) PruneFeed(ctx context.Context, before time.Time, n int) (removed int, err error) {
	err = db.Write(ctx, 0, func(t *Tx, _ time.Time) (err error) {
		removed, err = t.PruneEvents(ctx, before, n)
		return err
	})
	return removed, err
}

// PruneIdempotency removes at most n stored answers that are no longer given, and reports how many.
func (db *DB) PruneIdempotency(ctx context.Context, n int) (removed int, err error) {
	err = db.Write(ctx, 0, func(t *Tx, _ time.Time) error {
		removed = 0
		return t.each(ctx, func(r rows) error { removed++; var k string; return r.Scan(&k) }, `
			delete from idempotency where (environment, key, route) in (
				select environment, key, route from idempotency where created_at <= $1 limit $2)
			returning key`, stamp(t.db.clock.Now().Add(-onceKept)), n)
	})
	return removed, err
}

// PruneEventKeys forgets of at most n raw events what makes a repeat of them one, once its time is over, and reports how
// many. The events stay.
func (db *DB) PruneEventKeys(ctx context.Context, n int) (forgotten int, err error) {
	err = db.Write(ctx, 0, func(t *Tx, _ time.Time) error {
		forgotten = 0
		return t.each(ctx, func(r rows) error { forgotten++; var id int64; return r.Scan(&id) }, `
			update usage_events set dedup = null where id in (
				select id from usage_events where recorded_at < $1 and dedup is not null order by recorded_at limit $2)
			returning id`, t.db.clock.Now().Add(-usage.DedupTime).UnixMicro(), n)
	})
	return forgotten, err
}
