package account

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
)

// Caller is whose a secret is.
type Caller struct {
	Environment Environment
	KeyID       string
	Kind        Kind
}

// Authenticator finds callers by their secrets. Keys that were found are kept in memory until something happens to a
// key, so that a request with a known one costs a hash and a look into a map. It is safe for concurrent use.
type Authenticator struct {
	db    tx.Runner[Store]
	clock clock.Clock
	known atomic.Pointer[map[digest]known] // never changed, replaced as a whole: there are few keys

	mu    sync.Mutex
	epoch int // how often known was emptied: what was read before must not get in after
}

type digest [sha256.Size]byte

type known struct {
	digest  digest
	caller  Caller
	expires *time.Time
}

// NewAuthenticator makes an Authenticator. It must be told of events (Observe).
func NewAuthenticator(db tx.Runner[Store], c clock.Clock) *Authenticator {
	a := &Authenticator{db: db, clock: c}
	a.known.Store(&map[digest]known{})
	return a
}

// Authenticate returns the caller behind a secret: errs.NoKey for one that is unknown, expired or revoked.
func (a *Authenticator) Authenticate(ctx context.Context, secret string) (Caller, error) {
	if len(secret) > maxSecret || !strings.HasPrefix(secret, "server-") && !strings.HasPrefix(secret, "client-") {
		return Caller{}, errs.NoKey
	}
	var buf [maxSecret]byte // a conversion would allocate
	d := digest(sha256.Sum256(buf[:copy(buf[:], secret)]))
	k, ok := (*a.known.Load())[d]
	if !ok || subtle.ConstantTimeCompare(k.digest[:], d[:]) != 1 {
		var err error
		if k, err = a.load(ctx, d); err != nil {
			return Caller{}, err
		}
	}
	if k.expires != nil && !a.clock.Now().Before(*k.expires) {
		return Caller{}, errs.NoKey
	}
	return k.caller, nil
}

// load reads a key and remembers it. An unknown secret is not remembered: there is no end of them.
func (a *Authenticator) load(ctx context.Context, d digest) (known, error) {
	a.mu.Lock()
	epoch := a.epoch
	a.mu.Unlock()
	k := known{digest: d}
	err := a.db.Read(ctx, none, func(st Store, _ time.Time) error {
		key, env, err := st.KeyByHash(ctx, hex.EncodeToString(d[:]))
		if err != nil {
			return err
		}
		if key.RevokedAt != nil {
			return ErrKeyNotFound
		}
		k.caller, k.expires = Caller{env, key.ID, key.Kind}, key.ExpiresAt
		return nil
	})
	if errors.Is(err, ErrKeyNotFound) {
		return k, errs.NoKey
	}
	if err != nil {
		return k, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.epoch == epoch {
		next := maps.Clone(*a.known.Load())
		next[d] = k
		a.known.Store(&next)
	}
	return k, nil
}

// Observe forgets what it knows when something happened to a key. It sees the events of this process before the change
// is answered, and those of other nodes as the feed delivers them.
func (a *Authenticator) Observe(events []event.Event) {
	for _, e := range events {
		if strings.HasPrefix(e.Type, "api_key.") {
			a.Forget()
			return
		}
	}
}

// Forget empties the memory.
func (a *Authenticator) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.epoch++
	a.known.Store(&map[digest]known{})
}
