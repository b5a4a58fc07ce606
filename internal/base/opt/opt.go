// Package opt is a value that can be absent, null or there, as PATCH inputs need it:
// leave alone, clear, set (contract §1.4).
package opt

// Of is an optional T. The zero value is absent.
type Of[T any] struct {
	Set   bool // something was sent, null included
	Null  bool
	Value T
}

// Some returns a value.
func Some[T any](v T) Of[T] { return Of[T]{Set: true, Value: v} }

// Null returns null.
func Null[T any]() Of[T] { return Of[T]{Set: true, Null: true} }

// Apply changes a field that may be null.
func (o Of[T]) Apply(field **T) {
	if !o.Set {
		return
	}
	*field = nil
	if !o.Null {
		v := o.Value
		*field = &v
	}
}

// Into changes a field that cannot be null; null leaves it alone.
func (o Of[T]) Into(field *T) {
	if o.Set && !o.Null {
		*field = o.Value
	}
}
