package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// streamPause is up to how long nothing happens between two changes, so that they do not keep step with the server's pauses.
const streamPause = 50 * time.Millisecond

// streams measures how long it takes from the answer to a change until the stream tells of it: provisions, reports of
// usage and publications in turns.
func (b *bench) streams(ctx context.Context) error {
	for _, engine := range []string{sqlite, postgres} {
		if err := b.stream(ctx, engine); err != nil {
			return fmt.Errorf("stream on %s: %w", engine, err)
		}
	}
	return nil
}

func (b *bench) stream(ctx context.Context, engine string) (err error) {
	half := row{what: "change to its event on the stream, p50", engine: engine, unit: " ms", absolute: true, most: 1000}
	slow := row{what: "change to its event on the stream, p99", engine: engine, unit: " ms", absolute: true, most: 1000}
	if !b.wanted(half.name(), slow.name()) {
		return nil
	}
	p, err := b.database(ctx, engine)
	if err != nil {
		return err
	}
	server, err := b.spawn("serve", p)
	if err != nil {
		return err
	}
	defer func() { err = joined(err, server.stop) }()
	told, err := listen(ctx, server)
	if err != nil {
		return err
	}
	defer func() { err = joined(err, told.close) }()
	var list []time.Duration
	err = b.profiled(server, slow.name(), func() error {
		for n := range int64(b.told) {
			late, err := told.change(ctx, server, n)
			if err != nil {
				return err
			}
			list = append(list, late)
			time.Sleep(rand.N(streamPause)) //nolint:gosec // no secret
		}
		return nil
	})
	if err != nil {
		return err
	}
	half.ours, slow.ours = milliseconds(percentile(list, 50)), milliseconds(percentile(list, 99))
	b.report.add(half)
	b.report.add(slow)
	return nil
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

// listener follows the stream and remembers when it heard of which position first.
type listener struct {
	body io.Closer
	done chan struct{}

	mu       sync.Mutex
	position int64 // the highest so far
	at       map[int64]time.Time
	changed  chan struct{} // closed with the next position
	err      error
}

func listen(ctx context.Context, server *child) (*listener, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/v1/stream", http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Api-Key", serverKey)
	res, err := http.DefaultClient.Do(req) //nolint:bodyclose // close does
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(res.Body)
		return nil, joined(fmt.Errorf("GET /api/v1/stream: %s %.500s", res.Status, text), res.Body.Close)
	}
	l := &listener{body: res.Body, done: make(chan struct{}), at: map[int64]time.Time{}, changed: make(chan struct{})}
	go l.follow(res.Body)
	return l, nil
}

// follow reads until the stream ends. An event is there with the empty line behind it.
func (l *listener) follow(body io.Reader) {
	defer close(l.done)
	lines := bufio.NewScanner(body)
	position, named := int64(0), false
	for lines.Scan() {
		switch line := lines.Bytes(); {
		case bytes.HasPrefix(line, []byte("id: ")):
			position = positionOf(string(line[len("id: "):]))
		case bytes.HasPrefix(line, []byte("event: ")):
			named = true
		case len(line) == 0 && named:
			l.hear(position)
			named = false
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = errors.Join(errors.New("the stream ended"), lines.Err())
	close(l.changed)
}

func (l *listener) hear(position int64) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if position > l.position {
		l.position = position
		l.at[position] = now
		close(l.changed)
		l.changed = make(chan struct{})
	}
}

// heard waits for a position, and returns when it was heard of.
func (l *listener) heard(ctx context.Context, position int64) (time.Time, error) {
	for {
		l.mu.Lock()
		first, known := time.Time{}, false
		for p, at := range l.at {
			if p >= position && (!known || at.Before(first)) {
				first, known = at, true
			}
		}
		if known {
			clear(l.at)
			l.mu.Unlock()
			return first, nil
		}
		changed, err := l.changed, l.err
		l.mu.Unlock()
		if err != nil {
			return first, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return first, context.Cause(ctx)
		case <-time.After(10 * time.Second):
			return first, fmt.Errorf("nothing was heard of position %d", position)
		}
	}
}

// change makes the nth change and returns how long after its answer the stream told of it; 0 for before.
func (l *listener) change(ctx context.Context, server *child, n int64) (time.Duration, error) {
	customer := customerRef("stream", n/3)
	var position int64
	var err error
	switch n % 3 {
	case 0:
		position, err = write(ctx, server, "/api/v1/customers", `{"id":"`+customer+`","subscriptionParams":{"planId":"plan-basic"}}`)
	case 1:
		position, err = write(ctx, server, "/api/v1/usage", `{"usages":[{"customerId":"`+customer+`","featureId":"`+metered+`","value":1}]}`)
	case 2:
		if _, err = write(ctx, server, "/api/v1/plans/plan-basic/draft", ""); err == nil {
			position, err = write(ctx, server, "/api/v1/plans/plan-basic/publish", "{}")
		}
	}
	if err != nil {
		return 0, err
	}
	answered := time.Now()
	at, err := l.heard(ctx, position)
	return max(at.Sub(answered), 0), err
}

func (l *listener) close() error {
	err := l.body.Close()
	<-l.done
	return err
}

// write changes something and returns the position of the change in the feed.
func write(ctx context.Context, server *child, path, body string) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("X-Api-Key", serverKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	if res.StatusCode/100 != 2 {
		return 0, fmt.Errorf("POST %s: %s %.500s", path, res.Status, text)
	}
	position := positionOf(res.Header.Get("X-Purser-Position"))
	if position == 0 {
		return 0, fmt.Errorf("POST %s: the answer names no position", path)
	}
	return position, nil
}

// positionOf is the number in a position of the feed.
func positionOf(cursor string) int64 {
	_, number, _ := strings.Cut(cursor, ".")
	n, _ := strconv.ParseInt(number, 10, 64)
	return n
}
