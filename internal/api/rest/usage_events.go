package rest

import (
	"context"
	"fmt"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/usage"
)

// eventsLimit is the largest batch of events, in bytes.
const eventsLimit = 8 << 20

type eventsInput struct {
	Body struct {
		Events []eventIn `json:"events" minItems:"1" maxItems:"1000"`
	}
}

type eventIn struct {
	CustomerID     string       `json:"customerId" minLength:"1" maxLength:"255" format:"customer-ref" doc:"May be unknown: what is counted is found out when it is needed."`
	EventName      string       `json:"eventName" minLength:"1" maxLength:"255"`
	IdempotencyKey string       `json:"idempotencyKey" minLength:"1" maxLength:"255" doc:"An event with the same customer, resource, name, key and timestamp is the same one, for 30 days. Where the timestamp is left out it does not count."`
	ResourceID     Opt[string]  `json:"resourceId,omitzero" maxLength:"255" format:"ref"`
	Timestamp      Opt[Time]    `json:"timestamp,omitzero" doc:"When it happened: it counts in the period of that time. Default: now. At most 30 days ago and an hour ahead."`
	Dimensions     dimensionsIn `json:"dimensions,omitzero"`
}

func (h Usage) events(ctx context.Context, env tenant.ID, in *eventsInput) (usage.Taken, error) {
	list := make([]usage.NewEvent, len(in.Body.Events))
	var c errs.Checks
	for i := range in.Body.Events {
		e := &in.Body.Events[i]
		e.Dimensions.check(&c, fmt.Sprintf("events[%d].dimensions", i))
		list[i] = usage.NewEvent{
			CustomerRef: e.CustomerID, Name: e.EventName, Key: e.IdempotencyKey, Resource: e.ResourceID.Or(""), Dimensions: e.Dimensions.Dimensions,
		}
		if at, ok := e.Timestamp.Get(); ok {
			list[i].At = &at.Time
		}
	}
	if err := c.Err(); err != nil {
		return usage.Taken{}, err
	}
	return h.Service.Ingest(ctx, env, list)
}
