// Package app is the composition root: the only place where parts meet.
//
// New opens the database of a Config, makes the account at the first start and binds
// services, routes and workers (wire.go); App.Run listens, serves and shuts down. The
// commands of cmd/purser and the tests of the API use it alike. Config is the only
// reader of the environment.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
)

// App is a server that is ready to run.
type App struct {
	cfg     Config
	log     *slog.Logger
	dir     *dataDir // nil with PostgreSQL
	db      *store.DB
	metrics *metrics
	ready   *readiness
	parts   *parts
	handler http.Handler
	made    []KeyInfo

	listener net.Listener // nil before Listen
	moved    bool         // listener has not the port that was asked for
	admin    net.Listener // nil without an admin listener
	socket   net.Listener // nil without a data directory
}

// New opens everything that a server needs; nothing listens yet. Close or Run the App.
func New(ctx context.Context, cfg Config) (_ *App, err error) {
	cfg.fill()
	first, err := cfg.first(cfg.Account)
	if err != nil {
		return nil, err
	}
	a := &App{cfg: cfg, log: cfg.logger(), metrics: newMetrics()}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.dir, a.db, err = cfg.open(ctx, store.Config{Clock: cfg.Clock, Log: a.log, Watch: a.metrics.watch()}); err != nil {
		return nil, err
	}
	a.ready = &readiness{db: a.db, clock: cfg.Clock}
	if a.parts, err = newParts(ctx, a.db, cfg.Clock, a.log); err != nil {
		return nil, err
	}
	a.parts.provisioning.SetJobs(a.jobSettings())
	a.parts.provisioning.SetBilling(cfg.Billing)
	if err := a.bootstrap(ctx, first); err != nil {
		return nil, err
	}
	a.handler = a.routes()
	a.measure()
	return a, nil
}

// open makes and locks the data directory, or goes without one, and opens the database.
func (p Place) open(ctx context.Context, sc store.Config) (*dataDir, *store.DB, error) {
	var dir *dataDir
	if !p.Postgres() {
		var err error
		if dir, err = openDataDir(p.Data); err != nil {
			return nil, nil, err
		}
	}
	at := p.store(dir)
	sc.Path, sc.DSN = at.Path, at.DSN
	db, err := store.Open(ctx, sc)
	if err != nil {
		return nil, nil, errors.Join(err, dir.close())
	}
	return dir, db, nil
}

// bootstrap makes the account unless there is one.
func (a *App) bootstrap(ctx context.Context, first account.First) error {
	made, err := a.parts.accounts.Bootstrap(event.WithActor(ctx, event.System("bootstrap")), first)
	if err != nil {
		return fmt.Errorf("first start: %w", err)
	}
	for _, k := range made {
		slug := "development"
		if k.Environment == account.Production {
			slug = "production"
		}
		a.made = append(a.made, issuedInfo(k, slug, a.cfg.Clock.Now()))
	}
	return nil
}

// MadeKeys are the keys that this start made up. Their secrets are nowhere else: show them once.
func (a *App) MadeKeys() []KeyInfo { return a.made }

// Handler answers the API. Tests use it without Run.
func (a *App) Handler() http.Handler { return a.handler }

// Close closes the database and gives the data directory up. Run does it by itself.
func (a *App) Close() error {
	var list []error
	for _, l := range []net.Listener{a.listener, a.admin, a.socket} {
		if l != nil {
			list = append(list, ignoreClosed(l.Close()))
		}
	}
	if a.parts != nil {
		a.parts.provisioning.Close()
	}
	if a.db != nil {
		list = append(list, a.db.Close())
	}
	return errors.Join(append(list, a.dir.close())...)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
