package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/subscription"
	"github.com/purserhq/purser/internal/store"
)

// What a heavy customer has. A light one has the same plan and nothing else.
const (
	heavyAddons = 30
	heavyPast   = 200  // subscriptions that have ended, with two add-ons each
	heavyEvents = 5000 // of all of them

	heavyCustomers = 32  // more than clients, so that few wait for each other
	lightCustomers = 512 // many, so that they stay light
	freshCustomers = 128 // with as many add-ons as heavy ones, and nothing behind them
)

// tierPlans are what customers change between: an upgrade and a downgrade in turns.
var tierPlans = [2]string{"plan-tier-one", "plan-tier-two"}

// group is a kind of customers.
type group struct {
	name   string
	size   int64
	addons int
	past   bool
}

var (
	heavyGroup = group{"heavy", heavyCustomers, heavyAddons, true}
	freshGroup = group{"fresh", freshCustomers, heavyAddons, false}
	lightGroup = group{"light", lightCustomers, 0, false}
)

// changeRow is a measure: the same call for heavy customers and for others.
type changeRow struct {
	row
	path   string
	status string
	beside group
}

// changes compares changes of a plan and previews of one for customers with much and for customers with little: the
// baseline is Purser itself, the same server and the same database. Light customers have no add-ons; beside those that
// have as many, only what lies behind the heavy ones makes the difference.
func (b *bench) changes(ctx context.Context) error {
	for _, engine := range []string{sqlite, postgres} {
		if err := b.change(ctx, engine); err != nil {
			return fmt.Errorf("heavy customers on %s: %w", engine, err)
		}
	}
	return nil
}

