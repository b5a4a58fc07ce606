package usage

import (
	"context"
	"math"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/core/subscription"
)

// HistoryStore is what the history of usage needs from a transaction.
type HistoryStore interface {
	// UsageResets are the changes that have set usage of a customer or resource back from an instant on and before
	// another one, the oldest first.
	UsageResets(ctx context.Context, env tenant.ID, customerRef, resource string, from, to int64) ([]subscription.UsageReset, error)
	// EachMeasurement visits the measurements of a counter in a window, the oldest first.
	EachMeasurement(ctx context.Context, env tenant.ID, counter Wanted, window rules.Span, visit func(at, delta int64, d meter.Dimensions)) error
	// EachEventInOrder is EachEvent, the oldest first.
	EachEventInOrder(ctx context.Context, env tenant.ID, customerRef, resource string, window rules.Span, visit func(*meter.Event)) error
}

// HistoryQuery asks for the history of a feature.
type HistoryQuery struct {
	CustomerRef string
	FeatureRef  string
	Resource    string // refId; "" for the customer itself
	GroupBy     string // a dimension; "" for none
	Start       time.Time
	End         *time.Time // not part of it; nil for now, which is
}

const (
	// MaxHistory is how many years a history may be about.
	MaxHistory = 5
	day        = 24 * time.Hour
	// instantly is how long now is where it is part of a history: as exactly as callers can tell.
	instantly = time.Millisecond
)

// History is what was used of a feature over time. A customer whose subscription no longer gives the feature still has
// one, of a single period: nobody knows any more when its usage began again.
func (s *Service) History(ctx context.Context, env tenant.ID, q HistoryQuery) (History, error) {
	a, err := s.entitlements.Effective(ctx, env, q.CustomerRef, q.FeatureRef, q.Resource)
	if err != nil {
		return History{}, err
	}
	if err := q.refuse(a); err != nil {
		return History{}, err
	}
	return tx.Get(ctx, s.db, env, func(st Store, now time.Time) (History, error) {
		within, err := q.within(now)
		if err != nil {
			return History{}, err
		}
		c, err := st.Catalog(ctx, env)
		if err != nil {
			return History{}, err
		}
		f, ok := c.FeatureByID(a.Feature.ID)
		if !ok {
			return History{}, catalog.ErrFeatureNotFound.At("featureId", "there is no feature %s", q.FeatureRef)
		}
		return q.read(ctx, st, env, f, a, within)
	})
}

func (q *HistoryQuery) refuse(a entitlement.Answer) error {
	switch {
	case a.Reason == rules.CustomerNotFound || a.Reason == rules.CustomerIsArchived:
		return customer.ErrNotFound.At("customerId", "there is no customer %s", q.CustomerRef)
	case a.Reason == rules.CustomerResourceNotFound:
		return ErrNoResource.At("resourceId", "the customer %s has no resource %s", q.CustomerRef, q.Resource)
	case a.Feature.RefID == "":
		return catalog.ErrFeatureNotFound.At("featureId", "there is no feature %s", q.FeatureRef)
	case !a.Feature.Metered():
		return catalog.ErrMeteringNotAvailable.At("featureId", "usage of %s is not counted", q.FeatureRef)
	}
	return nil
}

// within is the range: of up to 2 days by the hour, of up to 90 days by the day, else by the month. What is still to come
// is no history, whatever its end.
func (q *HistoryQuery) within(now time.Time) (Range, error) {
	now = now.Add(instantly)
	end := now
	if q.End != nil {
		end = *q.End
	}
	var c errs.Checks
	switch {
	case q.End == nil && !end.After(q.Start):
		c.Rule("startDate", "must not be after now")
	case !end.After(q.Start):
		c.Rule("endDate", "must be after startDate")
	case end.Add(-instantly).After(q.Start.AddDate(MaxHistory, 0, 0)):
		c.Rule("startDate", "must be at most %d years before endDate", MaxHistory)
	}
	r := Range{Span: rules.Span{Start: q.Start.UnixMicro(), End: min(end.UnixMicro(), now.UnixMicro())}}
	switch length := end.Sub(q.Start) - instantly; {
	case length <= 2*day:
		r.Bucket = rules.Reset{Unit: rules.Hour}
	case length <= 90*day:
		r.Bucket = rules.Reset{Unit: rules.Day}
	default:
		r.Bucket = rules.Reset{Unit: rules.Month, Calendar: true}
	}
	return r, c.Err()
}

func (q *HistoryQuery) read(ctx context.Context, st Store, env tenant.ID, f *catalog.Feature, a entitlement.Answer, within Range) (History, error) {
	row, counter := formerRow(f), Wanted{CustomerRef: q.CustomerRef, Resource: q.Resource, FeatureID: f.ID}
	var resets []subscription.UsageReset
	if a.Entitlement != nil {
		row, counter.Resource = &a.Entitlement.Row, a.Scope
		var err error
		if resets, err = st.UsageResets(ctx, env, q.CustomerRef, counter.Resource, math.MinInt64, math.MaxInt64); err != nil {
			return History{}, err
		}
	}
	periods := NewPeriods(row.Reset, a.Origin, resets)
	var m *meter.Meter
	if f.Meter != nil {
		m = meter.Compile(*f.Meter)
	}
	fold := NewFold(periods, within, row, m, q.GroupBy)
	var err error
	switch {
	case within.Start >= within.End: // all of it is still to come
	case m != nil:
		err = st.EachEventInOrder(ctx, env, q.CustomerRef, counter.Resource, fold.Span(), fold.Event)
	default:
		err = st.EachMeasurement(ctx, env, counter, fold.Span(), fold.Measurement)
	}
	if err != nil {
		return History{}, err
	}
	if fold.Full() {
		return History{}, errs.InvalidArgument.At("groupBy", "has more than %d values: choose a dimension with fewer, or none", MaxSeries)
	}
	return fold.History(), nil
}

// formerRow tells how usage of a feature that nothing gives any more is shown.
func formerRow(f *catalog.Feature) *rules.Row {
	row := &rules.Row{Type: rules.Number, Scale: f.Scale}
	if t := f.Transformation; t != nil {
		row.Divide, row.RoundDown = t.Divide, t.Round == "DOWN"
	}
	return row
}
