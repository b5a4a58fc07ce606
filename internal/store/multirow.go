package store

import (
	"strconv"
	"strings"
)

// rowsAtOnce bounds the rows of one insert: each number of rows is a statement of its own to prepare.
const rowsAtOnce = 8

// multiRow is an insert of several rows: to PostgreSQL a statement costs more than a row.
type multiRow struct {
	columns int
	texts   [rowsAtOnce + 1]string // by number of rows
}

// newMultiRow makes the statements from "insert into … (columns)" and what follows the values.
func newMultiRow(into string, columns int, after string) *multiRow {
	m := &multiRow{columns: columns}
	values := into + " values "
	for n := 1; n <= rowsAtOnce; n++ {
		row := make([]string, columns)
		for i := range row {
			row[i] = "$" + strconv.Itoa((n-1)*columns+i+1)
		}
		if n > 1 {
			values += ", "
		}
		values += "(" + strings.Join(row, ", ") + ")"
		m.texts[n] = values + " " + after
	}
	return m
}

// sql is the statement for 1 to rowsAtOnce rows. They are inserted, and returned, in the order of their arguments.
func (m *multiRow) sql(rows int) string { return m.texts[rows] }
