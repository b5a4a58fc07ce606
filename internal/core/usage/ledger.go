package usage

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
)

// keyTime is how long an idempotency key of a report is remembered (domain-entitlements-usage §5.2).
const keyTime = 24 * time.Hour

// ledger is one transaction's counters, whose rows are held.
type ledger struct {
	*Service
	ctx     context.Context
	st      Store
	env     tenant.ID
	now     time.Time
	catalog *catalog.Snapshot
	held    map[Wanted]Locked
	tallies map[Wanted]*tally
	order   []*tally
	seen    map[seenKey]Recorded
	checks  errs.Checks
}

// tally is one counter on its way.
type tally struct {
	meter.Counter
	customerRef, featureRef string
	row                     *rules.Row
	origin                  rules.Origin
	changed                 bool
}

type seenKey struct{ customer, feature, resource, key string }

func (s *Service) open(ctx context.Context, st Store, env tenant.ID, now time.Time, list []Report, answers []entitlement.Answer) (*ledger, error) {
	l := &ledger{
		Service: s, ctx: ctx, st: st, env: env, now: now, tallies: map[Wanted]*tally{}, seen: map[seenKey]Recorded{},
	}
	var err error
	if l.catalog, err = st.Catalog(ctx, env); err != nil {
		return nil, err
	}
	var want []Wanted
	for i := range list {
		w := wanted(&list[i], answers[i])
		if _, there := l.tallies[w]; !there {
			l.tallies[w] = nil
			want = append(want, w)
		}
	}
	if l.held, err = st.LockCounters(ctx, env, want); err != nil || len(l.held) == len(want) {
		return l, err
	}
	st.MakeCounters(env, want)
	l.held, err = st.LockCounters(ctx, env, want)
	return l, err
}

// tally is the counter that a report changes, for the window of now.
func (l *ledger) tally(w Wanted, customerRef, path string, a entitlement.Answer) (*tally, error) {
	if t := l.tallies[w]; t != nil {
		return t, nil
	}
	f, ok := l.catalog.FeatureByID(w.FeatureID)
	if !ok {
		return nil, catalog.ErrFeatureNotFound.At(path+"featureId", "there is no such feature")
	}
	if f.Meter != nil {
		return nil, ErrHasMeter.At(path+"featureId", "usage of %s is counted from events: send those", f.RefID)
	}
	held, ok := l.held[w]
	if !ok {
		return nil, customer.ErrNotFound
	}
	t := &tally{customerRef: customerRef, featureRef: f.RefID, row: &a.Entitlement.Row, origin: a.Origin}
	window := t.row.Reset.Period(t.origin, l.now.UnixMicro())
	stored := held.Counter
	subject := meter.Subject{Key: stored.Key, CustomerRef: customerRef, Feature: f}
	var err error
	t.Counter, _, err = meter.Count(l.ctx, l.st, l.env, subject, window, &stored)
	l.tallies[w] = t
	l.order = append(l.order, t)
	return t, err
}

// record takes one report in.
func (l *ledger) record(r *Report, a entitlement.Answer, path string) (Recorded, error) {
	t, err := l.tally(wanted(r, a), r.CustomerRef, path, a)
	if err != nil {
		return Recorded{}, err
	}
	if old, ok, err := l.repeated(r, t, path); ok || err != nil {
		return old, err
	}
	value, _ := r.Value.In(t.row.Scale)
	m := Measurement{
		ID: l.ids.New(), Counter: t.Key, At: l.instant(t), Behavior: r.Behavior, Value: value, Dimensions: r.Dimensions,
		Reported: r.Resource, Key: r.Key, Window: t.Window, RecordedAt: l.clock.Now().UnixMicro(),
	}
	if r.Key != "" {
		m.Content = r.content()
	}
	if r.At != nil {
		if m.At = r.At.UnixMicro(); r.At.After(l.now.Add(MaxAhead)) {
			l.checks.Rule(path+"createdAt", "must not be more than %d minutes ahead", int(MaxAhead/time.Minute))
		}
	}
	if err := l.apply(t, &m, path); err != nil {
		return Recorded{}, err
	}
	out := Recorded{Measurement: m, CustomerRef: r.CustomerRef, FeatureRef: t.featureRef, Row: t.row}
	if r.Key != "" {
		l.seen[seenKey{r.CustomerRef, t.FeatureID, r.Resource, r.Key}] = out
	}
	return out, nil
}

// instant is now as far as a counter goes: where a change of the plan has set usage back at this instant, after it.
func (l *ledger) instant(t *tally) int64 {
	now := l.now.UnixMicro()
	if t.origin.Cut {
		now = max(now, t.origin.Anchor)
	}
	return now
}

// repeated finds what an idempotency key has recorded already.
func (l *ledger) repeated(r *Report, t *tally, path string) (Recorded, bool, error) {
	if r.Key == "" {
		return Recorded{}, false, nil
	}
	old, ok := l.seen[seenKey{r.CustomerRef, t.FeatureID, r.Resource, r.Key}]
	if !ok {
		m, found, err := l.st.Repeats(l.ctx, l.env, t.CustomerID, t.FeatureID, r.Resource, r.Key, l.clock.Now().Add(-keyTime))
		if err != nil || !found {
			return old, false, err
		}
		old = Recorded{Measurement: m, CustomerRef: r.CustomerRef, FeatureRef: t.featureRef, Row: t.row}
	}
	if old.Content != r.content() {
		return old, true, errs.IdempotencyKeyReused.At(path+"idempotencyKey", "was used for another report")
	}
	old.Repeated = true
	return old, true, nil
}

// apply works out what a measurement changes, and queues it. It counts in the period that contains its time: the total
// changes only if that is the present one (domain-entitlements-usage §5.2 step 6).
func (l *ledger) apply(t *tally, m *Measurement, path string) error {
	window, total := t.Window, t.Value
	if !window.Contains(m.At) {
		window = t.row.Reset.Containing(t.origin, m.At)
		var err error
		if total, _, err = l.st.Measured(l.ctx, l.env, t.Key, window); err != nil {
			return err
		}
	}
	m.Delta = m.Value
	correctAt, corrected := int64(0), false
	if m.Behavior == Set {
		until := total
		if m.At < l.instant(t) {
			var err error
			if until, err = l.st.MeasuredUntil(l.ctx, l.env, t.Key, window, m.At); err != nil {
				return err
			}
			if correctAt, corrected, err = l.st.NextSet(l.ctx, l.env, t.Key, window, m.At); err != nil {
				return err
			}
		}
		m.Delta = m.Value - until
	}
	after := total
	if !corrected {
		var ok bool
		if after, ok = grow(total, m.Delta); !ok {
			l.checks.Named(ErrOutOfRange, path+"value", "the total would not stay between 0 and what can be counted")
			return nil
		}
	}
	if window == t.Window {
		t.Value = after
	}
	t.Last, t.changed = max(t.Last, m.At), true
	m.Total = t.Value
	l.st.InsertMeasurement(l.env, *m)
	if corrected {
		c := *m
		c.ID, c.At, c.Behavior, c.Delta, c.Key, c.Content = l.ids.New(), correctAt, Correction, -m.Delta, "", ""
		l.st.InsertMeasurement(l.env, c)
	}
	return nil
}

// save queues the counters and tells of them.
func (l *ledger) save() {
	for _, t := range l.order {
		if !t.changed {
			continue
		}
		t.Version++
		l.st.SaveCounter(l.env, t.Counter)
		l.st.Append(l.env, t.Event(t.customerRef, t.featureRef, t.row))
	}
}
