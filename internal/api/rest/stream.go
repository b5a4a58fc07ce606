package rest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/stream"
)

const (
	eventStream       = "text/event-stream"
	lastEventIDHeader = "Last-Event-Id" // in the form of http.Header
	heartbeatEvery    = 10 * time.Second
	// streamPatience is how long a reader may take what is written to it before it counts as gone.
	streamPatience = 15 * time.Second
)

// Streams is the route on which changes are told as they happen.
type Streams struct {
	Hub       *stream.Hub
	Heartbeat time.Duration // 10 s when zero
}

func (h Streams) routes(api *API) {
	o := op{
		ID: "stream", Path: "/api/v1/stream", Tag: "Change feed", Permission: auth.StreamRead, Own: true, Bare: true, Events: true,
		Summary: "Hear of changes as they happen",
		Description: "Server-sent events: snapshot, usage, clock, resync and heartbeat; the schema is of their data, member by member. " +
			"id is a position of the feed, and Last-Event-ID goes on after it. See docs/stream.md.",
	}
	raw[streamInput, streamBody](api, o, func(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
		return h.serve(api, w, r, id)
	})
}

// streamInput describes the request; parseStream reads it.
type streamInput struct {
	Customers   []string `query:"customers" maxItems:"100" doc:"Whose changes; without it everybody's."`
	LastEventID string   `query:"lastEventId" doc:"As the header, for those who cannot set one."`
	LastEventIs string   `header:"Last-Event-ID" doc:"Go on after this event."`
}

// streamBody is the data of every event, as far as it has them.
type streamBody struct {
	CustomerID     *string     `json:"customerId,omitempty" doc:"Of snapshot and usage."`
	ResourceID     Opt[string] `json:"resourceId,omitzero" doc:"Of snapshot and usage. null in a snapshot: the customer and all its resources."`
	FeatureID      *string     `json:"featureId,omitempty" doc:"Of usage."`
	CurrentUsage   *decimal    `json:"currentUsage,omitempty" doc:"Of usage."`
	UsagePeriodEnd Opt[Time]   `json:"usagePeriodEnd,omitzero" doc:"Of usage."`
	Version        *int64      `json:"version,omitempty" doc:"Of snapshot: the position as a number. Of usage: the counter's. The highest wins."`
	Now            *Time       `json:"now,omitempty" doc:"Of clock: the environment's time."`
	Mode           *string     `json:"mode,omitempty" enum:"real,test" doc:"Of clock."`
}

type snapshotData struct {
	CustomerID string  `json:"customerId"`
	ResourceID *string `json:"resourceId"`
	Version    int64   `json:"version"`
}

type usageData struct {
	CustomerID     string      `json:"customerId"`
	ResourceID     *string     `json:"resourceId"`
	FeatureID      string      `json:"featureId"`
	CurrentUsage   json.Number `json:"currentUsage"`
	UsagePeriodEnd *Time       `json:"usagePeriodEnd"`
	Version        int64       `json:"version"`
}

type clockData struct {
	Now  Time   `json:"now"`
	Mode string `json:"mode"`
}

// serve answers until the caller leaves, the key ends or the server does.
func (h Streams) serve(api *API, w http.ResponseWriter, r *http.Request, id auth.Identity) error {
	watched, last, err := parseStream(r)
	if err != nil {
		return err
	}
	if r.Method == http.MethodHead {
		w.Header()["Content-Type"] = []string{eventStream}
		return nil
	}
	reader, err := h.Hub.Listen(r.Context(), id.Environment, watched, last)
	if err != nil {
		return err
	}
	defer reader.Close()
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // the server's is for requests that end
	head := w.Header()
	head["Content-Type"] = []string{eventStream}
	head["Cache-Control"] = []string{"no-store"}
	head["X-Accel-Buffering"] = []string{"no"} // nginx would gather
	beat := time.NewTicker(cmp.Or(h.Heartbeat, heartbeatEvery))
	defer beat.Stop()
	out := streamWriter{generation: h.Hub.Generation(), w: w, rc: rc, told: stream.Incomplete}
	for {
		list, err := reader.Next(r.Context(), beat.C)
		if err == nil {
			err = out.write(list)
		}
		if err != nil {
			return out.end(r, err)
		}
		if list[0].Kind == stream.Heartbeat {
			if _, err := auth.Request(r.Context(), api.cfg.Keys, r.Header); err != nil {
				return out.end(r, err) // revoked or expired meanwhile
			}
		}
	}
}

