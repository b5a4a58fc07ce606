package entitlement

import (
	"context"
	"math"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
)

// flightTime bounds one compile. It does not end with the request that began it: others wait for the same.
const flightTime = 10 * time.Second

// flight is one set being compiled.
type flight struct {
	done  chan struct{}
	set   *Set
	err   error
	epoch int32
	// Under the shard's lock: stale says that the customer changed since it began, so that nobody new may join;
	// invalidated is the highest position of such a change, at which a set has to be read to be stored.
	stale       bool
	invalidated int64
	usage       []usageUpdate // changes of usage meanwhile
}

func (f *flight) invalidate(position int64) {
	f.stale = true
	f.invalidated = max(f.invalidated, position)
}

// load returns the usable set of a key, compiling it when there is none. Callers that miss at the same time wait for one
// compile.
func (c *Cache) load(ctx context.Context, e *environment, k key, now int64, compile func(context.Context) (*Set, error)) (*Set, error) {
	s, h := c.shard(k.env, k.customer)
	s.mu.Lock()
	if set := s.find(h, k); set != nil && e.usable(set, now) {
		s.mu.Unlock()
		return set, nil
	}
	f := s.flights[k]
	if f != nil && !f.stale && f.epoch == e.epoch.Load() {
		s.mu.Unlock()
		return f.wait(ctx)
	}
	if f != nil {
		f.invalidate(math.MaxInt64) // another one takes its place, and it will hear of no more changes
	}
	f = &flight{done: make(chan struct{}), epoch: e.epoch.Load(), err: errs.Unexpected}
	s.flights[k] = f
	s.mu.Unlock()

	defer c.land(e, s, h, k, f)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightTime)
	defer cancel()
	f.set, f.err = compile(ctx)
	return f.set, f.err
}

// land ends a flight, after a panic too.
func (c *Cache) land(e *environment, s *shard, h uint64, k key, f *flight) {
	s.mu.Lock()
	if s.flights[k] == f {
		delete(s.flights, k)
	}
	if f.err == nil && !f.catchUp(k) {
		f.invalidated = math.MaxInt64
	}
	if f.err == nil && f.set.keep() && f.set.version >= f.invalidated && e.fresh(f.set) {
		s.put(h, k, f.set, c.limit)
	}
	s.mu.Unlock()
	close(f.done)
}

func (f *flight) wait(ctx context.Context) (*Set, error) {
	select {
	case <-f.done:
		return f.set, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// catchUp tells the set of usage that was reported while it was compiled.
func (f *flight) catchUp(k key) bool {
	for i := range f.usage {
		if u := &f.usage[i]; u.resource == "" || u.resource == k.resource {
			if !f.set.update(u.Update, u.resource != "") {
				return false
			}
		}
	}
	return true
}
