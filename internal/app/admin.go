package app

import (
	"net"
	"net/http"
	"net/http/pprof"
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
		if onlyLocal && !isLocalName(r.Host) {
			http.Error(w, "this listener answers to local names only", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func isLocalName(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	return isLoopbackHost(host)
}
