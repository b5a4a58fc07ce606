package rest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/purserhq/purser/internal/base/errs"
)

const (
	ignoredHeader = "X-Purser-Ignored-Fields"
	maxIgnored    = 20
	maxName       = 64
	maxBad        = 100
)

// checker collects what is wrong with one request and what of it was ignored. It knows where it is.
type checker struct {
	path    []byte
	checks  errs.Checks
	n       int
	ignored []string
}

// bad records what is wrong at the current path. After a hundred fields the caller has learned enough.
func (c *checker) bad(issue string) {
	if c.n++; c.n <= maxBad {
		c.checks.Shape(string(c.path), "%s", issue)
	}
}

// ignore records the current path as ignored. More than the header holds are kept, so that it is always the same ones.
func (c *checker) ignore() {
	if len(c.ignored) < 50*maxIgnored {
		c.ignored = append(c.ignored, safeName(c.path))
	}
}

// enter goes to a member; leave goes back with what it returned.
func (c *checker) enter(name string) int {
	back := len(c.path)
	if back > 0 {
		c.path = append(c.path, '.')
	}
	c.path = append(c.path, name[:min(len(name), 2*maxName)]...)
	return back
}

func (c *checker) item(i int) int {
	back := len(c.path)
	c.path = append(c.path, '[')
	c.path = strconv.AppendInt(c.path, int64(i), 10)
	c.path = append(c.path, ']')
	return back
}

func (c *checker) leave(back int) { c.path = c.path[:back] }

// at records what is wrong at a top-level name.
func (c *checker) at(name, issue string) {
	back := c.enter(name)
	c.bad(issue)
	c.leave(back)
}

// anything looks through a value without a schema for what cannot be stored or read back.
func (c *checker) anything(v any) {
	switch v := v.(type) {
	case string:
		if issue := badText(v); issue != "" {
			c.bad(issue)
		}
	case json.Number:
		if _, err := v.Float64(); err != nil {
			c.bad("must be a number of ordinary size")
		}
	case []any:
		for i, e := range v {
			back := c.item(i)
			c.anything(e)
			c.leave(back)
		}
	case map[string]any:
		for name, e := range v {
			back := c.enter(name)
			if issue := badText(name); issue != "" {
				c.bad(issue)
			}
			c.anything(e)
			c.leave(back)
		}
	}
}

// header is the value of X-Purser-Ignored-Fields, "" for none (contract §1.6).
func (c *checker) header() string {
	slices.Sort(c.ignored)
	names := slices.Compact(c.ignored)
	return strings.Join(names[:min(len(names), maxIgnored)], ", ")
}

func safeName(path []byte) string {
	b := slices.Clone(path[:min(len(path), maxName)])
	for i, ch := range b {
		switch {
		case ch >= 'a' && ch <= 'z', ch >= 'A' && ch <= 'Z', ch >= '0' && ch <= '9', strings.IndexByte("_-.[]$@", ch) >= 0:
		default:
			b[i] = '?'
		}
	}
	return string(b)
}
