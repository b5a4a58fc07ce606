// Package property tries what no interleaving may break: many writers at once, chosen
// at random, and afterwards a look at every row and every event.
//
// The choices of a run follow from a seed, which is printed; PURSER_TEST_SEED gives
// it to another run. The order in which the writers meet is the machine's.
package property

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// env is where everything happens: the development environment of a new account.
const env = account.Development

// seedEnv repeats the choices of an earlier run.
const seedEnv = "PURSER_TEST_SEED"

func seed(t *testing.T) uint64 {
	t.Helper()
	n := rand.Uint64()
	if s := os.Getenv(seedEnv); s != "" {
		var err error
		if n, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedEnv, err)
		}
	}
	t.Logf("%s=%d", seedEnv, n)
	return n
}

// node is one process' view of the database.
type node struct {
	*provisioning.Service
	db       *store.DB
	products *catalog.Products
}

func newNode(t *testing.T, cfg store.Config) node {
	t.Helper()
	db := storetest.Open(t, cfg)
	s := provisioning.NewService(store.As(db, func(t *store.Tx) provisioning.Store { return t }), []byte("key"))
	t.Cleanup(s.Close)
	return node{s, db, catalog.NewProducts(store.As(db, func(t *store.Tx) catalog.Store { return t }))}
}

// open makes an account with a catalog: plan-free, plan-basic and plan-pro (paid, a trial of 14 days) of product-one,
// and seat-pro, the same per resource, of product-many. On PostgreSQL two nodes share the database.
func open(t *testing.T, cfg store.Config) []node {
	t.Helper()
	nodes := []node{newNode(t, cfg)}
	if cfg.DSN != "" {
		nodes = append(nodes, newNode(t, cfg))
	}
	ctx, db := event.WithActor(context.Background(), event.System("test")), nodes[0].db
	accounts := account.NewService(store.As(db, func(t *store.Tx) account.Store { return t }), id.Source{}, clock.System{})
	_, err := accounts.Bootstrap(ctx, account.First{Name: "Test"})
	must(t, err)
	plans := catalog.NewPlans(store.As(db, func(t *store.Tx) catalog.Store { return t }), nil)
	for _, p := range []catalog.NewProduct{{ID: "product-one"}, {ID: "product-many", MultipleSubscriptions: true}} {
		p.DisplayName = p.ID
		_, err := nodes[0].products.Create(ctx, env, p)
		must(t, err)
	}
	trial := &catalog.Trial{Duration: 14, Units: "DAY"}
	for _, p := range []catalog.NewPackage{
		{ID: "plan-free", ProductID: "product-one", PricingType: catalog.Free},
		{ID: "plan-basic", ProductID: "product-one", PricingType: catalog.Free},
		{ID: "plan-pro", ProductID: "product-one", PricingType: catalog.Paid, Trial: trial},
		{ID: "seat-pro", ProductID: "product-many", PricingType: catalog.Paid, Trial: trial},
	} {
		p.DisplayName = p.ID
		_, err := plans.Create(ctx, env, p)
		must(t, err)
		if p.PricingType == catalog.Paid {
			price := money.Money{Amount: money.MustDecimal("49"), Currency: money.USD}
			_, err := plans.Update(ctx, env, p.ID, catalog.PackageUpdate{Pricing: &catalog.Pricing{
				Type: catalog.Paid,
				Models: []catalog.PricingModel{{
					BillingModel: catalog.FlatFee, Periods: []catalog.PricePeriod{{BillingPeriod: catalog.Monthly, Price: &price}},
				}},
			}})
			must(t, err)
		}
		_, err = plans.Publish(ctx, env, p.ID, "")
		must(t, err)
	}
	return nodes
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
