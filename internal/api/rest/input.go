package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/purserhq/purser/internal/base/errs"
)

// input reads requests into values of one input type: fields tagged path, query and header, and a field Body. A
// pointer Body may be left out.
type input struct {
	t      reflect.Type
	params []param
	body   []int // the index of Body; nil without
	shape  *shape
	must   bool // a body is required
	strict bool // unknown members and parameters are refused (contract §1.8)
	limit  int64
	self   selfChecked // nil for most
}

// selfChecked is a body with rules between its members that a schema cannot say. They are checked with the rest, so that
// one answer names everything.
type selfChecked interface {
	checkMembers(c *checker, m map[string]any)
}

// request is what binding keeps of one request.
type request struct {
	path      string
	query     string // known parameters only, sorted
	canonical []byte // the body without what was ignored, its keys sorted
}

// content is a hash of what the caller asked for: an Idempotency-Key is bound to it.
func (q request) content() string {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(q.path), {'\n'}, []byte(q.query), {'\n'}, q.canonical} {
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// inputs are those of all servers of this process, by inputKey: an input is the same for each, and never changes.
var inputs sync.Map

type inputKey struct {
	t      reflect.Type
	id     string
	strict bool
	limit  int64
}

func inputOf(t reflect.Type, o op, limit int64) *input {
	key := inputKey{t, o.ID, o.Own, limit}
	if in, ok := inputs.Load(key); ok {
		return in.(*input)
	}
	in, _ := inputs.LoadOrStore(key, newInput(newShapes(frame("")), &huma.Operation{}, t, o, limit))
	return in.(*input)
}

// newInput reads an input type and describes it in doc.
func newInput(c *shapes, doc *huma.Operation, t reflect.Type, o op, limit int64) *input {
	in := &input{t: t, params: findParams(c, doc, t, nil), strict: o.Own, limit: limit}
	f, ok := t.FieldByName("Body")
	if !ok {
		return in
	}
	in.body, in.must = f.Index, f.Type.Kind() != reflect.Pointer
	in.self, _ = reflect.New(f.Type).Interface().(selfChecked)
	s := c.registry.Schema(f.Type, true, o.ID+"Request")
	in.shape = c.of(s)
	doc.RequestBody = &huma.RequestBody{
		Required: in.must,
		Content:  map[string]*huma.MediaType{"application/json": {Schema: s}},
	}
	return in
}

// bind reads r into v, an addressable value of the input type. What was ignored is named in w's header.
func (in *input) bind(w http.ResponseWriter, r *http.Request, v reflect.Value) (request, error) {
	var c checker
	q := request{path: r.URL.EscapedPath()}
	query, err := in.readQuery(&c, r)
	if err != nil {
		return q, err
	}
	q.query = query.Encode()
	for i := range in.params {
		in.params[i].set(&c, v, r, query)
	}
	tree, sent, err := in.readBody(&c, w, r)
	if err != nil {
		return q, err
	}
	if len(c.ignored) > 0 {
		w.Header().Set(ignoredHeader, c.header())
	}
	if err := c.checks.Err(); err != nil || !sent {
		return q, err
	}
	if q.canonical, err = json.Marshal(tree); err != nil {
		return q, errs.BadUserInput.At("body", "is not valid JSON").Wrap(err)
	}
	return q, fill(q.canonical, v.FieldByIndex(in.body).Addr().Interface())
}

// readQuery returns the known query parameters.
func (in *input) readQuery(c *checker, r *http.Request) (url.Values, error) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errs.BadUserInput.At("query", "is malformed")
	}
	for key := range query {
		if in.knows(key) {
			continue
		}
		back := c.enter(key)
		if in.strict {
			c.bad("is not known here")
		} else {
			c.ignore()
			delete(query, key)
		}
		c.leave(back)
	}
	return query, nil
}

func (in *input) knows(key string) bool {
	for i := range in.params {
		if in.params[i].knows(key) {
			return true
		}
	}
	return false
}

// readBody returns the checked body without its unknown members.
func (in *input) readBody(c *checker, w http.ResponseWriter, r *http.Request) (tree any, sent bool, err error) {
	if in.body == nil {
		return nil, false, nil
	}
	tree, sent, err = readBody(w, r, in.limit)
	switch {
	case err != nil:
		return nil, false, err
	case !sent && in.must:
		c.at("body", "is required")
	case sent && tree == nil && in.must:
		c.at("body", "must be an object")
	case sent && tree != nil:
		if _, ok := tree.(map[string]any); !ok && in.shape.kind == huma.TypeObject {
			c.at("body", "must be an object")
			break
		}
		in.shape.value(c, tree, in.strict)
		if m, ok := tree.(map[string]any); ok && in.self != nil {
			in.self.checkMembers(c, m)
		}
	}
	return tree, sent, nil
}
