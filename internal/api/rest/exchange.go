package rest

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/purserhq/purser/internal/api/problem"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/tenant"
)

// jsonType is shared by all answers: nobody writes to it.
var jsonType = []string{"application/json"}

// exchange is one request and its answer, as the edge sees them. It is the ResponseWriter that handlers get.
type exchange struct {
	http.ResponseWriter
	status int
	id     string
	env    string // slug of the environment; "" before the key is known
	tenant tenant.ID
	time   *serverTime // nil for answers without a time
	err    error       // what was answered, when it was no success
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// begin notes the status of an answer that begins, and at what time it does.
func (x *exchange) begin(status int) {
	if x.status != 0 {
		return
	}
	x.status = status
	if x.time != nil {
		x.Header()[serverTimeHeader] = x.time.of(x.tenant)
	}
}

// WriteHeader notes the status.
func (x *exchange) WriteHeader(status int) {
	x.begin(status)
	x.ResponseWriter.WriteHeader(status)
}

// Write notes that the answer has begun.
func (x *exchange) Write(b []byte) (int, error) {
	x.begin(http.StatusOK)
	return x.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// fail answers with err, unless an answer has begun.
func (x *exchange) fail(r *http.Request, err error) {
	x.err = err
	if x.status == 0 {
		problem.Write(x, r, err)
	}
}

// requestIDs are this process' name and a counter: cheap, and unlike those of other processes.
type requestIDs struct {
	prefix string
	n      atomic.Uint64
}

func newRequestIDs() *requestIDs {
	s := id.New()
	return &requestIDs{prefix: s[len(s)-8:] + "-"}
}

func (g *requestIDs) next() string {
	var b [32]byte
	return string(strconv.AppendUint(append(b[:0], g.prefix...), g.n.Add(1), 36))
}

// of takes the caller's request id when it is sane, else makes one.
func (g *requestIDs) of(r *http.Request) string {
	if v := r.Header[problem.RequestIDHeader]; len(v) == 1 && saneID(v[0]) {
		return v[0]
	}
	return g.next()
}

func saneID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}
