package errs

import (
	"fmt"
	"slices"
	"sort"
)

// Errors that belong to no noun (domain-catalog-provisioning §10, contract §1.2).
var (
	BadUserInput          = New(Invalid, "BadUserInput", "The request has a wrong shape, type, length or pattern.")
	InvalidArgument       = New(Invalid, "InvalidArgumentError", "A value breaks a rule.")
	MissingEntityID       = New(Invalid, "MissingEntityIdError", "An id is missing.")
	EntityIDDifferent     = New(Invalid, "EntityIdDifferentFromRefIdError", "Two ids were given for one thing, and they differ.")
	PayloadTooLarge       = New(Invalid, "PayloadTooLarge", "The request body is larger than allowed.")
	UnsupportedMediaType  = New(Invalid, "UnsupportedMediaType", "Send the body as application/json.")
	NoKey                 = New(Unauthenticated, "Unauthenticated", "The API key is missing, unknown or expired.")
	IdentityForbidden     = New(Forbidden, "IdentityForbidden", "This key may not do that.")
	RouteNotFound         = New(NotFound, "RouteNotFound", "There is no such route.")
	TaskNotFound          = New(NotFound, "TaskNotFound", "There is no such task.")
	Duplicated            = New(Conflict, "DuplicatedEntityNotAllowed", "This id is already in use.")
	IntegrityViolation    = New(Conflict, "IntegrityViolation", "The change contradicts other data.")
	IdempotencyKeyReused  = New(Conflict, "IdempotencyKeyReused", "This Idempotency-Key was already used with other content.")
	RateLimitExceeded     = New(Exhausted, "RateLimitExceeded", "Too many requests.")
	ServiceUnavailable    = New(Unavailable, "ServiceUnavailable", "The server cannot do this now. Try again.")
	Unexpected            = New(Internal, "UnexpectedError", "Something went wrong on our side.")
	FeedResync            = New(Invalid, "FeedResync", "This feed position can no longer be read. Start again from a fresh read.")
	TestClockNotAvailable = New(Conflict, "TestClockNotAvailable", "Production environments have no test clock.")
)

// Checks collects everything that is wrong with one input, so that callers learn all of it at once.
// The zero value is ready.
type Checks struct {
	fields []Field
	rule   []bool // of each field: it breaks a rule, and its shape is right
	first  *Error // the first rule with a code of its own
}

// Shape records a field of wrong type, length or pattern (BadUserInput).
func (c *Checks) Shape(path, format string, args ...any) {
	c.add(Field{path, fmt.Sprintf(format, args...)}, false)
}

func (c *Checks) add(f Field, rule bool) {
	c.fields, c.rule = append(c.fields, f), append(c.rule, rule)
}

// Rule records a field that breaks a rule without a code of its own (InvalidArgumentError).
func (c *Checks) Rule(path, format string, args ...any) {
	c.add(Field{path, fmt.Sprintf(format, args...)}, true)
}

// Named records a field that breaks a rule with a code of its own. The first named rule gives the answer its code
// when nothing is wrong with the shape.
func (c *Checks) Named(e *Error, path, format string, args ...any) {
	if c.first == nil {
		c.first = e
	}
	c.Rule(path, format, args...)
}

// Merge records what other recorded, under a prefix of paths.
func (c *Checks) Merge(prefix string, other *Checks) {
	for i, f := range other.fields {
		c.add(Field{prefix + f.Path, f.Issue}, other.rule[i])
	}
	if c.first == nil {
		c.first = other.first
	}
}

// MergeNew is Merge for what lies at paths of which nothing is known yet.
func (c *Checks) MergeNew(other *Checks) {
	known := map[string]bool{}
	for _, f := range c.fields {
		known[f.Path] = true
	}
	for i, f := range other.fields {
		if !known[f.Path] {
			c.add(f, other.rule[i])
		}
	}
	if c.first == nil {
		c.first = other.first
	}
}

// At reports whether something was recorded for exactly this path.
func (c *Checks) At(path string) bool {
	return slices.ContainsFunc(c.fields, func(f Field) bool { return f.Path == path })
}

// Failed reports whether anything was recorded.
func (c *Checks) Failed() bool { return len(c.fields) > 0 }

// Err returns nil when nothing was recorded; else one error that names every field.
func (c *Checks) Err() error {
	if len(c.fields) == 0 {
		return nil
	}
	base := BadUserInput
	if !slices.Contains(c.rule, false) {
		base = InvalidArgument
		if c.first != nil {
			base = c.first
		}
	}
	sort.SliceStable(c.fields, func(i, j int) bool { return c.fields[i].Path < c.fields[j].Path })
	f := c.fields[0]
	msg := fmt.Sprintf("%s: %s", f.Path, f.Issue)
	if n := len(c.fields) - 1; n > 0 {
		msg = fmt.Sprintf("%s (and %d more, see details)", msg, n)
	}
	return base.Because("%s", msg).With(c.fields...)
}
