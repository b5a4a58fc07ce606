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
	epoch, floor atomic.Int64
	vocabulary   atomic.Pointer[vocabulary]
	mu           sync.Mutex // guards changes of vocabulary
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
	mu      sync.RWMutex
	rows    map[string]*Rows // by version id
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
	v := &vocabulary{catalog: c, rows: map[string]*Rows{}}
	if old == nil || old.catalog.Version < c.Version {
		e.vocabulary.Store(v)
	}
	return v
}

// rowsOf returns the shared rows of a subscription's plan version.
func (v *vocabulary) rowsOf(ctx context.Context, st Store, env tenant.ID, s Subscription) (*Rows, error) {
	v.mu.RLock()
	r := v.rows[s.VersionID]
	v.mu.RUnlock()
	if r != nil {
		return r, nil
	}
	version, err := v.version(ctx, st, env, s)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if r := v.rows[s.VersionID]; r != nil {
		return r, nil
	}
	r = CompileVersion(version, v.catalog.Feature)
	v.rows[s.VersionID] = r
	return r, nil
}

// version finds a plan version: the latest is in the catalog, older ones are read.
func (v *vocabulary) version(ctx context.Context, st Store, env tenant.ID, s Subscription) (catalog.Version, error) {
	if p, ok := v.catalog.PlanByID(s.PlanID); ok && p.Latest != nil && p.Latest.ID == s.VersionID {
		return *p.Latest, nil
	}
	return st.PlanVersion(ctx, env, s.VersionID)
}
