package stream

import (
	"hash/maphash"
	"slices"
	"sort"
	"sync"

	"github.com/purserhq/purser/internal/base/tenant"
)

// ring keeps the newest entries of all environments, in the order of the feed. It knows everything after floor, up to
// position.
type ring struct {
	mu       sync.RWMutex
	entries  []entry // a circle once it is full
	oldest   int     // index of the oldest entry
	size     int
	floor    int64
	position int64
	moved    chan struct{} // closed and replaced when position advances
}

func newRing(size int, position int64) *ring {
	return &ring{size: size, floor: position, position: position, moved: make(chan struct{})}
}

// add appends what the feed says up to a position.
func (r *ring) add(list []entry, position int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range list {
		if len(r.entries) < r.size {
			r.entries = append(r.entries, e)
			continue
		}
		r.floor = max(r.floor, r.entries[r.oldest].at)
		r.entries[r.oldest] = e
		r.oldest = (r.oldest + 1) % r.size
	}
	r.advance(position)
}

// restart forgets everything: events were lost.
func (r *ring) restart(position int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries, r.oldest, r.floor = nil, 0, position
	r.advance(position)
}

func (r *ring) advance(position int64) {
	r.position = position
	close(r.moved)
	r.moved = make(chan struct{})
}

func (r *ring) at(i int) *entry { return &r.entries[(r.oldest+i)%len(r.entries)] }

// after collects what a reader is told after a position, at most about most messages, and up to where that goes. lost:
// the ring no longer knows everything after the position. moved is closed when there is more.
func (r *ring) after(position int64, env tenant.ID, wants customers, most int) (list []Message, upTo int64, lost bool, moved <-chan struct{}) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if position < r.floor {
		return nil, r.position, true, r.moved
	}
	n := len(r.entries)
	first := sort.Search(n, func(i int) bool { return r.at(i).at > position })
	for i := first; i < n; i++ {
		e := r.at(i)
		if e.env != env || !wants.has(e.who) {
			continue
		}
		list = append(list, e.Message)
		if len(list) >= most && e.Position != Incomplete { // not between a clock and what goes with it
			return list, e.at, false, nil
		}
	}
	return list, max(position, r.position), false, r.moved
}

// customers are hashes of those that a reader watches, sorted; nil for all. Two customers with one hash, which will not
// happen, would make a reader hear of a customer whom it did not name.
type customers []uint64

var seed = maphash.MakeSeed()

// hash is 0 for no customer.
func hash(customer string) uint64 {
	if customer == "" {
		return 0
	}
	return max(1, maphash.String(seed, customer))
}

func watch(list []string) customers {
	if len(list) == 0 {
		return nil
	}
	c := make(customers, 0, len(list))
	for _, customer := range list {
		c = append(c, hash(customer))
	}
	slices.Sort(c)
	return slices.Compact(c)
}

func (c customers) has(who uint64) bool {
	if c == nil || who == 0 {
		return true
	}
	_, found := slices.BinarySearch(c, who)
	return found
}
