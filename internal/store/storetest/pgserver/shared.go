package pgserver

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// DSNEnv names a running server for Shared: the URL of a superuser. The program pgrun sets it.
const DSNEnv = "PURSER_TEST_POSTGRES_DSN"

var shared struct {
	sync.Mutex
	server *Server
	err    error
}

// Shared returns the one server of this process: the one that PURSER_TEST_POSTGRES_DSN names, else one that the first
// call starts. TestMain ends it with StopShared. A failed start is remembered, so that a thousand tests fail at once.
func Shared() (*Server, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		if dsn := os.Getenv(DSNEnv); dsn != "" {
			shared.server, shared.err = attach(context.Background(), dsn)
		} else {
			shared.server, shared.err = Start(context.Background())
		}
	}
	return shared.server, shared.err
}

// StopShared stops what Shared started. The next Shared starts afresh.
func StopShared() error {
	shared.Lock()
	defer shared.Unlock()
	s := shared.server
	shared.server, shared.err = nil, nil
	if s == nil {
		return nil
	}
	return s.Stop()
}

// attach uses a server that somebody else runs.
func attach(ctx context.Context, dsn string) (*Server, error) {
	u, err := url.Parse(dsn)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, fmt.Errorf("%s must be a URL such as postgres://user@host/postgres", DSNEnv) // without the text: it may hold a password
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	s := &Server{base: *u}
	err = s.admin(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "select current_setting('server_version')").Scan(&s.Version)
	})
	if err != nil {
		return nil, fmt.Errorf("the server that %s names: %w", DSNEnv, err)
	}
	return s, nil
}