// streamWriter writes messages in the form of server-sent events.
type streamWriter struct {
	generation string
	w          http.ResponseWriter
	rc         *http.ResponseController
	told       int64 // the last id that was written
	begun      bool
}

// end is the outcome of a stream. One that has begun ends like any answer, whatever ended it.
func (s *streamWriter) end(r *http.Request, err error) error {
	switch {
	case s.begun:
		return nil
	case errors.Is(err, stream.ErrStopped):
		return errs.ServiceUnavailable.Because("The server is shutting down.").After(time.Second)
	case r.Context().Err() != nil:
		return r.Context().Err()
	}
	return err
}

func (s *streamWriter) write(list []stream.Message) error {
	b := buffers.Get().(*bytes.Buffer)
	defer freeBuffer(b)
	for i := range list {
		s.append(b, &list[i])
	}
	// Where the connection has no deadlines, in a test, it does without.
	_ = s.rc.SetWriteDeadline((clock.System{}).Now().Add(streamPatience))
	s.begun = true
	if _, err := s.w.Write(b.Bytes()); err != nil {
		return err
	}
	return s.rc.Flush()
}

func (s *streamWriter) append(b *bytes.Buffer, m *stream.Message) {
	if m.Position > s.told {
		s.told = m.Position
		b.WriteString("id: ")
		b.WriteString(event.Cursor{Generation: s.generation, Position: m.Position}.String())
		b.WriteByte('\n')
		if m.Kind == stream.Heartbeat {
			b.WriteByte('\n') // an id alone: where to go on, though nothing was said
		}
	}
	name, data := streamEvent(m)
	b.WriteString("event: ")
	b.WriteString(name)
	b.WriteString("\ndata: ")
	_ = json.NewEncoder(b).Encode(data) // strings, numbers and times: it ends with one new line
	b.WriteByte('\n')
}

func streamEvent(m *stream.Message) (name string, data any) {
	switch m.Kind {
	case stream.Snapshot:
		return "snapshot", snapshotData{CustomerID: m.Customer, Version: m.Position}
	case stream.Usage:
		c := m.Counter
		d := usageData{
			CustomerID: m.Customer, ResourceID: c.Resource, FeatureID: c.Feature, CurrentUsage: cmp.Or(c.Usage, "0"), Version: c.Version,
		}
		if c.PeriodEnd != nil {
			d.UsagePeriodEnd = &Time{*c.PeriodEnd}
		}
		return "usage", d
	case stream.Clock:
		return "clock", clockData{At(m.Clock.Now), m.Clock.Mode}
	case stream.Resync:
		return "resync", struct{}{}
	}
	return "heartbeat", struct{}{}
}

// parseStream reads whose changes are wanted and after what. A position that makes no sense is one that nobody can go on
// from: an EventSource would send a refused one for ever.
func parseStream(r *http.Request) (watched []string, after *event.Cursor, err error) {
	var c errs.Checks
	var last string
	q := hotQuery{rest: r.URL.RawQuery}
	for name, value, ok := q.next(); ok; name, value, ok = q.next() {
		switch name {
		case "customers":
			for id := range strings.SplitSeq(value, ",") {
				if id != "" {
					watched = append(watched, id)
				}
			}
			if len(watched) == 0 {
				c.Shape(name, "must name somebody")
			}
		case "lastEventId":
			last = value
		default:
			c.Shape(name, "is not known here")
		}
	}
	if q.err != nil {
		return nil, nil, q.err
	}
	if len(watched) > stream.MaxCustomers {
		c.Shape("customers", "must have at most %s items", strconv.Itoa(stream.MaxCustomers))
	}
	if v := r.Header[lastEventIDHeader]; len(v) > 0 {
		last = v[0]
	}
	if last != "" {
		if at, err := event.ParseCursor("lastEventId", last); err == nil {
			after = &at
		} else {
			after = &event.Cursor{}
		}
	}
	return watched, after, c.Err()
}
