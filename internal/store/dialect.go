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
}

type sqliteDialect struct{}

func (sqliteDialect) name() string           { return "sqlite" }
func (sqliteDialect) forUpdate() string      { return "" } // one writer
func (sqliteDialect) forNoKeyUpdate() string { return "" }
func (sqliteDialect) skipLocked() string     { return "" }

type postgresDialect struct{}

func (postgresDialect) name() string           { return "postgres" }
func (postgresDialect) forUpdate() string      { return " for update" }
func (postgresDialect) forNoKeyUpdate() string { return " for no key update" }
func (postgresDialect) skipLocked() string     { return " for update skip locked" }
