package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/store"
)

// Control is how a command reaches the data: through the socket of the server that runs on the data directory, else
// under the directory's lock, or in a PostgreSQL database.
type Control struct {
	do    func(ctx context.Context, name string, in json.RawMessage) (json.RawMessage, error)
	close func() error
}

// OpenControl finds the way to the data of a place. Close it.
func OpenControl(ctx context.Context, p Place) (*Control, error) {
	if !p.Postgres() {
		if _, err := os.Stat(filepath.Join(p.Data, databaseFile)); err != nil {
			return nil, fmt.Errorf("there is no data in %s: start `purser serve` once, or say --data or --database", p.Data)
		}
		if c, ok := dialControl(ctx, p.Data); ok {
			return c, nil
		}
	}
	dir, db, err := p.open(ctx, store.Config{})
	if err != nil {
		return nil, err
	}
	accounts := account.NewService(store.As(db, func(t *store.Tx) account.Store { return t }), id.Source{}, clock.System{})
	ops := office{db, accounts, clock.System{}}.operations()
	return &Control{ops.run, func() error { return errors.Join(db.Close(), dir.close()) }}, nil
}

// dialControl reaches a running server; ok is false when none answers.
func dialControl(ctx context.Context, data string) (*Control, bool) {
	abs, err := filepath.Abs(data)
	if err != nil {
		return nil, false
	}
	path := socketPath(abs)
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, false
	}
	_ = conn.Close()
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", path) },
	}}
	return &Control{
		do: func(ctx context.Context, name string, in json.RawMessage) (json.RawMessage, error) {
			return postControl(ctx, client, name, in)
		},
		close: func() error { client.CloseIdleConnections(); return nil },
	}, true
}

func postControl(ctx context.Context, client *http.Client, name string, in json.RawMessage) (json.RawMessage, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://purser/"+name, bytes.NewReader(in))
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the running server: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	var a controlAnswer
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		return nil, fmt.Errorf("the running server: %w", err)
	}
	if a.Error != "" {
		return nil, errors.New(a.Error)
	}
	return a.Data, nil
}

// Close gives up what OpenControl opened.
func (c *Control) Close() error { return c.close() }

// ask does one operation and reads its answer.
func ask[O any](ctx context.Context, c *Control, name string, in any) (out O, err error) {
	b, err := json.Marshal(in)
	if err != nil {
		return out, err
	}
	answer, err := c.do(ctx, name, b)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(answer, &out)
}

// CreateKey makes another server key for an environment, named by its slug.
func (c *Control) CreateKey(ctx context.Context, environment, name string) (KeyInfo, error) {
	return ask[KeyInfo](ctx, c, "key-create", keyRequest{Environment: environment, Name: name})
}

// ListKeys lists the keys of an environment, or of all when it is "".
func (c *Control) ListKeys(ctx context.Context, environment string) ([]KeyInfo, error) {
	return ask[[]KeyInfo](ctx, c, "key-list", keyRequest{Environment: environment})
}

// RotateKey replaces a key; keep is how long the old secret works on: now, 1h, 24h, 3d or 7d.
func (c *Control) RotateKey(ctx context.Context, id, keep string) (KeyInfo, error) {
	return ask[KeyInfo](ctx, c, "key-rotate", keyRequest{ID: id, Keep: keep})
}

// RevokeKey ends a key at once.
func (c *Control) RevokeKey(ctx context.Context, id string) (KeyInfo, error) {
	return ask[KeyInfo](ctx, c, "key-revoke", keyRequest{ID: id})
}
