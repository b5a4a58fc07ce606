package stream

import (
	"context"
	"errors"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/event"
)

// ErrStopped is what Next returns when the server shuts down.
var ErrStopped = errors.New("stream: the server shuts down")

// Reader is one connection. It belongs to one goroutine.
type Reader struct {
	hub     *Hub
	ring    *ring
	env     tenant.ID
	watched customers
	cursor  int64 // everything up to here was told
	left    int   // events that may still be read from the database; 0 once the reader has come as far as the ring
	begun   bool
	lost    bool // the reader has to be told that it cannot go on
}

// Close ends the reader. It is called once.
func (r *Reader) Close() { r.hub.leave() }

// Next returns what there is to tell, in the order of the feed. When there is nothing it waits: for news, for a beat,
// which is a Heartbeat, or for the end.
func (r *Reader) Next(ctx context.Context, beat <-chan time.Time) ([]Message, error) {
	if !r.begun {
		r.begun = true
		return r.begin(), nil
	}
	for {
		select {
		case <-r.hub.stop:
			return nil, ErrStopped
		default:
		}
		list, upTo, lost, moved := r.ring.after(r.cursor, r.env, r.watched, most)
		switch {
		case lost && r.left > 0:
			older, err := r.older(ctx)
			if err != nil || len(older) > 0 {
				return older, err
			}
			continue
		case lost:
			r.cursor, r.left = upTo, 0
			return []Message{{Position: upTo, Kind: Resync}}, nil
		}
		r.cursor, r.left = upTo, 0
		if len(list) > 0 {
			return newest(list), nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-r.hub.stop:
			return nil, ErrStopped
		case <-beat:
			return []Message{{Position: r.cursor, Kind: Heartbeat}}, nil
		case <-moved:
		}
	}
}

// begin tells the time, and from where the reader goes on.
func (r *Reader) begin() []Message {
	t := Time{Mode: "real"}
	now, test := r.hub.times.Time(r.env)
	if t.Now = now; test {
		t.Mode = "test"
	}
	list := []Message{{Position: r.cursor, Kind: Clock, Clock: &t}}
	if r.lost {
		list[0].Position = Incomplete
		list = append(list, Message{Position: r.cursor, Kind: Resync})
	}
	return list
}

// older reads a batch of what is no longer in the ring. Nothing is left for a reader that is too far behind.
func (r *Reader) older(ctx context.Context) ([]Message, error) {
	select {
	case r.hub.lookup <- struct{}{}:
		defer func() { <-r.hub.lookup }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-r.hub.stop:
		return nil, ErrStopped
	}
	upTo := r.ring.now()
	limit := min(batch, r.left)
	var list []event.Event
	var pruned int64
	err := r.hub.db.Read(ctx, r.env, func(st event.Store, _ time.Time) (err error) {
		if pruned, err = st.EnvironmentPruned(ctx, r.env); err != nil || pruned > r.cursor {
			return err
		}
		list, err = st.Events(ctx, r.env, r.cursor, upTo, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	if pruned > r.cursor {
		r.left = 0
		return nil, nil
	}
	if len(list) == limit {
		upTo = list[limit-1].Position
	}
	r.left -= len(list)
	r.cursor = upTo
	var entries []entry
	for i := range list {
		entries = entriesOf(entries, &list[i])
	}
	var told []Message
	for i := range entries {
		if r.watched.has(entries[i].who) {
			told = append(told, entries[i].Message)
		}
	}
	return newest(told), nil
}
