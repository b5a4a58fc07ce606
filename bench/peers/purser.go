package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/store"
)

const (
	env       = tenant.ID(1) // development, the first environment
	serverKey = "server-0123456789abcdef0123456789abcdef"
)

func (p place) open(ctx context.Context) (*store.DB, error) {
	return store.Open(ctx, store.Config{Path: filepath.Join(p.Data, "purser.db")})
}

// seed makes the catalog and provisions the customers.
func seed(ctx context.Context, p place) (err error) {
	if err := os.MkdirAll(p.Data, 0o700); err != nil {
		return err
	}
	db, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ctx = event.WithActor(ctx, event.System("bench"))
	accounts := account.NewService(store.As(db, func(t *store.Tx) account.Store { return t }), id.Source{}, clock.System{})
	_, err = accounts.Bootstrap(ctx, account.First{Name: "Bench", Secrets: map[account.Slot]string{
		{Environment: account.Development, Kind: account.ServerKey}: serverKey,
	}})
	if err != nil {
		return err
	}
	files := catalog.NewFiles(store.As(db, func(t *store.Tx) catalog.Store { return t }))
	f, err := files.Export(ctx, env)
	if err != nil {
		return err
	}
	f.Products = append(f.Products, catalog.FileProduct{ID: "product-peers", DisplayName: "Peers"})
	for _, ref := range features {
		f.Features = append(f.Features, catalog.FileFeature{ID: ref, DisplayName: ref, Type: catalog.Boolean})
	}
	for _, plan := range plans {
		content := catalog.FileContent{DisplayName: plan.id, Charges: &catalog.Pricing{Type: catalog.Free}}
		for _, ref := range features[:plan.features] {
			content.Entitlements = append(content.Entitlements, catalog.FileEntitlement{ID: ref})
		}
		f.Plans = append(f.Plans, catalog.FilePackage{ID: plan.id, ProductID: "product-peers", FileContent: content})
	}
	if _, err := files.Apply(ctx, env, f, true); err != nil {
		return err
	}
	return provision(ctx, provisioning.NewService(store.As(db, func(t *store.Tx) provisioning.Store { return t }), []byte("bench")), p)
}

// provision lets as many write at once as go into one transaction of the writer.
func provision(ctx context.Context, service *provisioning.Service, p place) error {
	const writers = 64
	ids := customerNames(p.Customers)
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := w; i < len(ids) && errs[w] == nil; i += writers {
				_, errs[w] = service.Provision(ctx, env, provisioning.Request{
					New: customer.New{ID: ids[i]}, Subscription: &provisioning.Params{PlanID: plans[planOf(i)].id},
				})
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// purserRole is the check as the server does it behind HTTP, with all customers in the cache.
func purserRole(ctx context.Context, p place) (ask, func() error, error) {
	db, err := p.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	cache, clocks := entitlement.NewCache(entitlement.DefaultLimit), account.NewClocks(clock.System{})
	db.OnCommit(clocks.Observe)
	db.OnCommit(cache.Observe)
	if err := clocks.Load(ctx, store.As(db, func(t *store.Tx) account.ClockStore { return t })); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	settler := provisioning.NewService(store.As(db, func(t *store.Tx) provisioning.Store { return t }), []byte("bench"))
	service := entitlement.NewService(store.As(db, func(t *store.Tx) entitlement.Store { return t }), db, clocks, settler, cache)
	for _, ref := range customerNames(p.Customers) {
		if _, err := service.Check(ctx, env, ref, features[0], "", rules.Ask{}); err != nil {
			return nil, nil, errors.Join(err, db.Close())
		}
	}
	return func(_ int, ref, feature string) (bool, error) {
		a, err := service.Check(ctx, env, ref, feature, "", rules.Ask{})
		return a.Granted, err
	}, db.Close, nil
}

// decideRole is the decision alone: whoever asks has looked up the customer's state and row already.
func decideRole(context.Context, place) (ask, func() error, error) {
	rows := make([]map[string]*rules.Row, len(plans))
	for i, plan := range plans {
		rows[i] = map[string]*rules.Row{}
		for _, ref := range features[:plan.features] {
			rows[i][ref] = &rules.Row{Type: rules.Boolean, Granted: true}
		}
	}
	state := rules.State{CustomerKnown: true, LiveSubscriptions: true}
	return func(customer int, _, feature string) (bool, error) {
		granted, _ := rules.Decide(rules.Facts{State: state, FeatureKnown: true, Row: rows[planOf(customer)][feature]}, 0, rules.Ask{})
		return granted, nil
	}, end, nil
}
