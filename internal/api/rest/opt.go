package rest

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// Opt is a value that can be absent, null or there: PATCH leaves alone, clears or sets (contract §1.4). In requests the
// field's tag needs omitzero, else it is required. In answers absent is written as null, unless omitzero leaves it out.
type Opt[T any] struct {
	value T
	state state
}

type state uint8

const (
	absent state = iota
	isNull
	present
)

// Some returns an Opt with a value.
func Some[T any](v T) Opt[T] { return Opt[T]{v, present} }

// Null returns an Opt that is null.
func Null[T any]() Opt[T] { return Opt[T]{state: isNull} }

// FromPtr returns null for nil, else the value.
func FromPtr[T any](p *T) Opt[T] {
	if p == nil {
		return Null[T]()
	}
	return Some(*p)
}

// Get returns the value; ok is false when it is absent or null.
func (o Opt[T]) Get() (v T, ok bool) { return o.value, o.state == present }

// Or returns the value, or def when it is absent or null.
func (o Opt[T]) Or(def T) T {
	if o.state == present {
		return o.value
	}
	return def
}

// Ptr returns nil when the value is absent or null.
func (o Opt[T]) Ptr() *T {
	if o.state != present {
		return nil
	}
	return &o.value
}

// IsNull reports whether null was sent.
func (o Opt[T]) IsNull() bool { return o.state == isNull }

// IsZero reports whether nothing was sent.
func (o Opt[T]) IsZero() bool { return o.state == absent }

// MarshalJSON writes the value or null.
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if o.state != present {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}

// UnmarshalJSON reads a value or null.
func (o *Opt[T]) UnmarshalJSON(b []byte) error {
	*o = Opt[T]{state: isNull}
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	o.state = present
	return json.Unmarshal(b, &o.value)
}

// Schema is that of T, or null.
func (Opt[T]) Schema(r huma.Registry) *huma.Schema {
	s := r.Schema(reflect.TypeFor[T](), true, "")
	if s.Type == "" { // a reference
		return &huma.Schema{AnyOf: []*huma.Schema{s, {Type: typeNull}}}
	}
	c := *s
	c.Nullable = true
	return &c
}

// Given is a value that can be absent or there, but not null: a PATCH of something that cannot be cleared. The field's
// tag needs omitzero.
type Given[T any] struct{ opt Opt[T] }

// Get returns the value; ok is false when it is absent.
func (g Given[T]) Get() (v T, ok bool) { return g.opt.Get() }

// Ptr returns nil when the value is absent.
func (g Given[T]) Ptr() *T { return g.opt.Ptr() }

// IsZero reports whether nothing was sent.
func (g Given[T]) IsZero() bool { return g.opt.IsZero() }

// MarshalJSON writes the value; null when it is absent.
func (g Given[T]) MarshalJSON() ([]byte, error) { return g.opt.MarshalJSON() }

// UnmarshalJSON reads the value. Null was refused before (shape.go).
func (g *Given[T]) UnmarshalJSON(b []byte) error { return g.opt.UnmarshalJSON(b) }

// Schema is that of T.
func (Given[T]) Schema(r huma.Registry) *huma.Schema { return r.Schema(reflect.TypeFor[T](), true, "") }
