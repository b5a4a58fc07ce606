package store

import (
	"context"
	"strconv"
	"strings"

	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
)

// listQuery is the where clause of one list, built from its filters.
type listQuery struct {
	table, alias string
	env          tenant.ID
	where        []string
	args         []any
	among        string // a condition that rows of the list meet, and cursors too; its arguments begin at $3
	amongArgs    []any
}

func newList(table, alias string, env tenant.ID) *listQuery {
	return &listQuery{table: table, alias: alias, env: env, where: []string{alias + `.environment = $1`}, args: []any{env}}
}

// and adds a condition; each ? takes the next argument.
func (q *listQuery) and(cond string, args ...any) {
	for _, a := range args {
		q.args = append(q.args, a)
		cond = strings.Replace(cond, "?", "$"+strconv.Itoa(len(q.args)), 1)
	}
	q.where = append(q.where, cond)
}

// in adds a condition that a column has one of the values; none matches all.
func (q *listQuery) in(column string, values []string) {
	if len(values) == 0 {
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	q.and(column+` in (?`+strings.Repeat(`, ?`, len(values)-1)+`)`, args...)
}

// within adds the bounds of a range of instants.
func (q *listQuery) within(column string, r page.Range) {
	if !r.GT.IsZero() {
		q.and(column+` > ?`, stamp(r.GT))
	}
	if !r.GTE.IsZero() {
		q.and(column+` >= ?`, stamp(r.GTE))
	}
	if !r.LT.IsZero() {
		q.and(column+` < ?`, stamp(r.LT))
	}
	if !r.LTE.IsZero() {
		q.and(column+` <= ?`, stamp(r.LTE))
	}
}

// listPage reads one page by keyset: ascending internal id, one row more than asked for to know whether there are more.
func listPage[T any](ctx context.Context, t *Tx, q *listQuery, p page.Request, sel string, scan func(rows) (T, error), key func(T) string) (page.Of[T], error) {
	order := ` order by ` + q.alias + `.id`
	switch {
	case p.After != "":
		if err := q.cursor(ctx, t, "after", p.After); err != nil {
			return page.Of[T]{}, err
		}
		q.and(q.alias+`.id > ?`, p.After)
	case p.Before != "":
		if err := q.cursor(ctx, t, "before", p.Before); err != nil {
			return page.Of[T]{}, err
		}
		q.and(q.alias+`.id < ?`, p.Before)
		order += ` desc`
	}
	text := sel + ` where ` + strings.Join(q.where, ` and `) + order + ` limit ` + strconv.Itoa(p.Limit+1)
	list, err := all(ctx, t, scan, text, q.args...)
	if err != nil {
		return page.Of[T]{}, err
	}
	if p.Before != "" {
		for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
			list[i], list[j] = list[j], list[i]
		}
	}
	return page.Cut(p, list, key), nil
}

// cursor refuses a cursor that is no row of this table and environment.
func (q *listQuery) cursor(ctx context.Context, t *Tx, name, id string) error {
	var n int
	args := append([]any{q.env, id}, q.amongArgs...)
	err := t.one(ctx, errNoRow, []any{&n}, `select count(*) from `+q.table+` where environment = $1 and id = $2`+q.among, args...)
	if err == nil && n == 0 {
		err = page.ErrCursor(name)
	}
	return err
}
