package entitlement

import (
	"hash/maphash"
	"maps"
	"math"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/purserhq/purser/internal/base/tenant"
)

// DefaultLimit is how many sets a cache holds when nothing else is said.
const DefaultLimit = 1_000_000

const shardCount = 256

// Cache holds the sets of customers and resources. It is bounded and safe for concurrent use.
//
// A set that was read before a change of its customer is never handed out after Invalidate returned: the sets of the
// past are dropped, what is being compiled is not stored, and nobody joins it (storage.md 6).
type Cache struct {
	seed   maphash.Seed
	limit  int // sets per shard
	shards [shardCount]shard

	environments atomic.Pointer[map[tenant.ID]*environment]
	mu           sync.Mutex // guards changes of environments
}

type shard struct {
	mu        sync.RWMutex
	customers map[uint64]*holding // by hash: no strings in the map, for the garbage collector's sake
	sets      int
	flights   map[key]*flight
}

// key names a set.
type key struct {
	env      tenant.ID
	customer string
	resource string
}

// holding has the sets of one customer.
type holding struct {
	env       tenant.ID
	customer  string
	own       *Set // nil when only resources were asked about
	resources map[string]*Set
}

// NewCache makes a cache of at most about limit sets.
func NewCache(limit int) *Cache {
	c := &Cache{seed: maphash.MakeSeed(), limit: max(1, limit/shardCount)}
	for i := range c.shards {
		c.shards[i].customers = map[uint64]*holding{}
		c.shards[i].flights = map[key]*flight{}
	}
	c.environments.Store(&map[tenant.ID]*environment{})
	return c
}

// environment returns the shared part of an environment.
func (c *Cache) environment(env tenant.ID) *environment {
	if e := (*c.environments.Load())[env]; e != nil {
		return e
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := (*c.environments.Load())[env]; e != nil {
		return e
	}
	m := maps.Clone(*c.environments.Load())
	m[env] = &environment{id: env}
	c.environments.Store(&m)
	return m[env]
}

func (c *Cache) shard(env tenant.ID, customer string) (*shard, uint64) {
	h := maphash.String(c.seed, customer) ^ uint64(env)*0x9e3779b97f4a7c15
	return &c.shards[h%shardCount], h
}

// get returns the set of a key, usable or not; nil when there is none.
func (c *Cache) get(k key) *Set {
	s, h := c.shard(k.env, k.customer)
	s.mu.RLock()
	set := s.find(h, k)
	s.mu.RUnlock()
	return set
}

func (s *shard) find(h uint64, k key) *Set {
	o := s.customers[h]
	switch {
	case o == nil || o.env != k.env || o.customer != k.customer:
		return nil
	case k.resource == "":
		return o.own
	}
	return o.resources[k.resource]
}

// put stores a set. Strings of a request are cloned: they would keep all of it alive.
func (s *shard) put(h uint64, k key, set *Set, limit int) {
	if s.find(h, k) == nil {
		s.makeRoom(limit)
		s.sets++
	}
	o := s.customers[h]
	if o == nil || o.env != k.env || o.customer != k.customer {
		s.drop(h)
		o = &holding{env: k.env, customer: strings.Clone(k.customer)}
		s.customers[h] = o
	}
	if k.resource == "" {
		o.own = set
		return
	}
	if o.resources == nil {
		o.resources = map[string]*Set{}
	}
	o.resources[strings.Clone(k.resource)] = set
}

// makeRoom drops customers at random while the shard is full.
func (s *shard) makeRoom(limit int) {
	for h := range s.customers {
		if s.sets < limit {
			return
		}
		s.drop(h)
	}
}

func (s *shard) drop(h uint64) {
	if o := s.customers[h]; o != nil {
		s.sets -= o.size()
		delete(s.customers, h)
	}
}

func (o *holding) size() int {
	n := len(o.resources)
	if o.own != nil {
		n++
	}
	return n
}

// Invalidate drops every set of a customer that does not know the event at position yet.
func (c *Cache) Invalidate(env tenant.ID, customer string, position int64) {
	s, h := c.shard(env, customer)
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, f := range s.flights {
		if k.env == env && k.customer == customer {
			f.invalidate(position)
		}
	}
	o := s.customers[h]
	if o == nil || o.env != env || o.customer != customer {
		return
	}
	before := o.size()
	if o.own != nil && o.own.version < position {
		o.own = nil
	}
	maps.DeleteFunc(o.resources, func(_ string, set *Set) bool { return set.version < position })
	s.shrunk(h, o, before)
}

// InvalidateEnvironment makes every set of an environment that does not know the event at position yet unusable. It
// costs the same however many there are.
func (c *Cache) InvalidateEnvironment(env tenant.ID, position int64) {
	c.environment(env).invalidate(position)
}

// Clear drops everything.
func (c *Cache) Clear() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.customers, s.sets = map[uint64]*holding{}, 0
		for _, f := range s.flights {
			f.invalidate(math.MaxInt64)
		}
		s.mu.Unlock()
	}
}

// Len counts the sets, unusable ones included.
func (c *Cache) Len() int {
	n := 0
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.RLock()
		n += s.sets
		s.mu.RUnlock()
	}
	return n
}
