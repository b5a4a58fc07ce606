package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// answer is what came back.
type answer struct {
	t      testing.TB
	call   string
	path   string
	status int
	head   http.Header
	raw    []byte
	tree   any
}

// form says what is wrong with an answer whatever it says: the headers, and the body of an error (design decision 12).
func (a *answer) form() (issues []string) {
	if got := a.head.Get("Content-Type"); got != "application/json" {
		issues = append(issues, fmt.Sprintf("Content-Type is %q", got))
	}
	if a.head.Get("X-Request-Id") == "" {
		issues = append(issues, "no X-Request-Id")
	}
	if a.status < 400 {
		return issues
	}
	var p problemBody
	d := json.NewDecoder(bytes.NewReader(a.raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		issues = append(issues, "no error body: "+err.Error())
	}
	if p.Error.Code != p.Code || p.Error.Message != p.Message || p.Code == "" || p.Message == "" || p.Details == nil || p.RequestID == "" {
		issues = append(issues, "an error body says code and message twice, details and requestId")
	}
	if a.status == http.StatusConflict && a.head.Get("X-Should-Retry") != "false" && a.head.Get("Retry-After") == "" {
		issues = append(issues, "a conflict says neither x-should-retry: false nor Retry-After")
	}
	return issues
}

type problemBody struct {
	Error     struct{ Code, Message string }
	Code      string
	Message   string
	Details   []struct{ Path, Issue string }
	RequestID string
}

// want stops the test unless the answer has the status.
func (a *answer) want(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: %d, want %d\n%s", a.call, a.status, status, a.raw)
	}
	return a
}

// refused stops the test unless the answer is this error and names exactly these paths, in any order.
func (a *answer) refused(status int, code string, paths ...string) *answer {
	a.t.Helper()
	var p problemBody
	if err := json.Unmarshal(a.raw, &p); err != nil || a.status != status || p.Code != code {
		a.t.Fatalf("%s: want %d %s, got %d\n%s", a.call, status, code, a.status, a.raw)
	}
	got := []string{}
	for _, d := range p.Details {
		got = append(got, d.Path)
	}
	slices.Sort(got)
	slices.Sort(paths)
	if paths != nil && !slices.Equal(slices.Compact(got), paths) {
		a.t.Errorf("%s: details name %v, want %v\n%s", a.call, got, paths, a.raw)
	}
	return a
}

// at finds a value by its path: "data.entitlements.0.feature.id". ok is false where nothing is.
func (a *answer) at(path string) (value any, ok bool) {
	value = a.tree
	for _, part := range strings.Split(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			if value, ok = v[part]; !ok {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(v) {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
	}
	return value, true
}

// has checks pairs of a path and its value; the value absent means that there is nothing.
func (a *answer) has(pairs ...any) *answer {
	a.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		path, want := pairs[i].(string), pairs[i+1]
		got, ok := a.at(path)
		if want == absent {
			if ok {
				a.t.Errorf("%s: %s is %v, want nothing\n%s", a.call, path, got, a.raw)
			}
			continue
		}
		if d := cmp.Diff(plain(want), got); d != "" || !ok {
			a.t.Errorf("%s: %s (-want +got):\n%s\n%s", a.call, path, d, a.raw)
		}
	}
	return a
}

// absent is a value for has.
const absent = "\x00absent"

// text is a string in the answer.
func (a *answer) text(path string) string {
	a.t.Helper()
	v, _ := a.at(path)
	s, ok := v.(string)
	if !ok {
		a.t.Fatalf("%s: %s is no text: %v\n%s", a.call, path, v, a.raw)
	}
	return s
}

// column collects a text member of all rows of data.
func (a *answer) column(member string) []string {
	a.t.Helper()
	rows, _ := a.at("data")
	list, ok := rows.([]any)
	if !ok {
		a.t.Fatalf("%s: data is no list\n%s", a.call, a.raw)
	}
	out := []string{}
	for i := range list {
		out = append(out, a.text(fmt.Sprintf("data.%d.%s", i, member)))
	}
	return out
}

// plain brings a Go value into the form that decoded JSON has.
func plain(v any) (out any) {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic(err)
	}
	return out
}
