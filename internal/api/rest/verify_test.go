package rest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

func TestVerifyRoute(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.New(t, storetest.SQLite))
	s := newSample(t)
	accounts := account.NewService(store.As(db, func(t *store.Tx) account.Store { return t }), id.Source{}, s.cfg.Clock)
	if _, err := accounts.Bootstrap(context.Background(), account.First{Name: "Test"}); err != nil {
		t.Fatal(err)
	}
	s.api = New(s.cfg, Verify{db})

	w := s.do("GET", "/api/v1/verify", "")
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), `{"data":{"ok":true,"checked":{"customers":0,"subscriptions":0,"timers":0,"plans":0,"events":`) ||
		!strings.Contains(w.Body.String(), `"findings":[],"more":false}`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	ghost := event.Event{Type: "customer.updated", Entity: event.Entity{Type: "customer", ID: "ghost"}}
	if err := db.Write(context.Background(), 1, func(st *store.Tx, _ time.Time) error { st.Append(1, ghost); return nil }); err != nil {
		t.Fatal(err)
	}
	w = s.do("GET", "/api/v1/verify", "")
	const finding = `"findings":[{"kind":"feed_ahead","entity":{"type":"customer","id":"ghost"},"message":"The feed speaks of it, and it is not there."}],"more":false}`
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), `{"data":{"ok":false,`) || !strings.Contains(w.Body.String(), finding) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := s.do("GET", "/api/v1/verify", "", "X-API-KEY", "client-1"); w.Code != 403 {
		t.Errorf("a client key: %d %s", w.Code, w.Body)
	}
}
