package stream

import (
	"encoding/json"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/event"
)

// Kind is what a Message says.
type Kind uint8

// The kinds.
const (
	Snapshot  Kind = iota + 1 // what a customer may use can have changed
	Usage                     // one counter of a customer has changed
	Clock                     // the environment's time was set, or is told at the beginning
	Resync                    // everything can have changed
	Heartbeat                 // nothing happened for a while
)

// Incomplete is the Position of a message after which nobody may go on: the next one belongs to it.
const Incomplete = -1

// Message is one thing to tell.
type Message struct {
	// Position is of the event that it tells of. A reader that goes on after it misses nothing; of a Heartbeat too, which
	// tells how far a reader is to whom nothing was said. Of a message that the next one completes it is Incomplete.
	Position int64
	Kind     Kind
	Customer string   // of Snapshot and Usage
	Counter  *Counter // of Usage
	Clock    *Time    // of Clock
}

// Counter is what Usage says, as the event usage.updated has it.
type Counter struct {
	Feature   string      `json:"featureId"`
	Resource  *string     `json:"resourceId"`
	Usage     json.Number `json:"currentUsage"`
	PeriodEnd *time.Time  `json:"usagePeriodEnd"`
	Version   int64       `json:"version"`
}

// Time is the time of an environment.
type Time struct {
	Now  time.Time `json:"now"`
	Mode string    `json:"mode"` // test or real
}

// entry is a Message of an environment in the ring.
type entry struct {
	Message
	at  int64 // the event's position
	who uint64
	env tenant.ID
}

// entriesOf are what an event means to readers, in order: none for most events without a customer.
func entriesOf(list []entry, e *event.Event) []entry {
	m := Message{Position: e.Position, Kind: Snapshot, Customer: e.Customer}
	switch {
	case e.Type == "usage.updated" && e.Customer != "":
		var c Counter
		if decode(e, &c) && c.Feature != "" {
			m.Kind, m.Counter = Usage, &c
		}
	case e.Customer != "":
	case e.Type == "environment.clock_moved":
		var t Time
		if decode(e, &t) {
			// The position belongs to what is said last of it.
			list = append(list, entry{Message{Position: Incomplete, Kind: Clock, Clock: &t}, e.Position, 0, e.Environment})
		}
		m.Kind = Resync
	case entitlement.ConcernsAll(*e):
		m.Kind = Resync
	default:
		return list
	}
	return append(list, entry{m, e.Position, hash(m.Customer), e.Environment})
}

func decode(e *event.Event, v any) bool {
	raw, err := e.JSON()
	return err == nil && json.Unmarshal(raw, v) == nil
}

// newest leaves out every Snapshot of a customer that a later one in the list repeats.
func newest(list []Message) []Message {
	last := map[string]int{}
	for i, m := range list {
		if m.Kind == Snapshot {
			last[m.Customer] = i
		}
	}
	kept := list[:0]
	for i, m := range list {
		if m.Kind != Snapshot || last[m.Customer] == i {
			kept = append(kept, m)
		}
	}
	return kept
}
