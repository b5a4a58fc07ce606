package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/store"
)

// copyCustomers provisions one customer and makes the others of its rows, which is a hundred times faster: so many
// customers as if they had been provisioned long ago. Their events are not there.
func copyCustomers(ctx context.Context, p place, plan string, n int) error {
	if err := provisionFirst(ctx, p, plan); err != nil {
		return err
	}
	db, err := p.open()
	if err != nil {
		return err
	}
	for _, table := range []struct{ name, ids, same string }{
		{"customers", "id, ref_id, provisioned_subscription", `environment, name, email, details, metadata, trialed, exclude_from_experiment,
			strategy, steps, fingerprint, version, created_at, updated_at`},
		{"subscriptions", "id, ref_id, customer_id", `environment, product_id, resource, plan_id, version_id, pricing_type, status, start_date,
			payment_collection, metadata, version, created_at, updated_at`},
	} {
		var copied []string
		for _, column := range strings.Split(table.ids, ", ") { // the last eight characters become the number
			copied = append(copied, fmt.Sprintf(`substr(%s, 1, length(%[1]s) - 8) || substr('00000000', length(cast(i as text)) + 1) || cast(i as text)`, column))
		}
		query := fmt.Sprintf(`with recursive n (i) as (select 1 union all select i + 1 from n where i < %d)
			insert into %s (%s, %s) select %s, %[4]s from %[2]s, n`, n, table.name, table.ids, table.same, strings.Join(copied, ", "))
		if _, err := db.ExecContext(ctx, query); err != nil {
			return joined(fmt.Errorf("copy %s: %w", table.name, err), db.Close)
		}
	}
	_, err = db.ExecContext(ctx, `analyze`)
	return joined(err, db.Close)
}

// provisionFirst makes customer 0.
func provisionFirst(ctx context.Context, p place, plan string) (err error) {
	db, err := store.Open(ctx, p.store())
	if err != nil {
		return err
	}
	defer func() { err = joined(err, db.Close) }()
	service := provisioning.NewService(store.As(db, func(t *store.Tx) provisioning.Store { return t }), []byte("bench"))
	_, err = service.Provision(event.WithActor(ctx, event.System("bench")), env, provisioning.Request{
		New: customer.New{ID: customerRef(plan, 0)}, Subscription: &provisioning.Params{PlanID: plan},
	})
	return err
}

// open is the database without the store.
func (p place) open() (*sql.DB, error) {
	if p.DSN != "" {
		return sql.Open("pgx", p.DSN)
	}
	return sql.Open("sqlite", "file:"+p.file())
}
