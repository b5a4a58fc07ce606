// Package problem is the only place that turns an error into a status.
//
// Of reads an error, Write answers with it: one JSON body on every route (design
// decision 12), statuses as in domain-catalog-provisioning §10.2, never 422. An error
// that is not an *errs.Error is ours, and is shown without its detail.
package problem

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
)

// RequestIDHeader names the request in both directions. The edge has set it on the answer before Write is called.
const RequestIDHeader = "X-Request-Id"

// statuses is the table. Codes that differ from their kind are in exceptions.
var statuses = [...]int{
	errs.Internal:        http.StatusInternalServerError,
	errs.Invalid:         http.StatusBadRequest,
	errs.Unauthenticated: http.StatusUnauthorized,
	errs.Forbidden:       http.StatusForbidden,
	errs.NotFound:        http.StatusNotFound,
	errs.Conflict:        http.StatusConflict,
	errs.Exhausted:       http.StatusTooManyRequests,
	errs.Unavailable:     http.StatusServiceUnavailable,
}

var exceptions = map[string]int{
	"PayloadTooLarge":            http.StatusRequestEntityTooLarge,
	"UnsupportedMediaType":       http.StatusUnsupportedMediaType,
	"FeedResync":                 http.StatusGone,
	"CustomerHasNoPaymentMethod": http.StatusPaymentRequired,
	"PaymentDeclined":            http.StatusPaymentRequired,
}

// Problem is an error as the caller sees it.
type Problem struct {
	Status     int
	Code       string
	Message    string
	Details    []errs.Field
	Retry      bool // the same request can succeed later
	RetryAfter time.Duration
}

// Of finds the answer to err. A deadline that passed is ServiceUnavailable and may be tried again; so is a request that
// the caller gave up, which nobody reads.
func Of(err error) Problem {
	e, ok := errs.As(err)
	switch {
	case ok:
	case errors.Is(err, context.DeadlineExceeded):
		e = errs.ServiceUnavailable.After(time.Second)
	case errors.Is(err, context.Canceled):
		e = errs.ServiceUnavailable
	default:
		e = errs.Unexpected
	}
	p := Problem{Status(e), e.Code, e.Message, e.Fields, e.Retry, e.RetryAfter}
	if p.Status == http.StatusInternalServerError {
		p.Message, p.Details = errs.Unexpected.Message, nil
	}
	return p
}

// Status is the HTTP status of a declared error.
func Status(e *errs.Error) int {
	if s, ok := exceptions[e.Code]; ok {
		return s
	}
	if int(e.Kind) < len(statuses) {
		return statuses[e.Kind]
	}
	return http.StatusInternalServerError
}

// ErrorBody is the body of every answer that is no success. The inner error repeats code and message for clients of
// the original (rest-api §1.5).
type ErrorBody struct {
	Error     ErrorHead    `json:"error"`
	Code      string       `json:"code" doc:"Stable; the list is docs/errors.md."`
	Message   string       `json:"message"`
	Details   []errs.Field `json:"details" doc:"Every bad field."`
	RequestID string       `json:"requestId"`
}

// ErrorHead is the error in short.
type ErrorHead struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Body returns the JSON body for the request with that id.
func (p Problem) Body(requestID string) []byte {
	details := p.Details
	if details == nil {
		details = []errs.Field{}
	}
	b, err := json.Marshal(ErrorBody{ErrorHead{p.Code, p.Message}, p.Code, p.Message, details, requestID})
	if err != nil { // strings only: it cannot happen
		panic(err)
	}
	return append(b, '\n')
}

// Write answers with p: headers, status and body.
func (p Problem) Write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	NoRetry(h, p.Status, p.Retry)
	if p.RetryAfter > 0 {
		seconds := (p.RetryAfter + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(p.Body(h.Get(RequestIDHeader)))
}

// NoRetry marks a final conflict: clients of the original repeat a 409 unless they are told not to.
func NoRetry(h http.Header, status int, retry bool) {
	if status == http.StatusConflict && !retry {
		h.Set("X-Should-Retry", "false")
	}
}

// Write answers with err. Nothing may have been written before.
func Write(w http.ResponseWriter, _ *http.Request, err error) { Of(err).Write(w) }
