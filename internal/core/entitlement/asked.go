package entitlement

import (
	"sync"
	"sync/atomic"

	"github.com/purserhq/purser/internal/base/tenant"
)

// asked remembers which features of an environment were checked, so that a publication can name those that nobody asks
// about. A check costs it one look at a flag; one of a feature that nothing grants costs a look into the map as well.
type asked struct {
	mu    sync.RWMutex
	marks map[string]*atomic.Bool // by refId
}

// mark is the flag of a feature that the catalog has.
func (a *asked) mark(featureRef string) *atomic.Bool {
	a.mu.RLock()
	m := a.marks[featureRef]
	a.mu.RUnlock()
	if m != nil {
		return m
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if m = a.marks[featureRef]; m == nil {
		if a.marks == nil {
			a.marks = map[string]*atomic.Bool{}
		}
		m = new(atomic.Bool)
		a.marks[featureRef] = m
	}
	return m
}

func note(m *atomic.Bool) {
	if m != nil && !m.Load() {
		m.Store(true)
	}
}

// Checked reports whether this process was asked about a feature and nobody has called Asked since.
func (c *Cache) Checked(env tenant.ID, featureRef string) bool {
	a := &c.environment(env).asked
	a.mu.RLock()
	defer a.mu.RUnlock()
	m := a.marks[featureRef]
	return m != nil && m.Load()
}

// Asked are the features that were checked since the last call, by environment. Those that are not of an environment's
// catalog never get in.
func (c *Cache) Asked() map[tenant.ID][]string {
	out := map[tenant.ID][]string{}
	for env, e := range *c.environments.Load() {
		e.asked.mu.RLock()
		for ref, m := range e.asked.marks {
			if m.Swap(false) {
				out[env] = append(out[env], ref)
			}
		}
		e.asked.mu.RUnlock()
	}
	return out
}

// AskAgain takes features back that could not be written down.
func (c *Cache) AskAgain(env tenant.ID, refs []string) {
	for _, ref := range refs {
		c.environment(env).asked.mark(ref).Store(true)
	}
}
