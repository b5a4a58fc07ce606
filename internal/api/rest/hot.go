package rest

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/purserhq/purser/internal/base/errs"
)

// hotQuery walks through a query string for raw handlers: it allocates only for what is escaped.
//
//	q := hotQuery{rest: r.URL.RawQuery}
//	for name, value, ok := q.next(); ok; name, value, ok = q.next() { … }
//	if q.err != nil { return q.err }
type hotQuery struct {
	rest string
	err  error
}

func (q *hotQuery) next() (name, value string, ok bool) {
	for q.rest != "" && q.err == nil {
		var pair string
		pair, q.rest, _ = strings.Cut(q.rest, "&")
		if pair == "" {
			continue
		}
		name, value, _ = strings.Cut(pair, "=")
		name = q.unescape(name)
		value = q.unescape(value)
		return name, value, q.err == nil
	}
	return "", "", false
}

func (q *hotQuery) unescape(s string) string {
	if strings.ContainsAny(s, "%+;") {
		u, err := url.QueryUnescape(s)
		if err != nil || strings.IndexByte(s, ';') >= 0 {
			q.err = errs.BadUserInput.At("query", "is malformed")
			return ""
		}
		s = u
	}
	if issue := badText(s); issue != "" {
		q.err = errs.BadUserInput.At("query", "%s", issue)
	}
	return s
}

// ignore names unknown query parameters in the answer's header, for raw handlers.
func ignore(w http.ResponseWriter, names ...string) {
	var c checker
	for _, name := range names {
		back := c.enter(name)
		c.ignore()
		c.leave(back)
	}
	if h := c.header(); h != "" {
		w.Header().Set(ignoredHeader, h)
	}
}
