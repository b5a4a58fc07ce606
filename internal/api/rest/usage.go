package rest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/usage"
)

// Usage are the routes that record what customers use.
type Usage struct{ Service *usage.Service }

func (h Usage) routes(api *API) {
	post(api, created(op{
		ID: "reportUsage", Path: "/api/v1/usage", Tag: "Usage", Permission: auth.UsageWrite,
		Summary: "Report what customers have used",
		Description: "All reports are recorded, in order, or none. A report that goes past a limit is recorded: ask first, or consume. " +
			"A repeated idempotencyKey counts once for 24 hours.",
	}), h.report, data(recordedOf))
	post(api, op{
		ID: "reportEvents", Path: "/api/v1/events", Tag: "Usage", Permission: auth.UsageWrite, BodyLimit: eventsLimit,
		Summary: "Send raw events, which meters count",
		Description: "When it is answered the events are stored and counted. Events that came before are left out. Events of unknown customers, " +
			"or that no meter counts, are kept: a meter that is changed counts the stored ones again.",
	}, h.events, data(func(t usage.Taken) usage.Taken { return t }))
	post(api, own(op{
		ID: "consumeUsage", Path: "/api/v1/usage/consume", Tag: "Usage", Permission: auth.UsageWrite,
		Summary: "Check and record in one step",
		Description: "What is granted has been recorded, what is denied has not. Of callers that race for the last units exactly as many are " +
			"admitted as there are units. A denial is an answer with a reason, not an error.",
	}), h.consume, data(consumedOf))
	get(api, op{
		ID: "getUsageHistory", Path: "/api/v1/usage/{customerId}/history/{featureId}", Tag: "Usage", Permission: auth.UsageRead,
		Summary: "Show what a customer has used of a feature over time", Description: usageHistoryText,
	}, h.history, data(usageHistoryOf))
}

// quantityIn is an amount of usage: a JSON number, read from its text.
type quantityIn struct{ meter.Quantity }

// Schema is a number of at most six decimal places.
func (quantityIn) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Format: "usage"}
}

// UnmarshalJSON reads what the format usage has let through.
func (q *quantityIn) UnmarshalJSON(b []byte) (err error) {
	var ok bool
	if q.Quantity, ok = meter.ParseQuantity(string(b)); !ok {
		err = errs.BadUserInput
	}
	return err
}

func usageIssue(s string) string {
	if _, ok := meter.ParseQuantity(s); !ok {
		return "must be a number of ordinary size with at most 6 decimal places"
	}
	return ""
}

// dimensionsIn keeps what is wrong with dimensions until somebody can say where they are.
type dimensionsIn struct {
	meter.Dimensions
	err error
}

// Schema is a flat object.
func (dimensionsIn) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: &huma.Schema{}, Description: "Strings, numbers and booleans by name."}
}

// UnmarshalJSON reads a flat object.
func (d *dimensionsIn) UnmarshalJSON(b []byte) error {
	d.err = d.Dimensions.UnmarshalJSON(b)
	return nil
}

// check records what is wrong.
func (d *dimensionsIn) check(c *errs.Checks, path string) {
	var wrong *meter.DimensionsError
	switch {
	case errors.As(d.err, &wrong):
		for _, f := range wrong.Fields {
			c.Shape(path+"."+f.Path, "%s", f.Issue)
		}
	case d.err != nil:
		c.Shape(path, "%s", d.err.Error())
	}
}

type reportInput struct {
	Body struct {
		Usages []reportIn `json:"usages" minItems:"1" maxItems:"100"`
	}
}

type reportIn struct {
	CustomerID     string       `json:"customerId" minLength:"1" maxLength:"255" format:"customer-ref"`
	FeatureID      string       `json:"featureId" minLength:"1" maxLength:"255" format:"ref"`
	ResourceID     Opt[string]  `json:"resourceId,omitzero" maxLength:"255" format:"ref"`
	Value          quantityIn   `json:"value" doc:"In the feature's own units; finer than its scale is refused."`
	UpdateBehavior string       `json:"updateBehavior,omitempty" enum:"DELTA,SET" doc:"DELTA adds, SET replaces the total. Default: DELTA."`
	CreatedAt      Opt[Time]    `json:"createdAt,omitzero" doc:"When it happened: it counts in the period of that time. Default: now. At most 5 minutes ahead."`
	IdempotencyKey Opt[string]  `json:"idempotencyKey,omitzero" minLength:"1" maxLength:"255"`
	Dimensions     dimensionsIn `json:"dimensions,omitzero"`
}

