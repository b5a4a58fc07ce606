// Package page is keyset pagination: ascending internal id, the cursor is the id
// of the last row of a page (contract §1.3).
package page

import (
	"strconv"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
)

// DefaultLimit and MaxLimit bound a page.
const (
	DefaultLimit = 20
	MaxLimit     = 100
)

// Request asks for one page. Before gives the page just before the cursor, in the same ascending order.
type Request struct {
	Limit  int
	After  string
	Before string
}

// Of is one page. Next and Prev are empty when there is nothing further in that direction.
type Of[T any] struct {
	Items []T
	Next  string
	Prev  string
}

// Parse reads the three query parameters as they were sent. A store still has to check that the cursor is a row of
// the list being read: one of another list or environment is refused (ErrCursor).
func Parse(limit, after, before string) (Request, error) {
	var c errs.Checks
	r := Request{Limit: DefaultLimit, After: after, Before: before}
	if limit != "" {
		n, err := strconv.Atoi(limit)
		if err != nil || n < 1 || n > MaxLimit {
			c.Shape("limit", "must be a whole number from 1 to %d", MaxLimit)
		}
		r.Limit = n
	}
	for name, cursor := range map[string]string{"after": after, "before": before} {
		if cursor != "" && !id.IsUUID(cursor) {
			c.Shape(name, "is not a cursor of this list")
		}
	}
	if after != "" && before != "" {
		c.Shape("before", "cannot be combined with after")
	}
	return r, c.Err()
}

// ErrCursor is the answer to a cursor that is no row of the list.
func ErrCursor(name string) error {
	return errs.BadUserInput.At(name, "is not a cursor of this list")
}

// Cut makes a page of rows that were read in ascending order with one row more than the limit asked for (at the far
// end: the first row of a Before page is the surplus one).
func Cut[T any](r Request, rows []T, key func(T) string) Of[T] {
	more := len(rows) > r.Limit
	if more && r.Before != "" {
		rows = rows[1:]
	} else if more {
		rows = rows[:r.Limit]
	}
	p := Of[T]{Items: rows}
	if len(rows) == 0 {
		return p
	}
	if r.Before != "" || more {
		p.Next = key(rows[len(rows)-1])
	}
	if r.After != "" || r.Before != "" && more {
		p.Prev = key(rows[0])
	}
	return p
}
