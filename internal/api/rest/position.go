package rest

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
)

// Headers that say where an answer stands.
const (
	positionHeader    = "X-Purser-Position"
	minPositionHeader = "X-Purser-Min-Position"
	serverTimeHeader  = "X-Purser-Server-Time"
)

// MinPosition is for the input of reads that are answered from memory: they call Reads.reach with it.
type MinPosition struct {
	MinPosition string `header:"X-Purser-Min-Position" doc:"Answer with everything up to this position, on any node: X-Purser-Position of a write, or an event's. What is not there within 2 s is 503."`
}

// Reads let a caller see what it wrote elsewhere. A noun with such reads embeds them.
type Reads struct{ Reached *event.Reached }

// reach waits until this process has heard of everything up to the position; "" waits for nothing.
func (r Reads) reach(ctx context.Context, position string) error {
	if position == "" {
		return nil
	}
	return r.Reached.Await(ctx, minPositionHeader, position)
}

// reachHeader is reach for raw handlers. It costs one look into the header when there is nothing to wait for.
func (r Reads) reachHeader(req *http.Request) error {
	v := req.Header[minPositionHeader]
	switch len(v) {
	case 0:
		return nil
	case 1:
		return r.Reached.Await(req.Context(), minPositionHeader, v[0])
	}
	return errs.BadUserInput.At(minPositionHeader, "is given more than once")
}

// Positions tell how far the change feed is.
type Positions interface {
	Generation() string
	Final() int64
}

// answerPosition says up to where the feed contains what a request did and saw. One that wrote nothing at all has seen
// what is final.
func (api *API) answerPosition(h http.Header, p *tx.Position) {
	if p == nil || api.cfg.Positions == nil {
		return
	}
	c := event.Cursor{Generation: api.cfg.Positions.Generation(), Position: p.Highest()}
	if c.Position == 0 {
		c.Position = api.cfg.Positions.Final()
	}
	h[positionHeader] = []string{c.String()}
}

// serverTime writes the time of environments as a header. The text of one millisecond is made once, as a rule.
type serverTime struct {
	now  func(env tenant.ID) time.Time
	last atomic.Pointer[shownTime]
}

type shownTime struct {
	env   tenant.ID
	milli int64
	text  []string // shared by answers: nobody writes to it
}

func (s *serverTime) of(env tenant.ID) []string {
	now := s.now(env)
	milli := now.UnixMilli()
	if l := s.last.Load(); l != nil && l.env == env && l.milli == milli {
		return l.text
	}
	l := &shownTime{env, milli, []string{now.UTC().Format(wireTime)}}
	s.last.Store(l)
	return l.text
}
