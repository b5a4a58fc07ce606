package app

import (
	"bufio"
	"bytes"
	"context"
	_ "embed" // the catalog
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/purserhq/purser/internal/core/account"
)

// demoCatalog is a catalog file.
//
//go:embed demo/catalog.json
var demoCatalog []byte

// Demo is a server with a filled catalog whose keys are kept in the data directory.
type Demo struct {
	*App
	URL      string
	AdminURL string
	// Moved is the address that was asked for when it was busy; "" else.
	Moved     string
	ServerKey string
	ClientKey string
}

// demoEnv is data/demo.env: the one place where secrets are kept, for the demo alone.
type demoEnv struct {
	url  string
	keys Bootstrap
}

// StartDemo opens the demo and its listeners: the same keys at every start as long as they work, the next free port when
// the one asked for is busy. Serve runs it.
func StartDemo(ctx context.Context, cfg Config) (_ *Demo, err error) {
	cfg.Database = "" // the demo is its data directory
	if cfg.AdminListen == "" {
		cfg.AdminListen = "127.0.0.1:0"
	}
	cfg.NextFreePort = true
	path := filepath.Join(cfg.Data, demoFile)
	env, err := demoKeys(cfg.Data, path)
	if err != nil {
		return nil, err
	}
	cfg.Bootstrap = env.keys
	a, err := New(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if err := env.revive(ctx, a, path); err != nil {
		return nil, err
	}
	d := &Demo{App: a, ServerKey: env.keys.BootstrapServerKey, ClientKey: env.keys.BootstrapClientKey}
	if d.URL, d.AdminURL, err = a.Listen(); err != nil {
		return nil, err
	}
	if a.moved {
		d.Moved = cfg.Listen
	}
	env.url = d.URL
	return d, env.write(path)
}

// Serve runs the demo until ctx ends. It loads the catalog over REST, once, and then calls ready.
func (d *Demo) Serve(ctx context.Context, ready func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		if err := loadCatalog(ctx, Client{URL: d.URL, Key: d.ServerKey}); err != nil {
			cancel(fmt.Errorf("load the demo's catalog: %w", err))
			return
		}
		ready()
	}()
	err := d.Run(ctx)
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

// loadCatalog applies the demo's catalog unless that was done before: the product carries a mark. It happens as a whole or
// not at all.
func loadCatalog(ctx context.Context, c Client) error {
	found, err := data[[]struct{ Metadata map[string]string }](ctx, c, http.MethodGet, "/api/v1/products?id=product-demo", nil)
	if err != nil || len(found) > 0 && found[0].Metadata["demo"] != "" {
		return err
	}
	_, err = c.ApplyCatalog(ctx, demoCatalog, true)
	return err
}

// demoKeys reads the keys of an earlier start, or makes them before the first one.
func demoKeys(dataDir, path string) (demoEnv, error) {
	env, err := readDemo(path)
	if !errors.Is(err, os.ErrNotExist) {
		return env, err
	}
	if _, err := os.Stat(filepath.Join(dataDir, databaseFile)); err == nil {
		return env, fmt.Errorf("%s holds data that no demo made: use `purser serve`, or give the demo another --data", dataDir)
	}
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return env, fmt.Errorf("data directory: %w", err)
	}
	env.keys = Bootstrap{
		BootstrapServerKey:           account.NewSecret(account.ServerKey),
		BootstrapClientKey:           account.NewSecret(account.ClientKey),
		BootstrapProductionServerKey: account.NewSecret(account.ServerKey),
		BootstrapProductionClientKey: account.NewSecret(account.ClientKey),
	}
	return env, env.write(path)
}

// demoLine is a variable of demo.env.
type demoLine struct {
	name  string
	value *string
	slot  account.Slot // of a key
}

// lines are the variables, in order: the URL, then the keys.
func (e *demoEnv) lines() []demoLine {
	return []demoLine{
		{"PURSER_URL", &e.url, account.Slot{}},
		{"PURSER_KEY", &e.keys.BootstrapServerKey, account.Slot{Environment: account.Development, Kind: account.ServerKey}},
		{"PURSER_CLIENT_KEY", &e.keys.BootstrapClientKey, account.Slot{Environment: account.Development, Kind: account.ClientKey}},
		{"PURSER_PRODUCTION_KEY", &e.keys.BootstrapProductionServerKey, account.Slot{Environment: account.Production, Kind: account.ServerKey}},
		{"PURSER_PRODUCTION_CLIENT_KEY", &e.keys.BootstrapProductionClientKey, account.Slot{Environment: account.Production, Kind: account.ClientKey}},
	}
}

func readDemo(path string) (demoEnv, error) {
	var e demoEnv
	b, err := os.ReadFile(path)
	if err != nil {
		return e, err
	}
	lines := e.lines()
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		name, value, _ := strings.Cut(s.Text(), "=")
		for _, l := range lines {
			if l.name == name {
				*l.value = value
			}
		}
	}
	for _, l := range lines[1:] {
		if *l.value == "" {
			return e, fmt.Errorf("%s lacks %s; restore it, or remove the whole data directory", path, l.name)
		}
	}
	return e, nil
}

// write replaces the file as a whole: a crash leaves the old one or the new one.
func (e *demoEnv) write(path string) error {
	var b strings.Builder
	b.WriteString("# Keys of the demo. Commands such as `purser clock` find the demo by this file.\n")
	for _, l := range e.lines() {
		fmt.Fprintf(&b, "%s=%s\n", l.name, *l.value)
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, []byte(b.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