func (h Usage) report(ctx context.Context, env tenant.ID, in *reportInput) ([]usage.Recorded, error) {
	list := make([]usage.Report, len(in.Body.Usages))
	var c errs.Checks
	for i := range in.Body.Usages {
		r := &in.Body.Usages[i]
		r.Dimensions.check(&c, fmt.Sprintf("usages[%d].dimensions", i))
		list[i] = usage.Report{
			CustomerRef: r.CustomerID, FeatureRef: r.FeatureID, Resource: r.ResourceID.Or(""), Value: r.Value.Quantity, Behavior: r.UpdateBehavior,
			Key: r.IdempotencyKey.Or(""), Dimensions: r.Dimensions.Dimensions,
		}
		if r.UpdateBehavior == "" {
			list[i].Behavior = usage.Delta
		}
		if at, ok := r.CreatedAt.Get(); ok {
			list[i].At = &at.Time
		}
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	return h.Service.Report(ctx, env, list)
}

type recordedBody struct {
	ID               string       `json:"id"`
	CustomerID       string       `json:"customerId"`
	FeatureID        string       `json:"featureId"`
	ResourceID       Opt[string]  `json:"resourceId"`
	Value            meter.Amount `json:"value"`
	Timestamp        Time         `json:"timestamp" doc:"When it happened."`
	CreatedAt        Time         `json:"createdAt" doc:"When it was recorded."`
	CurrentUsage     meter.Amount `json:"currentUsage" doc:"The total of the present period after this report, in the units in which the limit is."`
	UsagePeriodStart Opt[Time]    `json:"usagePeriodStart" doc:"Null when usage never resets."`
	UsagePeriodEnd   Opt[Time]    `json:"usagePeriodEnd"`
	NextResetDate    Opt[Time]    `json:"nextResetDate" doc:"The same as usagePeriodEnd."`
}

// recordedList writes itself without reflection: every product reports usage.
type recordedList []recordedBody

func recordedOf(list []usage.Recorded) recordedList {
	out := make(recordedList, 0, len(list))
	for i := range list {
		r := &list[i]
		b := recordedBody{
			ID: r.ID, CustomerID: r.CustomerRef, FeatureID: r.FeatureRef, ResourceID: FromPtr(named(r.Reported)),
			Value: meter.Amount{N: r.Value, Scale: r.Row.Scale}, Timestamp: µs(r.At), CreatedAt: µs(r.RecordedAt), CurrentUsage: r.Current(),
			UsagePeriodStart: boundary(meter.Instant(r.Window.Start)), UsagePeriodEnd: boundary(meter.Instant(r.Window.End)),
		}
		b.NextResetDate = b.UsagePeriodEnd
		out = append(out, b)
	}
	return out
}

func named(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func boundary(t *time.Time) Opt[Time] {
	if t == nil {
		return Null[Time]()
	}
	return Some(At(*t))
}

func (l recordedList) appendJSON(b []byte) []byte {
	b = append(b, '[')
	for i := range l {
		if i > 0 {
			b = append(b, ',')
		}
		b = l[i].appendJSON(b)
	}
	return append(b, ']')
}

func (r *recordedBody) appendJSON(b []byte) []byte {
	b = appendText(append(b, `{"id":`...), r.ID)
	b = appendText(append(b, `,"customerId":`...), r.CustomerID)
	b = appendText(append(b, `,"featureId":`...), r.FeatureID)
	b = appendOpt(b, `,"resourceId":`, r.ResourceID)
	b = meter.AppendNumber(append(b, `,"value":`...), r.Value.N, r.Value.Scale)
	b = appendTime(b, `,"timestamp":"`, r.Timestamp.Time)
	b = appendTime(b, `,"createdAt":"`, r.CreatedAt.Time)
	b = meter.AppendNumber(append(b, `,"currentUsage":`...), r.CurrentUsage.N, r.CurrentUsage.Scale)
	b = appendOptTime(b, `,"usagePeriodStart":`, r.UsagePeriodStart)
	b = appendOptTime(b, `,"usagePeriodEnd":`, r.UsagePeriodEnd)
	b = appendOptTime(b, `,"nextResetDate":`, r.NextResetDate)
	return append(b, '}')
}

type consumeInput struct {
	Body struct {
		CustomerID     string       `json:"customerId" minLength:"1" maxLength:"255" format:"customer-ref"`
		FeatureID      string       `json:"featureId" minLength:"1" maxLength:"255" format:"ref"`
		Amount         quantityIn   `json:"amount" doc:"More than 0."`
		ResourceID     Opt[string]  `json:"resourceId,omitzero" maxLength:"255" format:"ref"`
		IdempotencyKey Opt[string]  `json:"idempotencyKey,omitzero" minLength:"1" maxLength:"255" doc:"A repeated grant is granted again and counts once; denials are not remembered."`
		Dimensions     dimensionsIn `json:"dimensions,omitzero"`
	}
}

func (h Usage) consume(ctx context.Context, env tenant.ID, in *consumeInput) (entitlement.Answer, error) {
	b := &in.Body
	var c errs.Checks
	b.Dimensions.check(&c, "dimensions")
	if err := c.Err(); err != nil {
		return entitlement.Answer{}, err
	}
	return h.Service.Consume(ctx, env, usage.Report{
		CustomerRef: b.CustomerID, FeatureRef: b.FeatureID, Resource: b.ResourceID.Or(""), Value: b.Amount.Quantity,
		Key: b.IdempotencyKey.Or(""), Dimensions: b.Dimensions.Dimensions,
	})
}

func consumedOf(a entitlement.Answer) featureEntitlementBody {
	return featureEntitlementOf(&a, featureType)
}
