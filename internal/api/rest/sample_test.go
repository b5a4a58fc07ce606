package rest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
)

// widgets is a made-up noun with one operation of every sort.
type widgets struct {
	db tx.Runner[struct{}]

	mu       sync.Mutex
	received any
	ctx      context.Context
	calls    int
}

type widget struct {
	id      string
	created bool
}

type widgetBody struct {
	ID     string             `json:"id"`
	Part   Opt[partBody]      `json:"part"`
	Mode   Opt[string]        `json:"mode" enum:"FAST,SLOW"`
	At     Time               `json:"at"`
	Price  money.Decimal      `json:"price"`
	Credit Opt[money.Decimal] `json:"credit"`
}

type partBody struct {
	Name string `json:"name"`
}

type widgetParams struct {
	_      struct{} `additionalProperties:"false"`
	PlanID string   `json:"planId" minLength:"1" maxLength:"10"`
	Parts  []struct {
		Name string `json:"name" pattern:"^[a-z]+$"`
	} `json:"parts,omitempty" maxItems:"2"`
}

type createWidget struct {
	ID       string             `json:"id" minLength:"1" maxLength:"8"`
	Mode     string             `json:"mode,omitempty" enum:"FAST,SLOW"`
	Count    int                `json:"count,omitempty" minimum:"1" maximum:"9"`
	Price    *money.Decimal     `json:"price,omitempty"`
	From     Opt[Time]          `json:"from,omitzero"`
	Params   Opt[widgetParams]  `json:"params,omitzero"`
	Labels   map[string]string  `json:"labels,omitempty"`
	Anything json.RawMessage    `json:"anything,omitempty"`
	Inner    struct{ X string } `json:"inner,omitzero"`
	Flag     bool               `json:"flag,omitempty"`
}

type createWidgetInput struct {
	DryRun bool `query:"dryRun"`
	Body   createWidget
}

type patchWidgetInput struct {
	ID   string `path:"id"`
	Body struct {
		Name  Opt[string]   `json:"name,omitzero" maxLength:"5"`
		Title Given[string] `json:"title,omitzero" minLength:"1"`
	}
}

type listWidgetsInput struct {
	Paging
	Status    []string  `query:"status" enum:"NEW,OLD"`
	CreatedAt DateRange `query:"createdAt"`
	Since     Time      `query:"since"`
	Name      string    `query:"name" maxLength:"3"`
	Archived  bool      `query:"includeArchived"`
}

type idInput struct {
	ID string `path:"id"`
}

type optionalBody struct{ Body *partBody }

var errWidget = errs.New(errs.Conflict, "WidgetInUse", "The widget is in use.")

func (h *widgets) routes(api *API) {
	row := func(id, path string, p auth.Permission) op {
		return op{ID: id, Path: path, Tag: "Widgets", Summary: "Do " + id, Permission: p}
	}
	create := row("createWidget", "/api/v1/widgets", auth.CustomerWrite)
	create.Status, create.Also = 201, []int{200}
	post(api, create, h.create, func(w widget) Reply[widgetBody] {
		r := Reply[widgetBody]{Data: bodyOf(w), Header: http.Header{"ETag": {`"1"`}}}
		if !w.created {
			r.Status = 200
		}
		return r
	})
	own := row("createOwn", "/api/v1/own", auth.CustomerWrite)
	own.Own, own.BodyLimit = true, 100
	post(api, own, h.create, data(bodyOf))
	patch(api, row("patchWidget", "/api/v1/widgets/{id}", auth.CustomerWrite), record[patchWidgetInput](h), data(bodyOf))
	list(api, row("listWidgets", "/api/v1/widgets", auth.CatalogRead), h.list, bodyOf)
	get(api, row("getWidget", "/api/v1/widgets/{id}", auth.EntitlementRead), h.get, data(bodyOf))
	post(api, row("archiveWidget", "/api/v1/widgets/{id}/archive", auth.CustomerWrite), record[idInput](h), data(bodyOf))
	put(api, row("putWidget", "/api/v1/optional", auth.ClockWrite), record[optionalBody](h), data(bodyOf))
	del(api, row("deleteWidget", "/api/v1/widgets/{id}", auth.CustomerWrite), record[idInput](h), data(bodyOf))
	bare := row("bareWidget", "/api/v1/bare", auth.FeedRead)
	bare.Bare = true
	get(api, bare, record[struct{}](h), data(func(widget) map[string]any { return map[string]any{"data": []int{1}, "next": "g.1"} }))
	raw[idInput, widgetBody](api, row("checkWidget", "/api/v1/widgets/{id}/check", auth.EntitlementRead), h.check)
}

func bodyOf(w widget) widgetBody {
	return widgetBody{
		ID: w.id, Part: Some(partBody{"ab"}), At: At(time.Date(2026, 1, 2, 3, 4, 5, 678999000, time.FixedZone("", 3600))),
		Price: money.MustDecimal("12.50"),
	}
}

func record[I any](h *widgets) call[I, widget] {
	return func(ctx context.Context, _ tenant.ID, in *I) (widget, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.received, h.ctx = in, ctx
		return widget{id: "w"}, nil
	}
}

