package rest

import (
	"context"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/usage"
)

const usageHistoryText = "Totals run within a usage period. A point is the total at the end of a bucket in which something happened, " +
	"or at endDate: buckets are hours for up to 2 days, days for up to 90 days, else months, all of UTC. Where a period ends inside a " +
	"bucket, the point is of the period that goes on. Markers tell when usage began again at 0. A customer whose subscription no longer " +
	"gives the feature still has a history, without resets."

type usageHistoryInput struct {
	CustomerID string `path:"customerId"`
	FeatureID  string `path:"featureId"`
	StartDate  Time   `query:"startDate" required:"true"`
	EndDate    Time   `query:"endDate" doc:"Not part of the history itself. Default: now, which is. At most 5 years after startDate."`
	ResourceID string `query:"resourceId"`
	GroupBy    string `query:"groupBy" minLength:"1" maxLength:"255" doc:"A dimension: one series for each of its values, of which there may be 1,000. What lacks it has the value \"\"."`
}

func (h Usage) history(ctx context.Context, env tenant.ID, in *usageHistoryInput) (usage.History, error) {
	q := usage.HistoryQuery{
		CustomerRef: in.CustomerID, FeatureRef: in.FeatureID, Resource: in.ResourceID, GroupBy: in.GroupBy, Start: in.StartDate.Time,
	}
	if !in.EndDate.IsZero() {
		q.End = &in.EndDate.Time
	}
	return h.Service.History(ctx, env, q)
}

type usageHistoryBody struct {
	Markers []usageMarkerBody `json:"markers" doc:"The oldest first."`
	Series  []usageSeriesBody `json:"series" doc:"By the value of their tag."`
}

type usageMarkerBody struct {
	Timestamp Time   `json:"timestamp"`
	Type      string `json:"type" enum:"PERIODIC_RESET,SUBSCRIPTION_CHANGE_RESET"`
}

type usageSeriesBody struct {
	Tags   []usageTagBody   `json:"tags" doc:"Empty without groupBy."`
	Points []usagePointBody `json:"points" doc:"The oldest first."`
}

type usageTagBody struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type usagePointBody struct {
	Timestamp    Time         `json:"timestamp" doc:"The start of the bucket, which can be before startDate."`
	Value        meter.Amount `json:"value" doc:"In the units in which the limit is."`
	IsResetPoint bool         `json:"isResetPoint" doc:"The first point of a period after another."`
}

func usageHistoryOf(h usage.History) usageHistoryBody {
	b := usageHistoryBody{Markers: make([]usageMarkerBody, 0, len(h.Markers)), Series: make([]usageSeriesBody, 0, len(h.Series))}
	for _, m := range h.Markers {
		kind := "PERIODIC_RESET"
		if m.Changed {
			kind = "SUBSCRIPTION_CHANGE_RESET"
		}
		b.Markers = append(b.Markers, usageMarkerBody{µs(m.At), kind})
	}
	for _, s := range h.Series {
		one := usageSeriesBody{Tags: []usageTagBody{}, Points: make([]usagePointBody, 0, len(s.Points))}
		if h.GroupBy != "" {
			one.Tags = append(one.Tags, usageTagBody{h.GroupBy, s.Tag})
		}
		for _, p := range s.Points {
			one.Points = append(one.Points, usagePointBody{µs(p.At), meter.Amount{N: p.Value, Scale: h.Scale}, p.Reset})
		}
		b.Series = append(b.Series, one)
	}
	return b
}
