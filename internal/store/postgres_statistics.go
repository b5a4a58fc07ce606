package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// statisticsEvery is how often tables are looked at that may have outgrown their statistics.
const statisticsEvery = 2 * time.Second

// statistics analyzes tables that are twice as large as when PostgreSQL last looked at them. Autovacuum does so as well,
// but up to a minute later: until then the planner takes every index of a new table for equally good, all begin with
// the environment, and a lookup of one customer may read them all.
func (e *postgresEngine) statistics(ctx context.Context) {
	for pause(ctx, statisticsEvery) {
		if err := e.analyzeGrown(ctx); err != nil && ctx.Err() == nil {
			e.db.log.Debug("table statistics", "error", err)
		}
	}
}

// analyzeGrown analyzes the tables of our schema whose pages are more than twice those that the statistics know of.
// Once that is done by one node the others find nothing to do.
func (e *postgresEngine) analyzeGrown(ctx context.Context) error {
	r, err := e.side.Query(ctx, `
		select c.relname from pg_class c
		where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and pg_has_role(c.relowner, 'USAGE')
			and pg_relation_size(c.oid) / current_setting('block_size')::bigint > 2 * greatest(c.relpages, 2)`)
	if err != nil {
		return err
	}
	grown, err := pgx.CollectRows(r, pgx.RowTo[string])
	for _, table := range grown {
		if _, err := e.side.Exec(ctx, `analyze `+pgx.Identifier{table}.Sanitize()); err != nil {
			return err
		}
	}
	return err
}
