package rest

import (
	"context"
	"fmt"
	"net/http"
	"reflect"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
)

// op is one row of the table of operations.
type op struct {
	ID          string // operationId: "provisionCustomer"
	Path        string // ServeMux and OpenAPI: "/api/v1/customers/{id}"
	Tag         string
	Summary     string
	Description string
	Permission  auth.Permission
	Public      bool  // no key needed
	Status      int   // of a success; 200 when zero
	Also        []int // further statuses of a success
	Own         bool  // not a route of the original: unknown members are refused
	Events      bool  // the answer is a stream of server-sent events, whose data the output describes
	Bare        bool  // the answer is the body itself, without {"data": …}
	BodyLimit   int64 // in bytes; the edge's default when zero
}

// Reply is the answer to a success.
type Reply[O any] struct {
	Status int // the operation's when zero
	Data   O
	Header http.Header // nil for none; not repeated when an Idempotency-Key is replayed
	About  string      // the customer whom the answer is about, where only the result says so; see about
}

// Routes is a noun's part of the table. Every noun's file has one.
type Routes interface{ routes(api *API) }

// A call does the work of an operation: one service call. When the request carries an Idempotency-Key its result type R
// has to be the one that the service gives to tx.Do, since the stored answer is made of it inside the transaction.
type call[I, R any] func(ctx context.Context, env tenant.ID, in *I) (R, error)

func get[I, R, O any](api *API, o op, do call[I, R], body func(R) Reply[O]) {
	add(api, http.MethodGet, o, do, body)
}

func post[I, R, O any](api *API, o op, do call[I, R], body func(R) Reply[O]) {
	add(api, http.MethodPost, o, do, body)
}

func put[I, R, O any](api *API, o op, do call[I, R], body func(R) Reply[O]) {
	add(api, http.MethodPut, o, do, body)
}

func patch[I, R, O any](api *API, o op, do call[I, R], body func(R) Reply[O]) {
	add(api, http.MethodPatch, o, do, body)
}

func del[I, R, O any](api *API, o op, do call[I, R], body func(R) Reply[O]) {
	add(api, http.MethodDelete, o, do, body)
}

// list is a GET that answers one page. I embeds Paging.
func list[I, T, O any](api *API, o op, do call[I, page.Of[T]], item func(T) O) {
	rt := newRoute(api, http.MethodGet, o, reflect.TypeFor[I](), reflect.TypeFor[[]O](), true)
	rt.do = erase(do)
	rt.answer = func(result any) answer {
		p := result.(page.Of[T])
		rows := make([]O, 0, len(p.Items))
		for _, t := range p.Items {
			rows = append(rows, item(t))
		}
		return answer{data: rows, page: &pagination{cursor(p.Next), cursor(p.Prev)}}
	}
	api.serve(rt, rt.serve)
}

// data makes an answer with the operation's own status.
func data[R, O any](body func(R) O) func(R) Reply[O] {
	return func(r R) Reply[O] { return Reply[O]{Data: body(r)} }
}

func add[I, R, O any](api *API, method string, o op, do call[I, R], body func(R) Reply[O]) {
	rt := newRoute(api, method, o, reflect.TypeFor[I](), reflect.TypeFor[O](), false)
	rt.do = erase(do)
	rt.answer = func(result any) answer {
		r, ok := result.(R)
		if !ok {
			panic(fmt.Sprintf("rest: %s: the transaction's result is %T, the operation's %s", o.ID, result, reflect.TypeFor[R]()))
		}
		a := body(r)
		return answer{a.Status, a.Data, nil, a.Header, a.About}
	}
	api.serve(rt, rt.serve)
}

func erase[I, R any](do call[I, R]) func(context.Context, tenant.ID, any) (any, error) {
	return func(ctx context.Context, env tenant.ID, in any) (any, error) { return do(ctx, env, in.(*I)) }
}

// rawHandler answers by itself, without a decoded input, a deadline or values in the context; an error that it returns
// is answered for it.
type rawHandler func(w http.ResponseWriter, r *http.Request, id auth.Identity) error

// raw adds a hot GET that costs as little as net/http does. I and O only describe it.
func raw[I, O any](api *API, o op, h rawHandler) {
	rt := newRoute(api, http.MethodGet, o, reflect.TypeFor[I](), reflect.TypeFor[O](), false)
	api.serve(rt, h)
}
