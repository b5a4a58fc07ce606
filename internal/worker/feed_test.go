package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
	"github.com/purserhq/purser/internal/worker"
)

func TestMain(m *testing.M) { storetest.Main(m) }

const env = account.Development

func begin(t *testing.T, db *store.DB) {
	t.Helper()
	accounts := account.NewService(store.As(db, func(t *store.Tx) account.Store { return t }), id.Source{}, clock.System{})
	if _, err := accounts.Bootstrap(t.Context(), account.First{Name: "Test"}); err != nil {
		t.Fatal(err)
	}
}

// follow is a follower and what it saw.
type follow struct {
	*worker.Follower
	db      *store.DB
	mu      sync.Mutex
	seen    []string
	resyncs int
}

func (f *follow) start(t *testing.T) {
	t.Helper()
	f.prepare()
	f.run(t)
}

func (f *follow) prepare() {
	f.Follower = worker.NewFollower(store.As(f.db, func(t *store.Tx) event.Store { return t }), f.db, slog.New(slog.DiscardHandler),
		[]func([]event.Event){f.observe}, f.resync)
}

func (f *follow) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the follower ended with %v", err)
		}
	})
}

func (f *follow) observe(list []event.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range list {
		f.seen = append(f.seen, e.Type)
	}
}

func (f *follow) resync(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.resyncs++
	return nil
}

func (f *follow) all() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}

func write(t *testing.T, db *store.DB, env tenant.ID, types ...string) {
	t.Helper()
	err := db.Write(t.Context(), env, func(st *store.Tx, _ time.Time) error {
		for _, typ := range types {
			st.Append(env, event.Event{Type: typ})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// until waits for something that other goroutines are about to do.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := (clock.System{}).Now().Add(time.Minute); !cond(); runtime.Gosched() {
		if (clock.System{}).Now().After(end) {
			t.Fatalf("still waiting until %s", what)
		}
	}
}

func TestFollowerSeesEveryEnvironment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		begin(t, db)
		f := &follow{db: db}
		f.start(t)
		many := make([]string, 2500)
		for i := range many {
			many[i] = "many"
		}
		want := append([]string{"a", "b"}, many...)
		write(t, db, account.Development, "a")
		write(t, db, account.Production, "b")
		write(t, db, account.Production, many...)
		until(t, "everything was seen", func() bool { return len(f.all()) >= len(want) })
		// What was written before the follower was made may still have become final after it.
		got := slices.DeleteFunc(f.all(), func(typ string) bool { return len(typ) > 4 })
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("events (-want +got):\n%s", d)
		}
		until(t, "there is no lag", func() bool { return f.Lag() == 0 && f.Position() == db.Final() })
	})
}

func TestFollowerStartsAfreshAfterAGap(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		begin(t, db)
		f := &follow{db: db}
		f.prepare()
		write(t, db, env, "lost")
		var head int64
		err := db.Read(t.Context(), 0, func(st *store.Tx, _ time.Time) (err error) {
			head, err = st.FeedHead(t.Context())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		until(t, "it is final", func() bool { return db.Final() >= head })
		err = db.Write(t.Context(), 0, func(st *store.Tx, now time.Time) error {
			_, err := st.PruneEvents(t.Context(), now.Add(time.Hour), 1000)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		f.run(t)
		until(t, "it goes on from the head", func() bool { return f.Lag() == 0 })
		write(t, db, env, "new")
		until(t, "it sees what is new", func() bool { return slices.Contains(f.all(), "new") })
		f.mu.Lock()
		defer f.mu.Unlock()
		if slices.Contains(f.seen, "lost") || f.resyncs != 1 {
			t.Errorf("%d resyncs, events %v", f.resyncs, f.seen)
		}
	})
}

// node is one process of several on one database, with its own memory.
type node struct {
	*entitlement.Service
	db        *store.DB
	customers *provisioning.Service
	clocks    *account.Clocks
	cache     *entitlement.Cache
}

func newNode(t *testing.T, cfg store.Config) node {
	t.Helper()
	n := node{db: storetest.Open(t, cfg), clocks: account.NewClocks(clock.System{}), cache: entitlement.NewCache(1000)}
	n.customers = provisioning.NewService(store.As(n.db, func(t *store.Tx) provisioning.Store { return t }), []byte("key"))
	n.Service = entitlement.NewService(store.As(n.db, func(t *store.Tx) entitlement.Store { return t }), n.db, n.clocks, n.customers, n.cache)
	observers := []func([]event.Event){n.cache.Observe, n.clocks.Observe}
	for _, o := range observers {
		n.db.OnCommit(o)
	}
	f := &follow{db: n.db}
	f.Follower = worker.NewFollower(store.As(n.db, func(t *store.Tx) event.Store { return t }), n.db, slog.New(slog.DiscardHandler), observers)
	f.run(t)
	return n
}

func (n node) reason(t *testing.T) rules.Reason {
	t.Helper()
	a, err := n.Check(t.Context(), env, "ada", "reports", "", rules.Ask{})
	if err != nil {
		t.Fatal(err)
	}
	return a.Reason
}

// What one node writes, the memory of the other hears of.
func TestNodesHearOfEachOther(t *testing.T) {
	t.Parallel()
	cfg := storetest.New(t, storetest.Postgres)
	a, b := newNode(t, cfg), newNode(t, cfg)
	begin(t, a.db)
	ctx := event.WithActor(t.Context(), event.System("test"))
	features := catalog.NewFeatures(store.As(a.db, func(t *store.Tx) catalog.Store { return t }))
	if _, err := features.Create(ctx, env, catalog.NewFeature{ID: "reports", DisplayName: "Reports", Type: catalog.Boolean}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.customers.Provision(ctx, env, provisioning.Request{New: customer.New{ID: "ada"}}); err != nil {
		t.Fatal(err)
	}
	for _, n := range []node{a, b} {
		until(t, "both know the customer", func() bool { return n.reason(t) == rules.NoActiveSubscription && n.cache.Len() == 1 })
	}
	if _, err := a.customers.Archive(ctx, env, "ada", false); err != nil {
		t.Fatal(err)
	}
	if got := a.reason(t); got != rules.CustomerIsArchived {
		t.Errorf("the node that wrote says %q", got)
	}
	until(t, "the other one knows", func() bool { return b.reason(t) == rules.CustomerIsArchived })
	future := a.clocks.Now(env).AddDate(1, 0, 0).Truncate(time.Second)
	if _, err := b.customers.MoveClock(ctx, env, future); err != nil {
		t.Fatal(err)
	}
	until(t, "both clocks stand", func() bool { return a.clocks.Now(env).Equal(future) && b.clocks.Now(env).Equal(future) })
}
