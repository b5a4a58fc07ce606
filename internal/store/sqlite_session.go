package store

import (
	"context"
	"database/sql"
	"strings"
)

// plain runs a statement without arguments or result.
func (w *sqliteWriter) plain(text string) error {
	s, err := w.prepare(text) //nolint:sqlclosecheck // kept for the life of the connection
	if err != nil {
		return err
	}
	_, err = s.ExecContext(context.Background())
	return err
}

func (w *sqliteWriter) prepare(text string) (*sql.Stmt, error) {
	if s, ok := w.stmts[text]; ok {
		return s, nil
	}
	// Trailing space would look like a second statement to the driver, which then prepares anew each time.
	s, err := w.conn.PrepareContext(context.Background(), strings.TrimSpace(text))
	if err == nil {
		w.stmts[text] = s
	}
	return s, err
}

// forgetStmts bounds the prepared statements: queries that are put together for a filter are many.
func (w *sqliteWriter) forgetStmts() {
	for _, s := range w.stmts {
		_ = s.Close()
	}
	clear(w.stmts)
}

// query implements session. The request's context stays outside: a cancelled one would interrupt the whole group.
func (w *sqliteWriter) query(_ context.Context, text string, args []any) (rows, error) {
	s, err := w.prepare(text) //nolint:sqlclosecheck // kept for the life of the connection
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.Background(), args...) //nolint:rowserrcheck // scanAll checks
}

// run implements session.
func (w *sqliteWriter) run(_ context.Context, list []statement) error {
	for _, st := range list {
		if err := w.runOne(st); err != nil {
			return err
		}
	}
	return nil
}

func (w *sqliteWriter) runOne(st statement) error {
	if st.scan != nil {
		r, err := w.query(context.Background(), st.sql, st.args)
		if err != nil {
			return translate(err)
		}
		return scanAll(r, st.scan)
	}
	s, err := w.prepare(st.sql) //nolint:sqlclosecheck // kept for the life of the connection
	if err != nil {
		return err
	}
	res, err := s.ExecContext(context.Background(), st.args...)
	if err != nil {
		return translate(err)
	}
	if st.expect != anyRows {
		if n, err := res.RowsAffected(); err != nil || n != st.expect {
			return missed(st, n, err)
		}
	}
	return nil
}
