package entitlement

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/core/event"
)

const known = isKnown

// compiled returns a compile that makes a set of the given version.
func compiled(version int64) func(context.Context) (*Set, error) {
	return func(context.Context) (*Set, error) {
		return &Set{flags: known, version: version, validUntil: forever}, nil
	}
}

// through loads a key with a compile that fails the test when it is not expected.
func through(t *testing.T, c *Cache, k key, wantCompile bool, version int64) *Set {
	t.Helper()
	e := c.environment(k.env)
	ran := false
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // for one that waits where it must not
	defer cancel()
	set, err := c.load(ctx, e, k, 0, func(ctx context.Context) (*Set, error) {
		ran = true
		set, err := compiled(version)(ctx)
		set.epoch = e.epoch.Load()
		return set, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if ran != wantCompile {
		t.Errorf("%v: compiled %v, want %v", k, ran, wantCompile)
	}
	return set
}

func TestInvalidateDropsEverySetOfOneCustomer(t *testing.T) {
	t.Parallel()
	c := NewCache(DefaultLimit)
	own, resource, other, elsewhere := key{1, "a", ""}, key{1, "a", "r"}, key{1, "b", ""}, key{2, "a", ""}
	for _, k := range []key{own, resource, other, elsewhere} {
		through(t, c, k, true, 5)
	}
	c.Invalidate(1, "a", 5) // known already
	through(t, c, own, false, 5)
	c.Invalidate(1, "a", 6)
	if c.Len() != 2 {
		t.Errorf("%d sets left, want 2", c.Len())
	}
	through(t, c, other, false, 5)
	through(t, c, elsewhere, false, 5)
	through(t, c, own, true, 6)
	through(t, c, resource, true, 6)
}

func TestInvalidateEnvironment(t *testing.T) {
	t.Parallel()
	c := NewCache(DefaultLimit)
	a, b := key{1, "a", ""}, key{2, "a", ""}
	through(t, c, a, true, 5)
	through(t, c, b, true, 5)
	c.InvalidateEnvironment(1, 7)
	through(t, c, b, false, 5)
	through(t, c, a, true, 7)
	c.InvalidateEnvironment(1, 7) // the feed brings the same event again
	through(t, c, a, false, 7)
	c.InvalidateEnvironment(1, 6) // another node's, from before
	through(t, c, a, false, 7)
	c.Clear()
	through(t, c, a, true, 7)
	through(t, c, b, true, 7)
}

func TestObserve(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		e    event.Event
		want []bool // compile again: customer a, customer b
	}{
		{"the customer's own", event.Event{Type: "subscription.created", Customer: "a"}, []bool{true, false}},
		{"a feature", event.Event{Type: "feature.updated", Entity: event.Entity{Type: "feature"}}, []bool{true, true}},
		{"a publication", event.Event{Type: "plan.updated", Entity: event.Entity{Type: "plan"}}, []bool{true, true}},
		{"a draft", event.Event{Type: "plan.draft_updated", Entity: event.Entity{Type: "plan"}}, []bool{false, false}},
		{"a clock move", event.Event{Type: "environment.clock_moved", Entity: event.Entity{Type: "environment"}}, []bool{true, true}},
		{"an API key", event.Event{Type: "api_key.created", Entity: event.Entity{Type: "api_key"}}, []bool{false, false}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := NewCache(DefaultLimit)
			through(t, c, key{1, "a", ""}, true, 1)
			through(t, c, key{1, "b", ""}, true, 1)
			tc.e.Environment, tc.e.Position = 1, 2
			c.Observe([]event.Event{tc.e})
			through(t, c, key{1, "a", ""}, tc.want[0], 2)
			through(t, c, key{1, "b", ""}, tc.want[1], 2)
		})
	}
}

func TestUnknownIsNotCached(t *testing.T) {
	t.Parallel()
	c := NewCache(DefaultLimit)
	for _, state := range []flags{0, isKnown | isOfResource} {
		_, err := c.load(t.Context(), c.environment(1), key{1, "a", "r"}, 0, func(context.Context) (*Set, error) {
			return &Set{flags: state, validUntil: forever}, nil
		})
		if err != nil || c.Len() != 0 {
			t.Errorf("%+v: %d sets, %v", state, c.Len(), err)
		}
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	c := NewCache(2 * shardCount)
	for i := range 10 * shardCount {
		through(t, c, key{1, fmt.Sprint("customer-", i/2), []string{"", "r"}[i%2]}, true, 1)
	}
	if n := c.Len(); n > 2*shardCount || n < shardCount {
		t.Errorf("%d sets, want at most %d", n, 2*shardCount)
	}
	n := 0
	for i := range c.shards {
		for _, o := range c.shards[i].customers {
			n += o.size()
		}
	}
	if n != c.Len() {
		t.Errorf("counted %d, there are %d", c.Len(), n)
	}
}

// slow is a compile that has read and waits before it answers.
func slow(set *Set, err error) (compile func(context.Context) (*Set, error), began chan struct{}, finish func()) {
	began, end := make(chan struct{}), make(chan struct{})
	return func(context.Context) (*Set, error) {
		close(began)
		<-end
		return set, err
	}, began, sync.OnceFunc(func() { close(end) })
}

func TestCompileBegunBeforeAChangeIsNotStored(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Cache){
		"of the customer":    func(c *Cache) { c.Invalidate(1, "a", 2) },
		"of the environment": func(c *Cache) { c.InvalidateEnvironment(1, 2) },
		"of everything":      func(c *Cache) { c.Clear() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := NewCache(DefaultLimit)
			k, e := key{1, "a", ""}, c.environment(1)
			old := &Set{flags: known, version: 1, validUntil: forever}
			compile, began, finish := slow(old, nil)
			defer finish()
			done := make(chan *Set)
			go func() {
				set, _ := c.load(context.Background(), e, k, 0, compile)
				done <- set
			}()
			<-began
			change(c)
			fresh := through(t, c, k, true, 2) // does not join what began before
			finish()
			if got := <-done; got != old {
				t.Error("who asked before the change got another set")
			}
			if got := through(t, c, k, false, 2); got != fresh {
				t.Error("the old set took the place of the new one")
			}
		})
	}
}

