package provisioning

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
)

const (
	// dueBatch is how many timers a job claims at once.
	dueBatch = 100
	// dueLease is for how long, in machine time, other nodes leave claimed timers alone: also the pause
	// after a failure.
	dueLease = 30 * time.Second
)

// SettleDue applies timers that are due in an environment and reports how many customers it settled. It claims them
// under a lease first, so that two nodes do not work on the same ones; a node that dies loses its claim.
func (s *Service) SettleDue(ctx context.Context, env tenant.ID) (settled int, err error) {
	ctx = event.WithActor(ctx, byTimer)
	if n, err := s.Overdue(ctx, env); err != nil || n == 0 {
		return 0, err
	}
	due, err := tx.Do(ctx, s.db, env, func(st Store, now time.Time) ([]string, error) {
		return st.ClaimDue(ctx, env, now, st.MachineNow().Add(dueLease), dueBatch)
	})
	if err != nil {
		return 0, err
	}
	for _, ref := range due {
		if ctx.Err() != nil {
			return settled, ctx.Err()
		}
		if e := s.Settle(ctx, env, ref); e != nil {
			err = e // its timers are tried again when the lease ends; the others go on
			continue
		}
		settled++
	}
	return settled, err
}

// Overdue counts the timers of an environment that are due now.
func (s *Service) Overdue(ctx context.Context, env tenant.ID) (int64, error) {
	return tx.Get(ctx, s.db, env, func(st Store, now time.Time) (int64, error) { return st.CountTimers(ctx, env, now) })
}
