package property

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

var anyPage = page.Request{Limit: 100}

// look compares all rows and events of a database.
type look struct {
	t      *testing.T
	db     *store.DB
	rows   *sql.DB
	events int
}

func newLook(t *testing.T, cfg store.Config, db *store.DB) *look {
	return &look{t: t, db: db, rows: storetest.SQL(t, cfg)}
}

// broken are rows that must not be there. Each row is told as one text.
var broken = []struct{ rule, query string }{
	{"one running trial, one running other and one scheduled subscription per scope", `
		select customer_id || ' ' || product_id || ' ' || resource || ' ' || place from (
			select customer_id, product_id, resource, case status when 'PAYMENT_PENDING' then 'ACTIVE' else status end as place
			from subscriptions where status in ('IN_TRIAL', 'ACTIVE', 'PAYMENT_PENDING', 'NOT_STARTED')) x
		group by customer_id, product_id, resource, place having count(*) > 1`},
	{"a row has the version of its last event", `
		select x.type || ' ' || x.ref_id || ' ' || cast(x.version as text) from (
			select 'customer' as type, ref_id, version from customers union all
			select 'subscription', ref_id, version from subscriptions union all
			select 'product', ref_id, version from products where not is_default) x
		left join (select entity_type, entity_id, max(position) as position from events group by entity_type, entity_id) l
			on l.entity_type = x.type and l.entity_id = x.ref_id
		left join events e on e.position = l.position
		where e.version is null or e.version <> x.version`},
	{"every customer and subscription was created once in the feed", `
		select x.type || ' ' || x.ref_id from (
			select 'customer.created' as type, ref_id from customers union all
			select 'subscription.created', ref_id from subscriptions) x
		left join (select type, entity_id, count(*) as n from events group by type, entity_id) e
			on e.type = x.type and e.entity_id = x.ref_id
		where e.n is null or e.n <> 1`},
	{"the feed speaks of nobody who is not there", `
		select e.type || ' ' || e.entity_id from events e
		left join customers c on c.environment = e.environment and c.ref_id = e.entity_id
		left join subscriptions s on s.environment = e.environment and s.ref_id = e.entity_id
		where e.entity_type = 'customer' and c.id is null or e.entity_type = 'subscription' and s.id is null`},
	{"a trial, and nothing else, has one timer for its end", `
		select s.ref_id || ' ' || s.status from subscriptions s where case s.status when 'IN_TRIAL' then 1 else 0 end <> (
			select count(*) from timers t where t.environment = s.environment and t.subscription_id = s.id and t.kind = 'TRIAL_END'
				and (s.trial_end_date = t.due or s.status <> 'IN_TRIAL'))`},
	{"a trial, and nothing else, is announced", `
		select s.ref_id || ' ' || s.status from subscriptions s where s.status <> 'IN_TRIAL' and exists (
			select 1 from timers t where t.environment = s.environment and t.subscription_id = s.id and t.kind = 'TRIAL_ENDS_SOON')`},
	{"a scheduled subscription, and nothing else, has one timer for its start", `
		select s.ref_id || ' ' || s.status from subscriptions s where case s.status when 'NOT_STARTED' then 1 else 0 end <> (
			select count(*) from timers t where t.environment = s.environment and t.subscription_id = s.id and t.kind = 'SUBSCRIPTION_START')`},
	{"an archived customer has nothing that runs", `
		select s.ref_id || ' ' || s.status from subscriptions s join customers c on c.environment = s.environment and c.id = s.customer_id
		where c.archived_at is not null and s.status not in ('CANCELED', 'EXPIRED')`},
	{"nothing that has begun ends before it began", `
		select s.ref_id || ' ' || s.status || ' ' || cast(s.start_date as text) || ' to ' || cast(s.end_date as text)
		from subscriptions s
		join (select distinct entity_id from events where type in ('subscription.trial_started', 'subscription.started')) e
			on e.entity_id = s.ref_id
		where s.end_date < s.start_date`},
}

// everything looks at all rows, replays the feed and runs the product's own verification.
func (l *look) everything(told *log) {
	l.t.Helper()
	for _, b := range broken {
		for _, row := range storetest.Rows(l.t, l.rows, b.query) {
			l.t.Errorf("%s: %s", b.rule, row[0])
		}
	}
	l.replay(told)
	report, err := l.db.Verify(l.t.Context(), env)
	must(l.t, err)
	for _, f := range report.Findings {
		l.t.Errorf("verify: %+v", f)
	}
}

// replay reads the whole feed: every version of every entity is told, none before an earlier one, whatever a writer was
// told is among them, and the clock only moves forward.
func (l *look) replay(told *log) {
	l.t.Helper()
	versions := map[change]bool{}
	last := map[event.Entity]int64{}
	var position int64
	var clock time.Time
	l.events = 0
	for _, e := range feed(l.t, l.db) {
		l.events++
		if e.Position <= position {
			l.t.Errorf("position %d follows %d", e.Position, position)
		}
		position = e.Position
		before, known := last[e.Entity]
		if known && (e.Version < before || e.Version > before+1) {
			l.t.Errorf("%s %s: version %d follows %d", e.Entity.Type, e.Entity.ID, e.Version, before)
		}
		last[e.Entity] = e.Version
		if e.Type == "environment.clock_moved" {
			if e.At.Before(clock) {
				l.t.Errorf("the clock moved from %s back to %s", clock, e.At)
			}
			clock = e.At
		}
		versions[change{e.Entity.Type, e.Entity.ID, e.Version}] = true
	}
	for c := range told.changes {
		if !versions[c] {
			l.t.Errorf("a writer was told version %d of %s %s, which the feed does not have", c.version, c.entity, c.ref)
		}
	}
	for ref, n := range told.firsts {
		if n != 1 {
			l.t.Errorf("%d writers were told that they made %s", n, ref)
		}
	}
}

// feed reads all events of the environment once they are final.
func feed(t *testing.T, db *store.DB) (list []event.Event) {
	t.Helper()
	ctx := context.Background()
	var head int64
	must(t, db.Read(ctx, env, func(st *store.Tx, _ time.Time) (err error) {
		head, err = st.FeedHead(ctx)
		return err
	}))
	must(t, db.AwaitFinal(ctx, head-1))
	must(t, db.Read(ctx, env, func(st *store.Tx, _ time.Time) (err error) {
		list, err = st.Events(ctx, env, 0, head, 1<<20)
		return err
	}))
	return list
}
