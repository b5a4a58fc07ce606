package store

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"github.com/purserhq/purser/internal/base/errs"
)

// constraintError is a violated constraint that no noun has a word for.
type constraintError struct {
	name string
	err  error
}

func (c *constraintError) Error() string { return "constraint " + c.name + ": " + c.err.Error() }
func (c *constraintError) Unwrap() error { return c.err }

// constraints says which error a violated constraint is. PostgreSQL reports the name; SQLite reports the columns of a
// unique constraint, so both stand here.
var constraints = map[string]*errs.Error{}

// sqliteConstraint finds a constraint's name by SQLite's list of columns.
var sqliteConstraint = map[string]string{}

// constraint registers what a violated unique constraint means. Called from the file of the noun.
func constraint(name, columns string, e *errs.Error) bool {
	constraints[name] = e
	sqliteConstraint[columns] = name
	return true
}

// reference registers what a violated foreign key means on PostgreSQL; SQLite does not name them.
func reference(name string, e *errs.Error) bool {
	constraints[name] = e
	return true
}

// translate turns a driver's error into ours; nothing of a driver leaks further.
func translate(err error) error {
	if err == nil {
		return nil
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case pg.Code == "23503" && constraints[pg.ConstraintName] == nil:
			return errs.IntegrityViolation.Wrap(&constraintError{pg.ConstraintName, err})
		case strings.HasPrefix(pg.Code, "23"):
			return translated(pg.ConstraintName, err)
		case pg.Code == "22021" || pg.Code == "22P05":
			return errs.BadUserInput.Because("A text holds the character U+0000, or is not UTF-8.").Wrap(err)
		}
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) && lite.Code()&0xff == sqliteConstraintCode {
		if lite.Code() == sqliteForeignKey {
			return errs.IntegrityViolation.Wrap(&constraintError{"foreign key", err})
		}
		return translated(sqliteConstraintName(lite.Error()), err)
	}
	return err
}

func translated(name string, err error) error {
	if e, ok := constraints[name]; ok {
		return e.Wrap(&constraintError{name, err})
	}
	return &constraintError{name, err}
}

// sqliteConstraintName reads "constraint failed: UNIQUE constraint failed: t.a, t.b (2067)".
func sqliteConstraintName(msg string) string {
	_, columns, ok := strings.Cut(msg, "UNIQUE constraint failed: ")
	if !ok {
		return ""
	}
	if i := strings.LastIndex(columns, " ("); i >= 0 {
		columns = columns[:i]
	}
	if name, ok := strings.CutPrefix(columns, "index '"); ok {
		return strings.TrimSuffix(name, "'")
	}
	return sqliteConstraint[columns]
}

// isConstraint reports whether a database error is a violated constraint: on SQLite only those are undone to a
// savepoint (storage.md 2.2).
func isConstraint(err error) bool {
	var c *constraintError
	return errors.As(err, &c)
}

// missed is the error of a statement that affected another number of rows than it must. It counts as a constraint:
// only its own transaction is undone.
func missed(st statement, n int64, err error) error {
	cause := &constraintError{"expected rows", fmt.Errorf("%d rows affected, %d expected: %w", n, st.expect, errors.Join(err, errNoRow))}
	if e, ok := errs.As(st.otherwise); ok {
		return e.Wrap(cause)
	}
	return errors.Join(st.otherwise, cause)
}
