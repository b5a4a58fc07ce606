// Package event is what happened, in words that others can subscribe to.
//
// Every write appends its events in its own transaction (design decision 4); caches,
// streams, webhooks and audit are readers of the one feed they make. Payloads hold
// what a reader needs to act without asking, and no name, email or metadata.
package event

import (
	"context"
	"encoding/json"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
)

// Event is one change. Position, RecordedAt and Actor are filled in by the store.
type Event struct {
	Position    int64
	Environment tenant.ID
	Type        string // "customer.created"; domain-entitlements-usage §12.4
	Entity      Entity
	Version     int64     // the entity's version after the change
	At          time.Time // business time; the write's now when zero
	RecordedAt  time.Time // machine time
	Actor       Actor
	Customer    string // refId of the customer whose state changed; "" for none (readers invalidate by it)
	Payload     any    // marshalled to JSON; read back as json.RawMessage
}

// Entity names what changed, by the caller's id.
type Entity struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// Actor is who caused a change.
type Actor struct {
	Type string `json:"type"` // API_KEY, USER or SYSTEM
	ID   string `json:"id"`   // the key's id; the name of the job for SYSTEM
}

// System is the actor of what happens by itself: timers, bootstrap, the command line.
func System(name string) Actor { return Actor{Type: "SYSTEM", ID: name} }

// Log is the part of a store that takes events. They are queued and get their positions after every other statement
// of the transaction, so that positions follow the row locks (storage.md 4).
type Log interface {
	Append(env tenant.ID, events ...Event)
}

type actorKey struct{}

// WithActor says who acts in this request or job.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorFrom returns what WithActor stored; System("unknown") when nothing was.
func ActorFrom(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok {
		return a
	}
	return System("unknown")
}

// JSON returns the payload as it is stored.
func (e Event) JSON() (json.RawMessage, error) {
	if raw, ok := e.Payload.(json.RawMessage); ok {
		return raw, nil
	}
	if e.Payload == nil {
		return json.RawMessage("{}"), nil
	}
	return json.Marshal(e.Payload)
}