func (b *bench) change(ctx context.Context, engine string) (err error) {
	var rows []changeRow
	const change, preview = "/api/v1/subscriptions", "/api/v1/subscriptions/preview"
	for _, r := range []changeRow{
		{row{what: "change a plan, heavy customer", clients: 16, least: 0.7}, change, "201", lightGroup},
		{row{what: "change a plan, long past", clients: 16, least: 0.7}, change, "201", freshGroup},
		{row{what: "preview a change, heavy customer", clients: 16, least: 0.7}, preview, "200", lightGroup},
		{row{what: "preview a change, long past", clients: 16, least: 0.7}, preview, "200", freshGroup},
	} {
		if r.engine, r.unit = engine, "/s"; b.wanted(r.name()) {
			rows = append(rows, r)
		}
	}
	if rows == nil {
		return nil
	}
	p, err := b.database(ctx, engine)
	if err != nil {
		return err
	}
	if err := seedChanges(ctx, p, heavyGroup, freshGroup, lightGroup); err != nil {
		return err
	}
	if engine == postgres {
		if err := b.analyze(ctx); err != nil {
			return err
		}
	}
	server, err := b.spawn("serve", p)
	if err != nil {
		return err
	}
	defer func() { err = joined(err, server.stop) }()
	for _, r := range rows {
		heavy := &httpSide{server: server, request: changing(server, r.path, heavyGroup), status: r.status}
		defer heavy.close()
		other := &httpSide{server: server, request: changing(server, r.path, r.beside), status: r.status}
		defer other.close()
		err := b.profiled(server, r.name(), func() error {
			pairs, err := b.duel(ctx, r.clients, heavy, other)
			if err == nil {
				b.report.add(compare(r.row, pairs, sample.rate))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// changing asks for the other plan of each customer in turn, with all its add-ons.
func changing(server *child, path string, g group) func(int64) []byte {
	addons := tierAddonList(g.addons)
	return func(n int64) []byte {
		return request(server, "POST", path, fmt.Sprintf(`{"customerId":"%s","planId":"%s","addons":[%s]}`,
			customerRef(g.name, n%g.size), tierPlans[(n/g.size+1)%2], addons))
	}
}

func tierAddonList(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"id":"%s","quantity":1}`, tierAddon(i))
	}
	return strings.Join(list, ",")
}

func tierAddon(n int) string { return fmt.Sprintf("addon-tier-%02d", n) }

// seedChanges makes two plans with add-ons, and customers on the first of them.
func seedChanges(ctx context.Context, p place, groups ...group) (err error) {
	db, err := store.Open(ctx, p.store())
	if err != nil {
		return err
	}
	defer func() { err = joined(err, db.Close) }()
	ctx = event.WithActor(ctx, event.System("bench"))
	files := catalog.NewFiles(store.As(db, func(t *store.Tx) catalog.Store { return t }))
	f, err := files.Export(ctx, env)
	if err != nil {
		return err
	}
	if _, err := files.Apply(ctx, env, withTiers(f), true); err != nil {
		return err
	}
	runner := store.As(db, func(t *store.Tx) provisioning.Store { return t })
	service := provisioning.NewService(runner, []byte("bench"))
	for _, g := range groups {
		in := provisioning.Params{PlanID: tierPlans[0]}
		for i := range g.addons {
			in.Addons = append(in.Addons, provisioning.AddonQuantity{ID: tierAddon(i), Quantity: 1})
		}
		for n := range g.size {
			ref := customerRef(g.name, n)
			_, err := service.Provision(ctx, env, provisioning.Request{New: customer.New{ID: ref}, Subscription: &in})
			if err == nil && g.past {
				err = runner.Write(ctx, env, func(st provisioning.Store, now time.Time) error { return addPast(ctx, st, ref, now) })
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// addPast gives a customer subscriptions that have ended, and events of all of them.
func addPast(ctx context.Context, st provisioning.Store, ref string, now time.Time) error {
	c, err := st.CustomerByRef(ctx, env, ref)
	if err != nil {
		return err
	}
	open, err := st.OpenSubscriptions(ctx, env, c.ID)
	if err != nil {
		return err
	}
	if len(open) != 1 {
		return errors.New("a heavy customer has not one subscription")
	}
	refs := []string{open[0].RefID}
	for i := range heavyPast {
		s := open[0]
		end := now.Add(-time.Duration(i+1) * time.Hour)
		s.ID, s.RefID, s.Addons = id.New(), id.Generated("subscription"), s.Addons[:2]
		s.Status, s.CancelReason, s.EndDate, s.CancellationDate = subscription.Canceled, subscription.UpgradeOrDowngrade, &end, &end
		s.StartDate, s.CreatedAt, s.UpdatedAt = end.Add(-time.Hour), end.Add(-time.Hour), end
		st.InsertSubscription(env, s)
		refs = append(refs, s.RefID)
	}
	for i := range heavyEvents {
		st.Append(env, event.Event{
			Type: "subscription.updated", Entity: event.Entity{Type: "subscription", ID: refs[i%len(refs)]}, Version: int64(2 + i), Customer: ref,
			Payload: map[string]any{"customerId": ref, "planId": tierPlans[0], "status": "ACTIVE", "reason": "bench"},
		})
	}
	return nil
}

// withTiers adds two plans that go with the same add-ons, of which each gives a feature.
func withTiers(f catalog.File) catalog.File {
	price := func(amount int64) *catalog.Pricing {
		m := money.Money{Amount: money.FromInt(amount), Currency: money.USD}
		return &catalog.Pricing{Type: catalog.Paid, Models: []catalog.PricingModel{{
			BillingModel: catalog.FlatFee, Periods: []catalog.PricePeriod{{BillingPeriod: catalog.Monthly, Price: &m}},
		}}}
	}
	f.Products = append(f.Products, catalog.FileProduct{ID: "product-tiers", DisplayName: "Tiers"})
	var compatible []string
	limit := int64(10)
	for i := range heavyAddons {
		ref, feature := tierAddon(i), fmt.Sprintf("feature-tier-%02d", i)
		compatible = append(compatible, ref)
		f.Features = append(f.Features, catalog.FileFeature{ID: feature, DisplayName: feature, Type: catalog.Number, MeterType: catalog.Incremental})
		f.Addons = append(f.Addons, catalog.FilePackage{ID: ref, ProductID: "product-tiers", FileContent: catalog.FileContent{
			DisplayName: ref, Charges: price(5), Entitlements: []catalog.FileEntitlement{{ID: feature, UsageLimit: &limit}},
		}})
	}
	for i, ref := range tierPlans {
		f.Plans = append(f.Plans, catalog.FilePackage{ID: ref, ProductID: "product-tiers", FileContent: catalog.FileContent{
			DisplayName: ref, Charges: price(int64(30 + 60*i)), Compatible: compatible, Entitlements: []catalog.FileEntitlement{{ID: "feature-reports"}},
		}})
	}
	return f
}
