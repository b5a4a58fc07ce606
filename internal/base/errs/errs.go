// Package errs is the one error type that crosses package borders.
//
// An Error has a Kind, which decides the HTTP status, and a Code, which is stable
// API. Nouns declare theirs beside the type they belong to with New; everything
// that is not an *Error is Internal and is shown to callers without its detail.
package errs

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"
)

// Kind says what sort of failure an Error is. The set is closed; api/problem turns it into a status.
type Kind uint8

// The kinds, from the caller's point of view.
const (
	Internal        Kind = iota // our fault: 500
	Invalid                     // the request cannot be right: 400
	Unauthenticated             // no usable key: 401
	Forbidden                   // a key without the permission: 403
	NotFound                    // 404
	Conflict                    // the present state forbids it: 409
	Exhausted                   // too much or too often: 429
	Unavailable                 // try again later: 503
)

// Field is one bad field of a request: its path in the request ("subscriptionParams.planId") and what is wrong with it.
type Field struct {
	Path  string `json:"path"`
	Issue string `json:"issue"`
}

// Error is a failure with a stable code. Treat it as immutable: With, Because and Wrap return copies.
type Error struct {
	Kind    Kind
	Code    string
	Message string
	Fields  []Field
	// Retry says that the same request can succeed later; a conflict without it is final.
	Retry bool
	// RetryAfter is when; zero leaves it to the client.
	RetryAfter time.Duration
	Err        error
}

var (
	registryMu sync.Mutex
	registry   = map[string]*Error{}
)

// New declares an error. A code is declared once in the whole program: a second declaration panics at start.
func New(kind Kind, code, message string) *Error {
	e := &Error{Kind: kind, Code: code, Message: message}
	registryMu.Lock()
	defer registryMu.Unlock()
	if _, dup := registry[code]; dup {
		panic("errs: code declared twice: " + code)
	}
	registry[code] = e
	return e
}

// All returns every declared error, sorted by code. docs/errors.md is written from it.
func All() []*Error {
	registryMu.Lock()
	defer registryMu.Unlock()
	all := make([]*Error, 0, len(registry))
	for _, e := range registry {
		all = append(all, e)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Code < all[j].Code })
	return all
}

// Error gives the message, the bad fields and the cause, for logs.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Code)
	b.WriteString(": ")
	b.WriteString(e.Message)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, " [%s: %s]", f.Path, f.Issue)
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is compares by code, so that errors.Is(err, customer.ErrNotFound) holds for every copy.
func (e *Error) Is(target error) bool {
	var t *Error
	return errors.As(target, &t) && t.Code == e.Code
}

// With returns a copy that names the given fields.
func (e *Error) With(fields ...Field) *Error {
	c := *e
	c.Fields = append(append([]Field(nil), e.Fields...), fields...)
	return &c
}

// Because returns a copy with a message made for this case.
func (e *Error) Because(format string, args ...any) *Error {
	c := *e
	c.Message = fmt.Sprintf(format, args...)
	return &c
}

// At returns a copy with a message made for this case that also names the field at path.
func (e *Error) At(path, format string, args ...any) *Error {
	c := e.Because(format, args...)
	c.Fields = append(append([]Field(nil), e.Fields...), Field{Path: path, Issue: c.Message})
	return c
}

// Wrap returns a copy that carries its cause.
func (e *Error) Wrap(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// After returns a copy that may be tried again after d.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.Retry, c.RetryAfter = true, d
	return &c
}

// As finds the first *Error in err's chain.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}
