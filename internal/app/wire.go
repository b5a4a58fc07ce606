package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/purserhq/purser/internal/api/rest"
	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/stream"
	"github.com/purserhq/purser/internal/core/usage"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/worker"
)

// parts are the services, each bound to the one database. A new noun is a field here, a line in newParts, its routes in
// App.routes, its loop in App.workers and, where it keeps something in memory, a line in observe.
type parts struct {
	accounts     *account.Service
	keys         *account.Authenticator
	clocks       *account.Clocks
	products     *catalog.Products
	features     *catalog.Features
	plans        *catalog.Packages
	addons       *catalog.Packages
	groups       *catalog.Groups
	coupons      *catalog.Coupons
	pricing      *catalog.PricingTables
	files        *catalog.Files
	provisioning *provisioning.Service
	cache        *entitlement.Cache
	entitlements *entitlement.Service
	usage        *usage.Service
	feed         *event.Feed
	reached      *event.Reached
	streams      *stream.Hub
	follower     *worker.Follower

	stopping chan struct{} // closed when the server begins to shut down: whoever waits for news gives up
}

func newParts(ctx context.Context, db *store.DB, c clock.Clock, log *slog.Logger) (*parts, error) {
	secret, err := db.Secret(ctx)
	if err != nil {
		return nil, err
	}
	p := &parts{clocks: account.NewClocks(c), cache: entitlement.NewCache(entitlement.DefaultLimit), stopping: make(chan struct{})}
	p.observe(db, log) // before anything is read into memory
	if err := p.loadClocks(ctx, db); err != nil {
		return nil, err
	}
	accounts := store.As(db, func(t *store.Tx) account.Store { return t })
	p.accounts = account.NewService(accounts, id.Source{}, c)
	p.keys = account.NewAuthenticator(accounts, c)
	catalogs := store.As(db, func(t *store.Tx) catalog.Store { return t })
	p.products = catalog.NewProducts(catalogs)
	p.features = catalog.NewFeatures(catalogs)
	p.groups = catalog.NewGroups(catalogs)
	p.provisioning = provisioning.NewService(store.As(db, func(t *store.Tx) provisioning.Store { return t }), secret)
	moves := migrations{p.provisioning}
	p.features = p.features.WithRecounts(recounts{p.provisioning})
	p.plans = catalog.NewPlans(catalogs, p.cache).WithMigrations(moves)
	p.addons = catalog.NewAddons(catalogs, p.cache).WithMigrations(moves)
	p.coupons = catalog.NewCoupons(catalogs)
	p.pricing = catalog.NewPricingTables(catalogs)
	p.files = catalog.NewFiles(catalogs)
	p.entitlements = entitlement.NewService(store.As(db, func(t *store.Tx) entitlement.Store { return t }),
		db, p.clocks, p.provisioning, p.cache).WithForesight(p.provisioning)
	p.usage = usage.NewService(store.As(db, func(t *store.Tx) usage.Store { return t }), p.entitlements, c)
	p.reached = event.NewReached(p.seen(db), event.ReachWait)
	p.feed = event.NewFeed(store.As(db, func(t *store.Tx) event.Store { return t }), db, p.stopping)
	p.streams = stream.NewHub(store.As(db, func(t *store.Tx) event.Store { return t }), p.seen(db), p.clocks, p.stopping, log)
	return p, nil
}

// observe lets what is kept in memory hear of every event: of this process' own before the writer gets its answer, of
// other nodes' from the feed.
func (p *parts) observe(db *store.DB, log *slog.Logger) {
	observers := []func([]event.Event){
		p.clocks.Observe,
		p.cache.Observe,
		func(list []event.Event) { p.keys.Observe(list) },
	}
	for _, o := range observers {
		db.OnCommit(o)
	}
	p.follower = worker.NewFollower(store.As(db, func(t *store.Tx) event.Store { return t }), db, log, observers,
		func(ctx context.Context) error {
			p.keys.Forget()
			p.cache.Clear()
			return p.loadClocks(ctx, db)
		})
}

// seen tells up to where everything that is kept in memory has heard of every event. On SQLite that is before they are
// final, and no follower runs.
func (p *parts) seen(db *store.DB) event.Tail {
	if db.Shared() {
		return p.follower
	}
	return db
}

