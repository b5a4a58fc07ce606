package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	tailBusy  = 5 * time.Millisecond   // between polls while writers are under way
	tailSlow  = 20 * time.Millisecond  // the same, when they are long under way
	tailIdle  = 250 * time.Millisecond // between polls when nobody called
	tailRetry = time.Second
	pollTime  = 5 * time.Second // for one poll
	firstTime = 5 * time.Second // for the first mark
	// markCount bounds the marks that wait: behind a long transaction there would be one for every poll.
	markCount = 64
)

// mark is a position that is final once the transactions that were open when it was read are gone.
type mark struct {
	position int64
	open     map[string]bool
}

// final waits until the transactions that are open now are gone. The head of the sequence alone would not do: another
// node may have taken a position below it and not committed yet.
func (e *postgresEngine) final(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, firstTime)
	defer cancel()
	marks, err := e.poll(limited, nil, false)
	for err == nil && len(marks) > 0 && e.db.Final() == 0 && pause(limited, tailBusy) {
		marks, err = e.poll(limited, marks, false)
	}
	if ctx.Err() == nil && limited.Err() != nil {
		e.db.log.Warn("an old transaction holds up the change feed")
		return nil
	}
	return err
}

// tail reads the head of the sequence and then the transactions of our role that are open: when those are gone, every
// position up to that head is committed or never will be (storage.md 4).
func (e *postgresEngine) tail(ctx context.Context) {
	called := make(chan struct{}, 1)
	e.wg.Go(func() { e.listen(ctx, called) })
	e.wg.Go(func() { e.statistics(ctx) })
	var marks []mark
	stuck := 0 // polls without progress
	for wrote := false; ; {
		before := e.db.Final()
		next, err := e.poll(ctx, marks, wrote)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			e.db.log.Warn("feed tailer", "error", err)
		}
		marks, wrote = next, false
		if stuck++; len(marks) == 0 || e.db.Final() > before {
			stuck = 0
		}
		wait := tailBusy
		switch {
		case err != nil:
			wait = tailRetry
		case len(marks) == 0:
			// Let a burst of commits gather, then wait to be called.
			pause(ctx, tailBusy)
			wait = e.idle
		case stuck > 50:
			wait = tailSlow
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-e.db.feed.wake:
			wrote = true
			if len(marks) > 0 {
				pause(ctx, tailBusy)
			}
		case <-called:
		}
		timer.Stop()
	}
}

// pause waits; false when ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// poll looks once and returns the marks that are still waiting. After a commit of this process it also wakes the
// tailers of other nodes: NOTIFY inside a writing transaction would make commits wait for each other.
func (e *postgresEngine) poll(ctx context.Context, marks []mark, wrote bool) ([]mark, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTime)
	defer cancel()
	b := &pgx.Batch{}
	b.Queue(`select case when is_called then last_value else 0 end from event_position`)
	b.Queue(`
		select backend_xid::text from pg_stat_activity
		where usename = current_user and datname = current_database() and backend_xid is not null and pid <> pg_backend_pid()`)
	if wrote {
		b.Queue(`select pg_notify('purser_feed', '')`)
	}
	br := e.side.SendBatch(ctx, b)
	defer func() { _ = br.Close() }()
	var head int64
	if err := br.QueryRow().Scan(&head); err != nil {
		return marks, err
	}
	r, err := br.Query()
	if err != nil {
		return marks, err
	}
	xids, err := pgx.CollectRows(r, pgx.RowTo[string])
	if err != nil {
		return marks, err
	}
	open := make(map[string]bool, len(xids))
	for _, x := range xids {
		open[x] = true
	}
	marks, final := settleMarks(marks, head, open, e.db.Final())
	e.db.feed.advanceTo(final)
	return marks, nil
}

// settleMarks drops what is gone from every mark and adds one for a head that is new. It returns the marks that still
// wait, in order, and the position that is final now.
func settleMarks(marks []mark, head int64, open map[string]bool, final int64) (left []mark, settled int64) {
	if len(open) == 0 {
		return nil, max(head, final)
	}
	newest := final
	for _, m := range marks {
		for x := range m.open {
			if !open[x] {
				delete(m.open, x)
			}
		}
		newest = m.position
		if len(m.open) == 0 && len(left) == 0 {
			final = m.position
		} else {
			left = append(left, m)
		}
	}
	if head > newest && len(left) < markCount {
		left = append(left, mark{head, open})
	}
	return left, final
}

// listen passes on the calls of other nodes. Without it the tailer still polls.
func (e *postgresEngine) listen(ctx context.Context, called chan<- struct{}) {
	for ctx.Err() == nil {
		conn, err := e.side.Acquire(ctx)
		if err == nil {
			_, err = conn.Exec(ctx, `listen purser_feed`)
			for err == nil {
				if _, err = conn.Conn().WaitForNotification(ctx); err == nil {
					select {
					case called <- struct{}{}:
					default:
					}
				}
			}
			_ = conn.Conn().Close(context.WithoutCancel(ctx))
			conn.Release()
		}
		pause(ctx, tailRetry)
	}
}
