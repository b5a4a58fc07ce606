package rest

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
)

// Headers that say where an answer stands.
const (
	positionHeader   = "X-Purser-Position"
	serverTimeHeader = "X-Purser-Server-Time"
)

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
