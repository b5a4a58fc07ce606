package store

// dialect is what differs between the engines inside a query. If it grows past ten, stop and talk.
type dialect interface {
	name() string
	// forUpdate is the clause that locks the rows of a select.
	forUpdate() string
	// forNoKeyUpdate is forUpdate for a row that others refer to: new references do not wait.
	forNoKeyUpdate() string
	// skipLocked is forUpdate that passes over rows which others hold.
	skipLocked() string
	// writesBegun gives a mark of all transactions that write and have begun, and writesEnded tells whether those of a mark
	// have ended; "" where there is one at a time.
	writesBegun() string
	writesEnded() string
}

type sqliteDialect struct{}

func (sqliteDialect) name() string           { return "sqlite" }
func (sqliteDialect) forUpdate() string      { return "" } // one writer
func (sqliteDialect) forNoKeyUpdate() string { return "" }
func (sqliteDialect) skipLocked() string     { return "" }
func (sqliteDialect) writesBegun() string    { return "" }
func (sqliteDialect) writesEnded() string    { return "" }

type postgresDialect struct{}

func (postgresDialect) name() string           { return "postgres" }
func (postgresDialect) forUpdate() string      { return " for update" }
func (postgresDialect) forNoKeyUpdate() string { return " for no key update" }
func (postgresDialect) skipLocked() string     { return " for update skip locked" }
func (postgresDialect) writesBegun() string {
	return `select pg_snapshot_xmax(pg_current_snapshot())::text::bigint`
}

func (postgresDialect) writesEnded() string {
	return `select pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= $1`
}
