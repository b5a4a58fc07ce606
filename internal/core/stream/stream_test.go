package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

const env = account.Production // in which nothing happens by itself

// hub is a Hub with a small ring.
type hub struct {
	*Hub
	t    *testing.T
	db   *store.DB
	stop chan struct{}
}

func each(t *testing.T, fn func(t *testing.T, h *hub)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		accounts := account.NewService(store.As(db, func(t *store.Tx) account.Store { return t }), id.Source{}, clock.System{})
		if _, err := accounts.Bootstrap(t.Context(), account.First{Name: "Test"}); err != nil {
			t.Fatal(err)
		}
		h := &hub{t: t, db: db, stop: make(chan struct{})}
		h.Hub = NewHub(store.As(db, func(t *store.Tx) event.Store { return t }), db, account.NewClocks(clock.System{}), h.stop, slog.New(slog.DiscardHandler))
		h.size, h.behind = 8, 20
		fn(t, h)
	})
}

// write appends an event for each customer and waits until they are final.
func (h *hub) write(typ string, payload any, customers ...string) event.Cursor {
	h.t.Helper()
	var head int64
	err := h.db.Write(h.t.Context(), env, func(st *store.Tx, _ time.Time) error {
		for _, c := range customers {
			st.Append(env, event.Event{Type: typ, Customer: c, Entity: event.Entity{Type: "thing", ID: c}, Payload: payload})
		}
		return nil
	})
	if err == nil {
		err = h.db.Read(h.t.Context(), env, func(st *store.Tx, _ time.Time) (err error) {
			head, err = st.FeedHead(h.t.Context())
			return err
		})
	}
	if err == nil {
		err = h.db.AwaitFinal(h.t.Context(), head-1)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return event.Cursor{Generation: h.db.Generation(), Position: head}
}

func (h *hub) listen(after *event.Cursor, customers ...string) *Reader {
	h.t.Helper()
	r, err := h.Listen(h.t.Context(), env, customers, after)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(r.Close)
	return r
}

// next reads what a reader is told until there are n messages, as "kind customer".
func (h *hub) next(r *Reader, n int) []string {
	h.t.Helper()
	var got []string
	for len(got) < n {
		list, err := r.Next(h.t.Context(), nil)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, m := range list {
			got = append(got, fmt.Sprint([]string{"", "snapshot ", "usage ", "clock", "resync"}[m.Kind], m.Customer))
		}
	}
	return got
}

func (h *hub) same(what string, got []string, want ...string) {
	h.t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		h.t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// until waits until the ring has come as far as the feed.
func (h *hub) until(r *Reader, c event.Cursor) {
	for r.ring.now() < c.Position {
		r.ring.mu.RLock()
		moved := r.ring.moved
		r.ring.mu.RUnlock()
		if r.ring.now() < c.Position {
			<-moved
		}
	}
}

func TestSlowReadersReadEverythingAgain(t *testing.T) {
	each(t, func(_ *testing.T, h *hub) {
		slow, quick := h.listen(nil), h.listen(nil, "e")
		h.same("at first", h.next(slow, 1), "clock")
		h.same("at first", h.next(quick, 1), "clock")
		var last event.Cursor
		for _, c := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
			last = h.write("x", nil, c)
		}
		h.until(slow, last)
		h.same("a slow one", h.next(slow, 1), "resync")
		h.write("x", nil, "k")
		h.same("afterwards", h.next(slow, 1), "snapshot k")
	})
}

func TestOlderComesFromTheDatabase(t *testing.T) {
	each(t, func(_ *testing.T, h *hub) {
		start := h.write("x", nil, "start")
		h.write("x", nil, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l")
		h.listen(nil) // so that the ring begins here
		r := h.listen(&start)
		h.same("twelve behind", h.next(r, 13), "clock", "snapshot a", "snapshot b", "snapshot c", "snapshot d", "snapshot e",
			"snapshot f", "snapshot g", "snapshot h", "snapshot i", "snapshot j", "snapshot k", "snapshot l")
		some := h.listen(&start, "b", "k", "b")
		h.same("of two customers", h.next(some, 3), "clock", "snapshot b", "snapshot k")
		h.write("x", nil, strings.Split(strings.Repeat("m", 30), "")...)
		far := h.listen(&start)
		got := h.next(far, 2)
		for got[len(got)-1] != "resync" {
			got = append(got, h.next(far, 1)...)
		}
	})
}

func TestMessages(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		h.write("x", nil, "start") // what made the environment is final with it
		r := h.listen(nil)
		h.next(r, 1)
		// One batch: only the newest snapshot of a customer is told, and every usage.
		last := h.write("x", nil, "a", "b", "a")
		h.until(r, last)
		h.same("snapshots", h.next(r, 2), "snapshot b", "snapshot a")
		h.write("usage.updated", map[string]any{
			"featureId": "calls", "resourceId": nil, "currentUsage": 12.50, "usagePeriodStart": nil,
			"usagePeriodEnd": "2026-02-01T00:00:00Z", "version": 7,
		}, "a")
		list, err := r.Next(t.Context(), nil)
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		end := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
		want := &Counter{Feature: "calls", Usage: "12.5", PeriodEnd: &end, Version: 7}
		if d := cmp.Diff(want, list[0].Counter); d != "" {
			t.Errorf("usage (-want +got):\n%s", d)
		}
		beat := make(chan time.Time, 1)
		beat <- end
		if list, err := r.Next(t.Context(), beat); err != nil || list[0].Kind != Heartbeat || list[0].Position < last.Position {
			t.Errorf("a beat: %v, %v", list, err)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, err := r.Next(gone, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("a reader who left: %v", err)
		}
		close(h.stop)
		if _, err := r.Next(t.Context(), nil); !errors.Is(err, ErrStopped) {
			t.Errorf("when the server stops: %v", err)
		}
	})
}

func TestNobodyListensNothingIsKept(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		r, err := h.Listen(t.Context(), env, nil, nil)
		if err != nil || h.Open() != 1 || h.ring == nil {
			t.Fatal(err, h.Open())
		}
		if r.Close(); h.Open() != 0 || h.ring != nil {
			t.Errorf("%d readers", h.Open())
		}
	})
}
