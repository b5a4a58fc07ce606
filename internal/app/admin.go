package app

import (
	"net/http"
	"net/http/pprof"

	"github.com/purserhq/purser/internal/api/rest"
)

// adminHandler serves metrics and profiles. On a loopback address it answers to local names only: a page of another
// name that was made to resolve to 127.0.0.1 must not read profiles.
func adminHandler(m *metrics, onlyLocal bool) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.handler())
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if onlyLocal && !rest.LocalHost(r.Host) {
			http.Error(w, "this listener answers to local names only", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
