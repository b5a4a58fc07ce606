package entitlement

import (
	"sync"
	"sync/atomic"

	"github.com/purserhq/purser/internal/base/tenant"
)

// asked remembers which features of an environment were checked, so that a publication can name those that nobody asks
// about. A check costs it one look at a flag.
type asked struct{ marks sync.Map } // refId → *atomic.Bool

// mark is the flag of a feature that the catalog has.
func (a *asked) mark(featureRef string) *atomic.Bool {
	if m, ok := a.marks.Load(featureRef); ok {
		return m.(*atomic.Bool)
	}
	m, _ := a.marks.LoadOrStore(featureRef, new(atomic.Bool))
	return m.(*atomic.Bool)
}

func (e *Entitlement) noteAsked() {
	if e.Asked != nil && !e.Asked.Load() {
		e.Asked.Store(true)
	}
}

// Checked reports whether this process was asked about a feature and has not told Flush's caller yet.
func (c *Cache) Checked(env tenant.ID, featureRef string) bool {
	m, ok := c.environment(env).asked.marks.Load(featureRef)
	return ok && m.(*atomic.Bool).Load()
}

// Asked are the features that were checked since the last call, by environment. Those that are not of an environment's
// catalog never get in.
func (c *Cache) Asked() map[tenant.ID][]string {
	out := map[tenant.ID][]string{}
	for env, e := range *c.environments.Load() {
		e.asked.marks.Range(func(ref, m any) bool {
			if m.(*atomic.Bool).Swap(false) {
				out[env] = append(out[env], ref.(string))
			}
			return true
		})
	}
	return out
}

// AskAgain takes features back that could not be written down.
func (c *Cache) AskAgain(env tenant.ID, refs []string) {
	for _, ref := range refs {
		c.environment(env).asked.mark(ref).Store(true)
	}
}
