package rest

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/api/problem"
	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
)

// Metrics takes one observation per request. route is a pattern ("GET /api/v1/customers/{id}"), "none" for a request
// that matched nothing; it never holds an id.
type Metrics interface {
	Observe(route string, status int, d time.Duration)
}

// Config is what the edge needs from the rest of the program.
type Config struct {
	Keys    auth.Keys
	Clock   clock.Clock
	Log     *slog.Logger
	Metrics Metrics                     // nil for none
	Ready   func(context.Context) error // nil: always ready
	Now     func(tenant.ID) time.Time   // an environment's time, for X-Purser-Server-Time; nil for none
	// Positions are for X-Purser-Position; nil for none.
	Positions Positions
	Loopback  bool // listening on loopback: only local names are accepted as Host
	Version   string

	BodyLimit int64         // in bytes; 1 MiB when zero
	Timeout   time.Duration // of one request; 30 s when zero
}

// API is the REST surface: an http.Handler.
type API struct {
	cfg  Config
	mux  *http.ServeMux
	rows []row
	ids  *requestIDs
	spec spec
	time *serverTime // nil for none
}

// New makes the API of the given nouns.
func New(cfg Config, nouns ...Routes) *API {
	if cfg.BodyLimit == 0 {
		cfg.BodyLimit = 1 << 20
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	api := &API{cfg: cfg, mux: http.NewServeMux(), ids: newRequestIDs()}
	if cfg.Now != nil {
		api.time = &serverTime{now: cfg.Now}
	}
	api.mux.HandleFunc("/", api.noRoute)
	health{}.routes(api)
	for _, n := range nouns {
		n.routes(api)
	}
	return api
}

// ServeHTTP is the edge: request id, Host check, the route, and afterwards one log line and one observation.
func (api *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := api.cfg.Clock.Now()
	x := exchanges.Get().(*exchange)
	*x = exchange{ResponseWriter: w, id: api.ids.of(r)}
	defer func() { api.finish(x, r, start, recover()) }()

	w.Header()[problem.RequestIDHeader] = []string{x.id}
	switch {
	case api.cfg.Loopback && !LocalHost(r.Host):
		x.fail(r, errs.IdentityForbidden.Because("This server listens on loopback and does not answer to the Host %.100q.", r.Host))
	case unclean(r):
		x.fail(r, errs.RouteNotFound)
	default:
		api.mux.ServeHTTP(x, r)
	}
}

// serve puts a route on the mux, behind its permission.
func (api *API) serve(rt *route, h rawHandler) {
	api.mux.HandleFunc(rt.pattern, func(w http.ResponseWriter, r *http.Request) {
		x := w.(*exchange)
		var id auth.Identity
		if !rt.Public {
			var err error
			if id, err = auth.Request(r.Context(), api.cfg.Keys, r.Header); err == nil {
				x.env, x.tenant, x.time = id.EnvironmentSlug, id.Environment, api.time
				err = auth.Allow(id, rt.Permission)
			}
			if err != nil {
				x.fail(r, err)
				return
			}
		}
		if err := h(x, r, id); err != nil {
			x.fail(r, err)
		}
	})
}

// noRoute answers what no pattern matches: 404, or 405 when the path exists with other methods.
func (api *API) noRoute(w http.ResponseWriter, r *http.Request) {
	x := w.(*exchange)
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		_, pattern := api.mux.Handler(&http.Request{Method: m, Host: r.Host, URL: r.URL})
		if pattern != "/" {
			allowed = append(allowed, m)
		}
	}
	if allowed == nil {
		x.fail(r, errs.RouteNotFound)
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	x.err = errs.RouteNotFound.Because("This route has no method %.20s.", r.Method)
	p := problem.Of(x.err)
	p.Status = http.StatusMethodNotAllowed
	p.Write(w)
}

// unclean reports whether ServeMux would redirect to a cleaned path, which is an answer without JSON.
func unclean(r *http.Request) bool {
	p := r.URL.Path
	if p == "" || p[0] != '/' || r.Method == http.MethodConnect {
		return true
	}
	if !strings.Contains(p, "//") && !strings.Contains(p, "/.") {
		return false
	}
	escaped := r.URL.EscapedPath()
	clean := path.Clean(escaped)
	return clean != escaped && clean+"/" != escaped
}

// LocalHost reports whether a Host header, with or without a port, names this machine: localhost, or a loopback address.
// A page of another name that was made to resolve to 127.0.0.1 (DNS rebinding) does not.
func LocalHost(host string) bool {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}