// A compile that settles what is due changes the customer itself, and then reads again.
func TestCompileThatReadAfterTheChangeIsStored(t *testing.T) {
	t.Parallel()
	c := NewCache(DefaultLimit)
	k := key{1, "a", ""}
	_, err := c.load(t.Context(), c.environment(1), k, 0, func(ctx context.Context) (*Set, error) {
		c.Invalidate(1, "a", 3)
		return compiled(3)(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	through(t, c, k, false, 3)
}

func TestMissesCompileOnce(t *testing.T) {
	t.Parallel()
	c := NewCache(DefaultLimit)
	k, e := key{1, "a", ""}, c.environment(1)
	want := &Set{flags: known, validUntil: forever}
	compile, began, finish := slow(want, nil)
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = c.load(context.Background(), e, k, 0, compile) })
	<-began
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.load(gone, e, k, 0, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who left got %v", err)
	}
	for range 8 {
		wg.Go(func() {
			if set, err := c.load(context.Background(), e, k, 0, nil); set != want || err != nil { // nil: compiling again would panic
				t.Errorf("got %p, %v", set, err)
			}
		})
	}
	finish()
	wg.Wait()
}

func TestFailuresAreNotKept(t *testing.T) {
	t.Parallel()
	c := NewCache(DefaultLimit)
	k, e := key{1, "a", ""}, c.environment(1)
	disk := errors.New("disk")
	if _, err := c.load(t.Context(), e, k, 0, func(context.Context) (*Set, error) { return nil, disk }); !errors.Is(err, disk) {
		t.Errorf("got %v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = c.load(t.Context(), e, k, 0, func(context.Context) (*Set, error) { panic("boom") })
	}()
	through(t, c, k, true, 1)
}

// A reader who asks after a change was announced never sees the state before it.
func TestNobodySeesThePast(t *testing.T) {
	t.Parallel()
	const customers, rounds = 3, 2000
	c := NewCache(DefaultLimit)
	e := c.environment(1)
	var feed sync.Mutex
	var position atomic.Int64           // committed and final
	var state [customers]atomic.Int64   // the position that last changed the customer
	var visible [customers]atomic.Int64 // what was announced of it
	var wg sync.WaitGroup
	for w := range customers {
		wg.Go(func() {
			for i := range rounds {
				feed.Lock()
				p := position.Load() + 1
				state[w].Store(p)
				position.Store(p)
				feed.Unlock()
				if i%50 == 0 {
					c.InvalidateEnvironment(1, p)
				} else {
					c.Observe([]event.Event{{Environment: 1, Customer: fmt.Sprint(w), Position: p}})
				}
				visible[w].Store(p)
			}
		})
	}
	for r := range 4 {
		wg.Go(func() {
			for i := range rounds {
				w := (r + i) % customers
				k := key{1, fmt.Sprint(w), ""}
				want := visible[w].Load()
				set := c.get(k)
				if set == nil || !e.usable(set, 0) {
					set, _ = c.load(context.Background(), e, k, 0, func(context.Context) (*Set, error) {
						epoch, version := e.epoch.Load(), position.Load()
						return &Set{flags: known, epoch: epoch, version: version, validUntil: 1 + state[w].Load()}, nil
					})
				}
				if got := set.validUntil - 1; got < want {
					t.Errorf("customer %d shows %d after %d was announced", w, got, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestHoldingsCompareWhole(t *testing.T) {
	t.Parallel()
	c := NewCache(DefaultLimit)
	k := key{1, "a", ""}
	s, h := c.shard(1, "a")
	s.put(h, key{1, "other with the same hash", ""}, &Set{flags: known}, 10)
	if c.get(k) != nil {
		t.Error("found another customer's set")
	}
	set := through(t, c, k, true, 1)
	if d := cmp.Diff(1, c.Len()); d != "" || c.get(k) != set {
		t.Errorf("sets (-want +got):\n%s", d)
	}
}
