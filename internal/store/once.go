package store

import (
	"errors"
	"sync"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
)

// onceKept is how long a stored answer is given again, in machine time.
const onceKept = 24 * time.Hour

var errInFlight = errs.New(errs.Conflict, "IdempotencyKeyInFlight",
	"A request with this Idempotency-Key is still being answered.").After(time.Second)

// inflight knows the idempotency keys whose requests this process is answering.
type inflight struct{ keys sync.Map }

type onceID struct {
	env        tenant.ID
	key, route string
}

func (f *inflight) enter(env tenant.ID, o *tx.Once) bool {
	_, taken := f.keys.LoadOrStore(onceID{env, o.Key, o.Route}, struct{}{})
	return !taken
}

func (f *inflight) leave(env tenant.ID, o *tx.Once) { f.keys.Delete(onceID{env, o.Key, o.Route}) }

// storedAnswer is what a transaction found for an idempotency key before its function ran.
type storedAnswer struct {
	busy    bool // another node is answering a request with this key
	found   bool
	content string
	status  int
	body    string
}

// answerSQL finds an answer that is still given.
const answerSQL = `
	select content, status, body from idempotency
	where environment = $1 and key = $2 and route = $3 and created_at > $4`

func (db *DB) answerArgs(env tenant.ID, o *tx.Once) []any {
	return []any{env, o.Key, o.Route, stamp(db.clock.Now().Add(-onceKept))}
}

func (a *storedAnswer) scan(r rows) error {
	a.found = true
	return r.Scan(&a.content, &a.status, &a.body)
}

// replay decides what a repeated request gets: a *tx.Replay, a refusal, or nil to go on.
func (t *Tx) replay(o *tx.Once) error {
	switch a := t.answer; {
	case a.busy:
		return errInFlight
	case !a.found:
		return nil
	case a.content != o.Content:
		return errs.IdempotencyKeyReused
	default:
		return &tx.Replay{Status: a.status, Body: []byte(a.body)}
	}
}

// withOnce makes the write look at the stored answer first and store its own last.
func (w *writeRequest) withOnce(env tenant.ID, o *tx.Once) {
	w.once = o
	fn := w.fn
	w.fn = func(t *Tx) error {
		if err := t.replay(o); err != nil {
			return err
		}
		if err := fn(t); err != nil {
			return err
		}
		if status, body := o.Render(o.Result, nil); status != 0 {
			t.storeAnswer(env, o, status, body)
		}
		return nil
	}
	w.refuse = func(t *Tx, err error) bool {
		var again *tx.Replay
		if errors.As(err, &again) || errors.Is(err, errs.IdempotencyKeyReused) || errors.Is(err, errInFlight) {
			return false
		}
		status, body := o.Render(nil, err)
		if status == 0 {
			return false
		}
		t.storeAnswer(env, o, status, body)
		return true
	}
}

// storeAnswer queues the answer. One that is still given stays: a refusal may be stored in a transaction of its own,
// after another node has answered the same key.
func (t *Tx) storeAnswer(env tenant.ID, o *tx.Once, status int, body []byte) {
	now := t.db.clock.Now()
	t.exec(`
		insert into idempotency (environment, key, route, content, status, body, customer, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (environment, key, route) do update set
			content = excluded.content, status = excluded.status, body = excluded.body,
			customer = excluded.customer, created_at = excluded.created_at
		where idempotency.created_at <= $9`,
		env, o.Key, o.Route, o.Content, status, string(body), o.Customer, stamp(now), stamp(now.Add(-onceKept)))
}

// EraseAnswers removes the stored answers about a customer.
func (t *Tx) EraseAnswers(env tenant.ID, customer string) {
	t.exec(`delete from idempotency where environment = $1 and customer = $2 and customer <> ''`, env, customer)
}

// PruneAnswers removes at most n stored answers that are no longer given.
func (t *Tx) PruneAnswers(n int) {
	t.exec(`
		delete from idempotency where (environment, key, route) in (
			select environment, key, route from idempotency where created_at <= $1 limit $2)`,
		stamp(t.db.clock.Now().Add(-onceKept)), n)
}
