package provisioning

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/journey"
)

// importBatch bounds the rows of one transaction, so that people do not wait behind an import (storage.md 2.5).
const importBatch = 200

// Imported is the answer to an import.
type Imported struct {
	NewCustomers []string // refIds of those that were made, in order
}

// Import makes the customers that do not exist, without a subscription, and updates those that do, unless they were
// changed after the row was true (domain-catalog-provisioning §8.2). Archived ones are left alone. Rows are written in
// batches; after a crash in between the import can be repeated, and a repeat changes nothing.
func (s *Service) Import(ctx context.Context, env tenant.ID, in customer.Import) (Imported, error) {
	if err := in.Validate(); err != nil {
		return Imported{}, err
	}
	if in.IntegrationID != "" {
		return Imported{}, customer.ErrIntegrationNotFound.At("integrationId", "There is no integration %s.", in.IntegrationID)
	}
	if err := tx.Replayed(ctx, s.db, env); err != nil {
		return Imported{}, err
	}
	m := importing{s, env, in.Rows, batches(in.Rows)}
	if err := m.mayBegin(ctx); err != nil {
		return Imported{}, err
	}
	var out Imported
	for i, batch := range m.batches {
		mine := ctx
		if i < len(m.batches)-1 { // the last one carries the request's idempotency key
			mine = tx.WithoutOnce(ctx)
		}
		var err error
		if out, err = m.write(mine, batch, out.NewCustomers); err != nil {
			return Imported{}, err
		}
	}
	return out, nil
}

// importing is one import under way. Rows are known by their place in the request, which answers name.
type importing struct {
	*Service
	env     tenant.ID
	rows    []customer.Row
	batches [][]int
}

// batches are the rows in the order in which they are written. It is that of their ids, so that two imports of the same
// new customers wait for each other in one order.
func batches(rows []customer.Row) [][]int {
	order := make([]int, len(rows))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(rows[a].ID, rows[b].ID) })
	return slices.Collect(slices.Chunk(order, importBatch))
}

func (m importing) refs(batch []int) []string {
	refs := make([]string, 0, len(batch))
	for _, i := range batch {
		refs = append(refs, m.rows[i].ID)
	}
	return refs
}

// mayBegin refuses rows that do not fit beside what their customers have, before anything is written. Only metadata can.
func (m importing) mayBegin(ctx context.Context) error {
	if !slices.ContainsFunc(m.rows, func(r customer.Row) bool { return len(r.Metadata) > 0 }) {
		return nil
	}
	var checks errs.Checks
	err := m.db.Read(ctx, m.env, func(st Store, _ time.Time) error {
		checks = errs.Checks{}
		for _, batch := range m.batches {
			old, err := st.CustomersByRef(ctx, m.env, m.refs(batch))
			if err != nil {
				return err
			}
			m.check(&checks, batch, old)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return checks.Err()
}

func (m importing) check(c *errs.Checks, batch []int, old map[string]customer.Customer) {
	for _, i := range batch {
		if was, exists := old[m.rows[i].ID]; exists && takes(was, m.rows[i]) {
			m.rows[i].Check(c, customer.RowPath(i), was)
		}
	}
}

// takes reports whether a customer who exists is updated by a row.
func takes(c customer.Customer, r customer.Row) bool { return !c.Archived() && !r.Outdated(c) }

// write imports a batch; before are the customers that earlier ones made. Where another request made one of its
// customers meanwhile it looks again: each time there is one more that exists, so this ends.
func (m importing) write(ctx context.Context, batch []int, before []string) (Imported, error) {
	for {
		out, err := tx.Do(ctx, m.db, m.env, func(st Store, now time.Time) (Imported, error) {
			made, err := m.run(ctx, st, batch, now)
			return Imported{append(append([]string{}, before...), made...)}, err
		})
		if !errors.Is(err, customer.ErrRaced) || ctx.Err() != nil {
			return out, err
		}
	}
}

// run is the transaction. It returns the ids of the customers that it makes.
func (m importing) run(ctx context.Context, st Store, batch []int, now time.Time) (made []string, err error) {
	old, err := st.LockCustomers(ctx, m.env, m.refs(batch))
	if err != nil {
		return nil, err
	}
	var checks errs.Checks
	if m.check(&checks, batch, old); checks.Failed() {
		return nil, checks.Err()
	}
	for _, i := range batch {
		r := m.rows[i]
		c, exists := old[r.ID]
		switch {
		case !exists:
			m.create(st, r, now)
			made = append(made, r.ID)
		case takes(c, r):
			if err := m.update(ctx, st, c, r, now); err != nil {
				return nil, err
			}
		}
	}
	return made, nil
}

// create makes a customer as a provision without a subscription does. There is no fingerprint: a later provision is
// no repeat of the import.
func (m importing) create(st Store, r customer.Row, now time.Time) {
	c := r.New().Customer(m.ids.New(), now)
	c.First.Strategy, c.First.Steps = string(journey.SkippedSubscriptionCreation), []string{"Imported."}
	st.InsertCustomer(m.env, c)
	st.Append(m.env, createdEvent(c))
}

func (m importing) update(ctx context.Context, st Store, c customer.Customer, r customer.Row, now time.Time) error {
	if err := m.settle(ctx, st, m.env, &c, now); err != nil {
		return err
	}
	changed, err := r.Apply(&c, now)
	if err != nil || len(changed) == 0 {
		return err
	}
	st.UpdateCustomer(m.env, c)
	st.Append(m.env, c.Event("customer.updated", map[string]any{"changed": changed}))
	return nil
}
