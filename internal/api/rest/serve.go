package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strconv"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/api/problem"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
)

// Headers of repeated requests (storage.md 7).
const (
	idempotencyHeader = "Idempotency-Key"
	replayedHeader    = "Idempotent-Replayed"
	maxIdempotencyKey = 255
)

// route is an operation made ready for serving.
type route struct {
	op
	api     *API
	method  string
	pattern string // method and path
	in      *input
	do      func(ctx context.Context, env tenant.ID, in any) (any, error)
	answer  func(result any) answer
}

type answer struct {
	status int
	data   any
	page   *pagination
	header http.Header
	about  string
}

type envelope struct {
	Data       any         `json:"data"`
	Pagination *pagination `json:"pagination,omitempty"`
}

// serve is one request from decoding to the answer.
func (rt *route) serve(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
	ctx, cancel := context.WithTimeout(r.Context(), rt.api.cfg.Timeout)
	defer cancel()
	ctx = auth.With(ctx, id)
	ctx = event.WithActor(ctx, event.Actor{Type: "API_KEY", ID: id.KeyID})

	in := reflect.New(rt.in.t)
	req, err := rt.in.bind(w, r, in.Elem())
	if err != nil {
		return err
	}
	if rt.method == http.MethodPost {
		key, err := idempotencyKey(r.Header)
		if err != nil {
			return err
		}
		if key != "" {
			ctx = tx.WithOnce(ctx, rt.once(key, req, w.Header().Get(problem.RequestIDHeader)))
		}
	}
	var position *tx.Position
	if rt.method != http.MethodGet {
		position = &tx.Position{}
		ctx = tx.WithPosition(ctx, position)
	}
	result, err := rt.do(ctx, id.Environment, in.Interface())
	if err != nil {
		var replay *tx.Replay
		if errors.As(err, &replay) {
			rt.api.answerPosition(w.Header(), position)
			rt.replay(w, replay)
			return nil
		}
		return err
	}
	rt.api.answerPosition(w.Header(), position)
	return rt.write(w, rt.answer(result))
}

// once asks that the request's write happens once per key. The answer is rendered inside the write's transaction.
func (rt *route) once(key string, req request, requestID string) *tx.Once {
	o := &tx.Once{Key: key, Route: rt.pattern, Content: req.content()}
	o.Render = func(result any, err error) (int, []byte) {
		if err != nil {
			p := problem.Of(err)
			if p.Status >= http.StatusInternalServerError || p.Retry {
				return 0, nil
			}
			return p.Status, p.Body(requestID)
		}
		a := rt.answer(result)
		var b bytes.Buffer
		if rt.encode(&b, a) != nil {
			return 0, nil
		}
		if a.about != "" {
			o.Customer = a.about
		}
		return rt.status(a), b.Bytes()
	}
	return o
}

// about says which customer the answer to this request is about: archiving that customer erases the stored answer.
func about(ctx context.Context, customer string) {
	if once := tx.OnceFrom(ctx); once != nil {
		once.Customer = customer
	}
}

func (rt *route) replay(w http.ResponseWriter, r *tx.Replay) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h.Set(replayedHeader, "true")
	problem.NoRetry(h, r.Status, false)
	w.WriteHeader(r.Status)
	_, _ = w.Write(r.Body)
}

func (rt *route) status(a answer) int {
	if a.status != 0 {
		return a.status
	}
	return rt.Status
}

func (rt *route) encode(b *bytes.Buffer, a answer) error {
	if data, ok := a.data.(appender); ok && !rt.Bare && a.page == nil {
		out := append(b.AvailableBuffer(), `{"data":`...)
		out = append(data.appendJSON(out), "}\n"...)
		b.Write(out)
		return nil
	}
	enc := json.NewEncoder(b)
	if rt.Bare {
		return enc.Encode(a.data)
	}
	return enc.Encode(envelope{a.data, a.page})
}

func (rt *route) write(w http.ResponseWriter, a answer) error {
	b := buffers.Get().(*bytes.Buffer)
	defer freeBuffer(b)
	if err := rt.encode(b, a); err != nil {
		return errs.Unexpected.Wrap(err)
	}
	h := w.Header()
	for name, values := range a.header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(b.Len())}
	w.WriteHeader(rt.status(a))
	_, _ = w.Write(b.Bytes())
	return nil
}

func idempotencyKey(h http.Header) (string, error) {
	v := h[idempotencyHeader]
	if len(v) == 0 {
		return "", nil
	}
	ok := len(v) == 1 && v[0] != "" && len(v[0]) <= maxIdempotencyKey
	for i := 0; ok && i < len(v[0]); i++ {
		ok = v[0][i] >= ' ' && v[0][i] <= '~'
	}
	if !ok {
		return "", errs.BadUserInput.At(idempotencyHeader, "must be one key of 1 to %d printable characters", maxIdempotencyKey)
	}
	return v[0], nil
}
