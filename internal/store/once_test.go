package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// once renders a result as its text, a conflict with its code, and stores nothing else.
func once(key, content string) *tx.Once {
	return &tx.Once{
		Key: key, Route: "POST /x", Content: content, Customer: "c-" + key,
		Render: func(result any, err error) (int, []byte) {
			if err == nil {
				return 201, fmt.Appendf(nil, "%v", result)
			}
			if e, ok := errs.As(err); ok && e.Kind == errs.Conflict {
				return 409, []byte(e.Code)
			}
			return 0, nil
		},
	}
}

// counted is a write with an idempotency key that counts its runs and gives what fn gives.
type counted struct {
	db   *store.DB
	env  tenant.ID
	runs int
}

func (c *counted) do(o *tx.Once, fn func(*store.Tx) error) error {
	_, err := tx.Do(tx.WithOnce(context.Background(), o), store.As(c.db, func(t *store.Tx) *store.Tx { return t }), c.env,
		func(st *store.Tx, _ time.Time) (string, error) {
			c.runs++
			return fmt.Sprint("run ", c.runs), fn(st)
		})
	return err
}

func wantReplay(t *testing.T, err error, status int, body string) {
	t.Helper()
	var got *tx.Replay
	if !errors.As(err, &got) {
		t.Fatalf("got %v, want a stored answer", err)
	}
	if diff := cmp.Diff(&tx.Replay{Status: status, Body: []byte(body)}, got); diff != "" {
		t.Errorf("replay (-want +got):\n%s", diff)
	}
}

func nothing(*store.Tx) error { return nil }

func TestOnce(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		c := clock.At(start)
		cfg.Clock = c
		db := storetest.Open(t, cfg)
		w := &counted{db: db, env: environment(t, db, 1)}
		if err := w.do(once("k", "one"), put("a", "1")); err != nil {
			t.Fatal(err)
		}
		wantReplay(t, w.do(once("k", "one"), put("b", "1")), 201, "run 1")
		wantCode(t, "other content", w.do(once("k", "two"), nothing), errs.IdempotencyKeyReused)
		wantReplay(t, w.do(once("k", "one"), nothing), 201, "run 1")
		if get(t, db, "a") != "1" || get(t, db, "b") != "" || w.runs != 1 {
			t.Errorf("%d runs, want the first alone to have written", w.runs)
		}

		// Another route or environment is another key.
		o := once("k", "one")
		o.Route = "POST /y"
		if err := w.do(o, nothing); err != nil || w.runs != 2 {
			t.Errorf("another route: %v, %d runs", err, w.runs)
		}
		elsewhere := &counted{db: db, env: environment(t, db, 2)}
		if err := elsewhere.do(once("k", "one"), nothing); err != nil || elsewhere.runs != 1 {
			t.Errorf("another environment: %v, %d runs", err, elsewhere.runs)
		}

		// 24 hours of machine time.
		c.Add(store.OnceKept - time.Microsecond)
		wantReplay(t, w.do(once("k", "one"), nothing), 201, "run 1")
		c.Add(time.Microsecond)
		if err := w.do(once("k", "two"), nothing); err != nil || w.runs != 3 {
			t.Errorf("after a day: %v, %d runs", err, w.runs)
		}
		wantReplay(t, w.do(once("k", "two"), nothing), 201, "run 3")
	})
}

func TestOnceRefusals(t *testing.T) {
	t.Parallel()
	refuse := map[string]func(*store.Tx) error{
		"at once": func(*store.Tx) error { return errRefused },
		"with something queued": func(st *store.Tx) error {
			_ = put("harm", "1")(st)
			return errRefused
		},
		"after something was written": func(st *store.Tx) error {
			_ = put("harm", "1")(st)
			if err := st.Flush(context.Background()); err != nil {
				return err
			}
			return errRefused
		},
		"by a missed count": func(st *store.Tx) error {
			_ = put("harm", "1")(st)
			st.Expect(1, errRefused, `update meta set value = 'x' where key = 'none'`)
			return nil
		},
		"by a foreign key": func(st *store.Tx) error {
			_ = put("harm", "1")(st)
			st.Exec(`insert into environments (id, uuid, account_id, slug, display_name, type, created_at) values (9, '', 'none', '', '', 'production', $1)`, store.Stamp(start))
			return nil
		},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		env := environment(t, db, 1)
		for name, fn := range refuse {
			t.Run(name, func(t *testing.T) {
				w := &counted{db: db, env: env}
				err := w.do(once(name, "one"), fn)
				e, ok := errs.As(err)
				if !ok || e.Kind != errs.Conflict {
					t.Fatalf("got %v, want a conflict", err)
				}
				wantReplay(t, w.do(once(name, "one"), nothing), 409, e.Code)
				if v := get(t, db, "harm"); v != "" || w.runs != 1 {
					t.Errorf("harm = %q after %d runs", v, w.runs)
				}
			})
		}
	})
}

