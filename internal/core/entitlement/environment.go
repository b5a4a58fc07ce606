package entitlement

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

// environment is what all customers of an environment share.
type environment struct {
	id tenant.ID
	// epoch counts the invalidations of the whole environment; floor is the highest position that caused one.
	epoch      atomic.Int32
	floor      atomic.Int64
	vocabulary atomic.Pointer[vocabulary]
	mu         sync.Mutex // guards changes of vocabulary
	asked      asked
}

// usable reports whether a set is right at now, in µs. A set of an older epoch is, when it was read after the last
// change of the environment all the same.
func (e *environment) usable(s *Set, now int64) bool {
	return now < s.validUntil && e.fresh(s)
}

func (e *environment) fresh(s *Set) bool {
	return s.epoch == e.epoch.Load() || s.version >= e.floor.Load()
}

func (e *environment) invalidate(position int64) {
	for floor := e.floor.Load(); floor < position && !e.floor.CompareAndSwap(floor, position); {
		floor = e.floor.Load()
	}
	e.epoch.Add(1)
}

// vocabulary is an environment's features at one version of its catalog, and the rows that were compiled with them.
type vocabulary struct {
	catalog *catalog.Snapshot
	asked   *asked
	mu      sync.RWMutex
	rows    map[string]*Rows // by version id, or by combination
}

// speak returns the vocabulary of a catalog and keeps the newest: every set that is fresh was compiled with that or an
// equal one.
func (e *environment) speak(c *catalog.Snapshot) *vocabulary {
	if v := e.vocabulary.Load(); v != nil && v.catalog.Version == c.Version {
		return v
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	old := e.vocabulary.Load()
	if old != nil && old.catalog.Version == c.Version {
		return old
	}
	v := &vocabulary{catalog: c, asked: &e.asked, rows: map[string]*Rows{}}
	if old == nil || old.catalog.Version < c.Version {
		e.vocabulary.Store(v)
	}
	return v
}

// maxCombinations bounds the rows that are kept for combinations of a plan and add-ons: quantities make many of them.
const maxCombinations = 20_000

// rowsOf returns the rows of a subscription, shared by all that have the same versions and quantities.
func (v *vocabulary) rowsOf(ctx context.Context, st Store, env tenant.ID, s Subscription) (*Rows, error) {
	return v.shared(s.combination(), func() (*Rows, error) {
		return s.rows(func(p part) (*Rows, error) {
			return v.shared(p.key(), func() (*Rows, error) {
				r, err := p.compile(versions(ctx, st, env, v.catalog), v.catalog.Feature)
				if err == nil {
					v.watch(r)
				}
				return r, err
			})
		}, v.catalog.Feature)
	})
}

// shared returns the rows that are kept under a key, or makes them.
func (v *vocabulary) shared(key string, compile func() (*Rows, error)) (*Rows, error) {
	v.mu.RLock()
	r := v.rows[key]
	v.mu.RUnlock()
	if r != nil {
		return r, nil
	}
	r, err := compile()
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if old := v.rows[key]; old != nil {
		return old, nil
	}
	if len(v.rows) < maxCombinations {
		v.rows[key] = r
	}
	return r, nil
}

// watch lets checks of rows be noticed.
func (v *vocabulary) watch(r *Rows) {
	for i := range r.list {
		r.list[i].Asked = v.asked.mark(r.list[i].Feature.RefID)
	}
}
