package store

import (
	"context"
	"time"
)

// Time asks the database for its clock, which also shows that it can be reached. SQLite's is this process' own.
func (db *DB) Time(ctx context.Context) (time.Time, error) {
	now := db.clock.Now()
	err := db.Read(ctx, 0, func(t *Tx, _ time.Time) error {
		if db.dialect().name() == "postgres" {
			return t.one(ctx, errNoRow, []any{at{&now}}, `select clock_timestamp()`)
		}
		var one int
		return t.one(ctx, errNoRow, []any{&one}, `select 1 from meta limit 1`)
	})
	return now, err
}