// What is our fault is not stored: the same key may be tried again.
func TestOnceForgetsFailures(t *testing.T) {
	t.Parallel()
	fail := map[string]func(*store.Tx) error{
		"unavailable": func(*store.Tx) error { return errs.ServiceUnavailable },
		"panic":       func(*store.Tx) error { panic("oops") },
		"faulty SQL":  func(st *store.Tx) error { st.Exec(`no sql`); return nil },
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		env := environment(t, db, 1)
		for name, fn := range fail {
			t.Run(name, func(t *testing.T) {
				w := &counted{db: db, env: env}
				if err := w.do(once(name, "one"), fn); err == nil {
					t.Fatal("got no error")
				}
				if err := w.do(once(name, "one"), put(name, "1")); err != nil || get(t, db, name) != "1" {
					t.Errorf("second try: %v", err)
				}
			})
		}
	})
}

// A renderer that panics harms its own request alone.
func TestOncePanickingRenderer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := &counted{db: db, env: environment(t, db, 1)}
		o := once("k", "one")
		o.Render = func(any, error) (int, []byte) { panic("oops") }
		wantCode(t, "a refusal", w.do(o, func(*store.Tx) error { return errRefused }), errRefused)
		wantCode(t, "a result", w.do(o, put("a", "1")), errs.Unexpected)
		if v := get(t, db, "a"); v != "" {
			t.Errorf("a = %q", v)
		}
		write(t, db, put("b", "1"))
	})
}

func TestOnceInFlight(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := &counted{db: db, env: environment(t, db, 1)}
		inside, gate, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			done <- w.do(once("k", "one"), func(*store.Tx) error { close(inside); <-gate; return nil })
		}()
		<-inside
		second := &counted{db: db, env: w.env}
		err := second.do(once("k", "one"), nothing)
		if e, ok := errs.As(err); !ok || e.Code != "IdempotencyKeyInFlight" || e.Kind != errs.Conflict || !e.Retry || e.RetryAfter <= 0 {
			t.Errorf("meanwhile: got %v, want a conflict that may be tried again", err)
		}
		close(gate)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		wantReplay(t, second.do(once("k", "one"), nothing), 201, "run 1")
		if second.runs != 0 {
			t.Error("the second ran")
		}
	})
}

func TestOnceOnTwoNodes(t *testing.T) {
	t.Parallel()
	on(t, storetest.Postgres, func(t *testing.T, cfg store.Config) {
		one, two := storetest.Open(t, cfg), storetest.Open(t, cfg)
		env := environment(t, one, 1)
		first, second := &counted{db: one, env: env}, &counted{db: two, env: env}
		err := first.do(once("k", "one"), func(*store.Tx) error {
			err := second.do(once("k", "one"), nothing)
			if e, ok := errs.As(err); !ok || e.Code != "IdempotencyKeyInFlight" || !e.Retry {
				t.Errorf("meanwhile on another node: got %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		wantReplay(t, second.do(once("k", "one"), nothing), 201, "run 1")
		wantCode(t, "other content", second.do(once("k", "two"), nothing), errs.IdempotencyKeyReused)
		if second.runs != 0 {
			t.Error("the second node ran")
		}
	})
}

func TestOnceErasedAndPruned(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		c := clock.At(start)
		cfg.Clock = c
		db := storetest.Open(t, cfg)
		w := &counted{db: db, env: environment(t, db, 1)}
		other := &counted{db: db, env: environment(t, db, 2)}
		for _, err := range []error{w.do(once("k", "1"), nothing), w.do(once("l", "1"), nothing), other.do(once("k", "1"), nothing)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		write(t, db, func(st *store.Tx) error { st.EraseAnswers(1, "c-k"); st.EraseAnswers(1, ""); return nil })
		if err := w.do(once("k", "2"), nothing); err != nil {
			t.Errorf("erased: %v", err)
		}
		wantReplay(t, w.do(once("l", "1"), nothing), 201, "run 2")
		wantReplay(t, other.do(once("k", "1"), nothing), 201, "run 1")

		left := func() (n int) {
			write(t, db, func(st *store.Tx) error {
				return st.One(context.Background(), []any{&n}, `select count(*) from idempotency`)
			})
			return n
		}
		prune := func() { write(t, db, func(st *store.Tx) error { st.PruneAnswers(2); return nil }) }
		c.Add(store.OnceKept - time.Microsecond)
		if prune(); left() != 3 {
			t.Errorf("%d answers are left, want all that are still given", left())
		}
		c.Add(time.Microsecond)
		if prune(); left() != 1 {
			t.Errorf("%d answers are left, want 2 pruned at a time", left())
		}
	})
}
