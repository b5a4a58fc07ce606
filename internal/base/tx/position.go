package tx

import (
	"context"
	"sync/atomic"
)

// Position collects how far in the change feed the writes of one request reach: to the newest event that they left, or
// that they saw. Who has read the feed up to there knows what the request did and what its answer says. It is safe for
// concurrent use, and a nil one takes no notice.
type Position struct{ highest atomic.Int64 }

// Reach notes a position, unless a higher one was noted.
func (p *Position) Reach(position int64) {
	if p == nil {
		return
	}
	for {
		old := p.highest.Load()
		if position <= old || p.highest.CompareAndSwap(old, position) {
			return
		}
	}
}

// Highest is the highest position that was noted; 0 for none.
func (p *Position) Highest() int64 { return p.highest.Load() }

type positionKey struct{}

// WithPosition lets p hear of every write under ctx.
func WithPosition(ctx context.Context, p *Position) context.Context {
	return context.WithValue(ctx, positionKey{}, p)
}

// PositionFrom returns what WithPosition stored, or nil.
func PositionFrom(ctx context.Context) *Position {
	p, _ := ctx.Value(positionKey{}).(*Position)
	return p
}
