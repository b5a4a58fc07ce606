package main

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// copies learns who there is.
func (r *rawSQLite) copies(ctx context.Context) error {
	rows, err := r.conn.QueryContext(ctx, copiesSQL, env, usageCustomers)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var c rawCustomer
		if err := rows.Scan(&c.ID, &c.Ref); err != nil {
			return err
		}
		r.usage.customers = append(r.usage.customers, c)
	}
	return rows.Err()
}

func (r *rawSQLite) report(ctx context.Context) error {
	c := r.usage.one(r.n.Add(1))
	row := r.usage.measurement(&c, rawNow().UnixMicro())
	return r.transaction(ctx, func() error { return r.insert(ctx, []insert{row}) })
}

func (r *rawSQLite) reports(ctx context.Context) error {
	list := r.usage.some(r.n.Add(1))
	return r.transaction(ctx, func() error {
		for i := range list {
			c := &list[i]
			err := r.stmts[counterSQL].QueryRowContext(ctx, env, c.ID, r.usage.feature).Scan(&c.value, &c.ver)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			c.value, c.ver = c.value+1, c.ver+1
			if err := r.insert(ctx, r.usage.rows(c, rawNow(), sqliteStamp)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *rawSQLite) events(ctx context.Context) error {
	at, now := eventTime(), time.Now().UnixMicro()
	list := rawEvents(r.n.Add(1), at)
	return r.transaction(ctx, func() error {
		stmt := r.stmts[insertUsageEventSQL]
		for _, e := range list {
			if _, err := stmt.ExecContext(ctx, env, e.customer, eventName, at.UnixMicro(), e.dimensions, e.key, e.dedup, now); err != nil {
				return err
			}
		}
		return nil
	})
}
