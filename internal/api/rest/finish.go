package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/purserhq/purser/internal/api/problem"
)

// statusGone is what is logged when the caller left before the answer.
const statusGone = 499

// finish ends an exchange: a panic becomes a 500, then come the log line and the observation.
func (api *API) finish(x *exchange, r *http.Request, start time.Time, panicked any) {
	began := x.status != 0
	if panicked != nil {
		x.fail(r, fmt.Errorf("panic: %v\n%s", panicked, debug.Stack()))
	}
	status := x.status
	if status == 0 {
		status = http.StatusOK
	}
	if errors.Is(x.err, context.Canceled) && r.Context().Err() != nil {
		status = statusGone
	}
	d := max(0, api.cfg.Clock.Now().Sub(start))
	route := r.Pattern
	if route == "" || route == "/" {
		route = "none"
	}
	if api.cfg.Metrics != nil {
		api.cfg.Metrics.Observe(route, status, d)
	}
	api.log(x, r, route, status, d)
	*x = exchange{}
	exchanges.Put(x)
	if panicked != nil && began {
		panic(http.ErrAbortHandler) // the answer is broken off; net/http closes the connection
	}
}

// log writes one line without ids of customers, query strings or bodies. Successful reads are for debugging only.
func (api *API) log(x *exchange, r *http.Request, route string, status int, d time.Duration) {
	level := slog.LevelInfo
	switch {
	case status == http.StatusServiceUnavailable:
		level = slog.LevelWarn
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	case status < http.StatusBadRequest && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		level = slog.LevelDebug
	}
	ctx := r.Context()
	if !api.cfg.Log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs,
		slog.String("method", method(r.Method)), slog.String("route", route), slog.Int("status", status),
		slog.Duration("duration", d), slog.String("request_id", x.id), slog.String("environment", x.env))
	if x.err != nil {
		attrs = append(attrs, slog.String("code", problem.Of(x.err).Code))
		if status >= http.StatusInternalServerError {
			attrs = append(attrs, slog.String("error", x.err.Error()))
		}
	}
	api.cfg.Log.LogAttrs(ctx, level, "request", attrs...)
}

// method keeps invented methods out of the log.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return m
	}
	return "OTHER"
}