func (p *parts) loadClocks(ctx context.Context, db *store.DB) error {
	err := p.clocks.Load(ctx, store.As(db, func(t *store.Tx) account.ClockStore { return t }))
	if err != nil {
		return fmt.Errorf("read test clocks: %w", err)
	}
	return nil
}

// routes binds the edge to the services.
func (a *App) routes() http.Handler {
	p := a.parts
	return rest.New(rest.Config{
		Keys:      apiKeys{p.keys},
		Clock:     a.cfg.Clock,
		Log:       a.log,
		Metrics:   a.metrics,
		Ready:     a.ready.check,
		Now:       p.clocks.Now,
		Positions: a.db,
		Loopback:  loopback(a.cfg.Listen),
		Version:   a.cfg.Version,
	},
		rest.Products{Products: p.products},
		rest.Features{Features: p.features},
		rest.FeatureGroups{Groups: p.groups},
		rest.Plans{Plans: p.plans},
		rest.Addons{Addons: p.addons},
		rest.Coupons{Coupons: p.coupons},
		rest.PricingTable{Tables: p.pricing},
		rest.CatalogFiles{Files: p.files},
		rest.Customers{Provisioning: p.provisioning},
		rest.Subscriptions{Provisioning: p.provisioning},
		rest.Promotions{Provisioning: p.provisioning},
		rest.Entitlements{Service: p.entitlements, Reads: rest.Reads{Reached: p.reached}},
		rest.Usage{Service: p.usage},
		rest.Feed{Service: p.feed},
		rest.Streams{Hub: p.streams, Heartbeat: a.cfg.Heartbeat},
		rest.Account{Accounts: p.accounts},
		rest.TestClock{Provisioning: p.provisioning},
		rest.Tasks{Provisioning: p.provisioning},
		rest.PublishPreviews{Provisioning: p.provisioning},
		rest.Verify{Database: a.db},
	)
}

const expireEvery = time.Minute

// workers are the background loops of a server.
func (a *App) workers() []job {
	list := []job{
		{"timers", worker.Timers{Due: a.parts.provisioning, Environments: a.environments, Log: a.log}.Run},
		{"jobs", worker.Jobs{Jobs: a.parts.provisioning, Environments: a.environments, Log: a.log}.Run},
		{"retention", worker.Prune{Store: a.db, Now: a.cfg.Clock.Now, Keep: a.cfg.FeedRetention, Log: a.log}.Run},
		{"memory", tendMemory},
		{"checked-features", (&worker.Checked{Asked: a.parts.cache, Mark: a.markChecked, Clock: clock.System{}, Log: a.log}).Run},
		{"key-expiry", every(expireEvery, a.parts.accounts.ExpireKeys)},
	}
	if a.cfg.Postgres() { // with the embedded database there are no other nodes, and what this one writes it hears at once
		list = append(list, job{"feed", a.parts.follower.Run})
	}
	return list
}

// markChecked writes down which features were checked lately.
func (a *App) markChecked(ctx context.Context, env tenant.ID, features []string) error {
	return a.db.Write(ctx, env, func(t *store.Tx, _ time.Time) error {
		t.MarkChecked(env, features)
		return nil
	})
}

func (a *App) environments(ctx context.Context) ([]tenant.ID, error) {
	list, err := a.parts.accounts.Environments(ctx)
	ids := make([]tenant.ID, 0, len(list))
	for _, e := range list {
		ids = append(ids, e.ID)
	}
	return ids, err
}

// measure adds the numbers that are asked for at a scrape.
func (a *App) measure() {
	a.metrics.gauge("purser_feed_lag_events", "Final events that this process has not read yet.",
		func() float64 {
			if !a.cfg.Postgres() {
				return 0
			}
			return float64(a.parts.follower.Lag())
		})
	a.metrics.gauge("purser_timers_due", "Timers that are due and not applied yet, in all environments.", asked(a.overdue))
	a.metrics.gauge("purser_streams_open", "Connections that listen to changes.",
		func() float64 { return float64(a.parts.streams.Open()) })
	a.metrics.gauge("purser_cache_sets", "Customers and resources in the entitlement cache.",
		func() float64 { return float64(a.parts.cache.Len()) })
}

func (a *App) overdue(ctx context.Context) (total int64, err error) {
	envs, err := a.environments(ctx)
	for _, env := range envs {
		var n int64
		if n, err = a.parts.provisioning.Overdue(ctx, env); err != nil {
			return 0, err
		}
		total += n
	}
	return total, err
}