func (h *widgets) create(ctx context.Context, env tenant.ID, in *createWidgetInput) (widget, error) {
	about(ctx, in.Body.ID)
	_, _ = record[createWidgetInput](h)(ctx, env, in)
	return tx.Do(ctx, h.db, env, func(struct{}, time.Time) (widget, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.calls++
		switch in.Body.ID {
		case "used":
			return widget{}, errWidget
		case "busy":
			return widget{}, errWidget.After(time.Second)
		case "broken":
			return widget{}, errors.New("disk")
		}
		return widget{id: in.Body.ID, created: h.calls == 1}, nil
	})
}

func (h *widgets) list(ctx context.Context, env tenant.ID, in *listWidgetsInput) (page.Of[widget], error) {
	_, _ = record[listWidgetsInput](h)(ctx, env, in)
	if _, err := in.request(); err != nil {
		return page.Of[widget]{}, err
	}
	if in.Archived {
		return page.Of[widget]{Items: []widget{{id: "a"}, {id: "b"}}, Next: "b"}, nil
	}
	return page.Of[widget]{}, nil
}

func (h *widgets) get(ctx context.Context, _ tenant.ID, in *idInput) (widget, error) {
	switch in.ID {
	case "panic":
		panic("boom")
	case "slow":
		<-ctx.Done()
		return widget{}, ctx.Err()
	case "gone":
		return widget{}, context.Canceled
	case "secret":
		return widget{}, errors.New("password=hunter2")
	}
	return widget{id: in.ID}, nil
}

func (h *widgets) check(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
	switch r.PathValue("id") {
	case "missing":
		return errs.TaskNotFound
	case "half":
		_, _ = io.WriteString(w, `{"data":`)
		panic("boom")
	}
	return writeJSON(w, `{"data":{"isGranted":true}}`)
}

// once keeps answers like a store does (storage.md 7).
type once struct {
	mu      sync.Mutex
	answers map[string]*tx.Replay
	content map[string]string
}

func (s *once) Read(_ context.Context, _ tenant.ID, fn func(struct{}, time.Time) error) error {
	return fn(struct{}{}, time.Time{})
}

func (s *once) Write(ctx context.Context, _ tenant.ID, fn func(struct{}, time.Time) error, _ ...tx.Lock) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := tx.OnceFrom(ctx)
	if o == nil {
		return fn(struct{}{}, time.Time{})
	}
	key := o.Route + " " + o.Key
	if s.content[key] != "" && s.content[key] != o.Content {
		return errs.IdempotencyKeyReused
	}
	if a := s.answers[key]; a != nil {
		return a
	}
	err := fn(struct{}{}, time.Time{})
	if status, body := o.Render(o.Result, err); status != 0 {
		s.answers[key], s.content[key] = &tx.Replay{Status: status, Body: body}, o.Content
	}
	return err
}

type keys map[string]auth.Identity

func (k keys) Authenticate(_ context.Context, secret string) (auth.Identity, error) {
	id, ok := k[secret]
	if !ok {
		return id, errs.NoKey
	}
	return id, nil
}

var sampleKeys = keys{
	"server-1":    {Environment: 1, EnvironmentSlug: "development", KeyID: "k1", Kind: auth.Server},
	"client-1":    {Environment: 1, EnvironmentSlug: "development", KeyID: "k2", Kind: auth.Client},
	"client-prod": {Environment: 2, EnvironmentSlug: "production", KeyID: "k3", Kind: auth.Client, Production: true},
}

type sample struct {
	*widgets
	api *API
	cfg Config
}

func newSample(tb testing.TB, change ...func(*Config)) *sample {
	tb.Helper()
	h := &widgets{db: &once{answers: map[string]*tx.Replay{}, content: map[string]string{}}}
	cfg := Config{Keys: sampleKeys, Clock: clock.At(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), Log: slog.New(slog.DiscardHandler), Version: "test"}
	for _, f := range change {
		f(&cfg)
	}
	return &sample{h, New(cfg, h), cfg}
}

// do sends one request with the server key; head are name, value pairs.
func (s *sample) do(method, target, body string, head ...string) *httptest.ResponseRecorder {
	var r *http.Request
	if body == "" {
		r = httptest.NewRequestWithContext(context.Background(), method, target, http.NoBody)
	} else {
		r = httptest.NewRequestWithContext(context.Background(), method, target, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("X-API-KEY", "server-1")
	for i := 0; i < len(head); i += 2 {
		if head[i+1] == "" {
			r.Header.Del(head[i])
		} else {
			r.Header.Set(head[i], head[i+1])
		}
	}
	w := httptest.NewRecorder()
	s.api.ServeHTTP(w, r)
	return w
}

// problemOf reads an error answer as "code path: issue; path: issue".
func problemOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var b struct {
		Error struct{ Code, Message string }
		Code  string
		// Message repeats the first detail.
		Message   string
		Details   []errs.Field
		RequestID string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &b); err != nil {
		t.Fatalf("%v in %q", err, w.Body)
	}
	if b.Error.Code != b.Code || b.Error.Message != b.Message || b.Message == "" || b.Details == nil || b.RequestID == "" {
		t.Errorf("wrong shape: %s", w.Body)
	}
	if ct := w.Header().Get("Content-Type"); ct != "application/json" {
		t.Errorf("Content-Type %q", ct)
	}
	out := make([]string, 0, len(b.Details))
	for _, f := range b.Details {
		out = append(out, f.Path+": "+f.Issue)
	}
	return strings.TrimSpace(b.Code + " " + strings.Join(out, "; "))
}
