package store

import (
	"sync"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

// catalogCache keeps the newest catalog of each environment. The environment's row, which every transaction reads
// first, says which version is right.
type catalogCache struct {
	mu    sync.RWMutex
	byEnv map[tenant.ID]*catalog.Snapshot
}

func (c *catalogCache) get(env tenant.ID, version int64) *catalog.Snapshot {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if s := c.byEnv[env]; s != nil && s.Version == version {
		return s
	}
	return nil
}

// newest is what there is of an environment, out of date or not; nil for nothing.
func (c *catalogCache) newest(env tenant.ID) *catalog.Snapshot {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byEnv[env]
}

func (c *catalogCache) put(env tenant.ID, s *catalog.Snapshot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byEnv == nil {
		c.byEnv = map[tenant.ID]*catalog.Snapshot{}
	}
	if old := c.byEnv[env]; old == nil || old.Version < s.Version {
		c.byEnv[env] = s
	}
}

// forget drops what an undone transaction may have put in: its version number will be given to another change.
func (c *catalogCache) forget(env tenant.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byEnv, env)
}

func (c *catalogCache) forgetAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.byEnv)
}
