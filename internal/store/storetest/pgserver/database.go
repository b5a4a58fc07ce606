package pgserver

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
)

// DSN returns the URL of a database for its superuser.
func (s *Server) DSN(db string) string {
	u := s.base
	u.Path = "/" + db
	return u.String()
}

// CreateDatabase makes a database as a copy of template; "" copies PostgreSQL's own, which is empty.
// Nobody may be connected to the template.
func (s *Server) CreateDatabase(ctx context.Context, name, template string) error {
	return s.admin(ctx, func(conn *pgx.Conn) error { return s.create(ctx, conn, name, template) })
}

// DropDatabase removes a database and cuts its connections. One that does not exist is no error.
// It makes the server write a checkpoint: a test with many databases is faster when it leaves them to Stop.
func (s *Server) DropDatabase(ctx context.Context, name string) error {
	return s.admin(ctx, func(conn *pgx.Conn) error { return drop(ctx, conn, name) })
}

// EnsureTemplate makes database name once per server, however many processes ask for it at the same time. fill is given
// the DSN of an empty database; only a filled one gets the name. fill closes its connections before it returns.
func (s *Server) EnsureTemplate(ctx context.Context, name string, fill func(ctx context.Context, dsn string) error) error {
	return s.admin(ctx, func(conn *pgx.Conn) (err error) {
		if _, err := conn.Exec(ctx, `select pg_advisory_lock(hashtext($1))`, name); err != nil {
			return err
		}
		defer func() {
			_, uerr := conn.Exec(context.WithoutCancel(ctx), `select pg_advisory_unlock(hashtext($1))`, name)
			err = errors.Join(err, uerr)
		}()
		var made bool
		err = conn.QueryRow(ctx, `select exists (select from pg_database where datname = $1)`, name).Scan(&made)
		if err != nil || made {
			return err
		}
		draft := name + "_draft"
		if err := drop(ctx, conn, draft); err != nil {
			return err
		}
		if err := s.create(ctx, conn, draft, ""); err != nil {
			return err
		}
		if err := fill(ctx, s.DSN(draft)); err != nil {
			return fmt.Errorf("fill template %s: %w", name, err)
		}
		_, err = conn.Exec(ctx, fmt.Sprintf(`alter database %s rename to %s`, quote(draft), quote(name)))
		return err
	})
}

// admin is the connection that makes and drops databases. It is kept: a test that opens one for each of these steps
// waits longer for connections than for its database.
type admin struct {
	sync.Mutex
	conn    *pgx.Conn
	version int // as in 150014
}

// admin runs fn, one at a time, on the connection to the superuser's database.
func (s *Server) admin(ctx context.Context, fn func(*pgx.Conn) error) error {
	s.kept.Lock()
	defer s.kept.Unlock()
	if s.kept.conn != nil && s.kept.conn.Ping(ctx) != nil {
		_ = s.kept.close(ctx) // the server was started again, say
	}
	if s.kept.conn == nil {
		conn, err := pgx.Connect(ctx, s.DSN(superuser))
		if err != nil {
			return err
		}
		s.kept.conn = conn
		if err := conn.QueryRow(ctx, `select current_setting('server_version_num')::int`).Scan(&s.kept.version); err != nil {
			return errors.Join(err, s.kept.close(ctx))
		}
	}
	return fn(s.kept.conn)
}

func (a *admin) close(ctx context.Context) error {
	if a.conn == nil {
		return nil
	}
	conn := a.conn
	a.conn = nil
	return conn.Close(context.WithoutCancel(ctx))
}

// create copies files. From version 15 on PostgreSQL would rather write everything to its log, which spares a busy
// server a checkpoint; a small database of a server that forgets it anyway takes three times as long.
func (s *Server) create(ctx context.Context, conn *pgx.Conn, name, template string) error {
	sql := "create database " + quote(name)
	if template != "" {
		sql += " template " + quote(template)
	}
	if s.kept.version >= 150000 {
		sql += " strategy file_copy"
	}
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

func drop(ctx context.Context, conn *pgx.Conn, name string) error {
	if _, err := conn.Exec(ctx, fmt.Sprintf("drop database if exists %s with (force)", quote(name))); err != nil {
		return fmt.Errorf("drop database %s: %w", name, err)
	}
	return nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
