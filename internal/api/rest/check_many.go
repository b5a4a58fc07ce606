package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
)

// checkManyLimit is the largest batch of checks in bytes.
const checkManyLimit = 8 << 20

func (h Entitlements) batchRoutes(api *API) {
	post(api, op{
		ID: "checkEntitlements", Path: "/api/v1/entitlements/check", Tag: "Entitlements", Permission: auth.EntitlementBatch,
		Summary:     "Check many entitlements, of any customers",
		Description: "The answers come in the order of the checks.",
		Own:         true, BodyLimit: checkManyLimit,
	}, h.checkMany, data(func(c batchAnswer) batchAnswer { return c }))
}

type checkManyInput struct {
	MinPosition
	Body struct {
		Checks []checkIn `json:"checks" minItems:"1" maxItems:"10000"`
	}
}

type checkIn struct {
	CustomerID      string             `json:"customerId" minLength:"1" maxLength:"255"`
	FeatureID       string             `json:"featureId" minLength:"1" maxLength:"255"`
	ResourceID      string             `json:"resourceId,omitempty" maxLength:"255"`
	RequestedUsage  Given[wantedUsage] `json:"requestedUsage,omitzero" doc:"Metered features: how much more is wanted, as fine as the feature's usage is."`
	RequestedValues []string           `json:"requestedValues,omitempty" doc:"Enum features: the values that are wanted."`
	At              Given[Time]        `json:"at,omitzero" doc:"An instant to come: the answer then, if nobody does anything until then. Default: now."`
	Explain         bool               `json:"explain,omitempty" doc:"Say how the answer came about."`
}

// query takes the check over and names what is wrong with it.
func (in *checkIn) query(c *errs.Checks, path string) entitlement.Query {
	q := entitlement.Query{Customer: in.CustomerID, Feature: in.FeatureID, Resource: in.ResourceID, Explain: in.Explain}
	if text, ok := in.RequestedUsage.Get(); ok {
		q.Ask.RequestedUsage, q.Ask.RequestedScale = text.read(c, path+"requestedUsage")
	}
	q.Ask.RequestedValues = in.RequestedValues
	if at, ok := in.At.Get(); ok {
		q.At = at.Time
	}
	return q
}

// wantedUsage is an amount of usage that somebody asks for, as it is written: it may have decimals.
type wantedUsage string

// UnmarshalJSON keeps the number's text.
func (u *wantedUsage) UnmarshalJSON(b []byte) error { *u = wantedUsage(b); return nil }

// Schema is a number.
func (wantedUsage) Schema(huma.Registry) *huma.Schema {
	least := 0.0
	return &huma.Schema{Type: huma.TypeNumber, Format: "decimal", Minimum: &least}
}

// read is the amount in units of 10^-scale.
func (u wantedUsage) read(c *errs.Checks, path string) (n int64, scale uint8) {
	q, ok := meter.ParseQuantity(string(u))
	switch {
	case !ok:
		c.Shape(path, "must be a number of at most %d decimal places, below 9.2e18", rules.MaxScale)
	case q.Sign() < 0:
		c.Shape(path, "must be at least 0")
	}
	return q.Wanted()
}

// tooFine says what is wrong with usage that is finer than the feature's, which shows once the feature is known.
func tooFine(a *entitlement.Answer) string {
	if !a.Feature.Metered() || a.Ask.RequestedScale <= a.Feature.Scale {
		return ""
	}
	return fmt.Sprintf("must have at most %d decimal places: the usage of %s is no finer", a.Feature.Scale, a.Feature.RefID)
}

func (h Entitlements) checkMany(ctx context.Context, env tenant.ID, in *checkManyInput) (batchAnswer, error) {
	var c errs.Checks
	out := batchAnswer{queries: make([]entitlement.Query, len(in.Body.Checks))}
	for i := range in.Body.Checks {
		out.queries[i] = in.Body.Checks[i].query(&c, fmt.Sprintf("checks[%d].", i))
	}
	if err := c.Err(); err != nil {
		return out, err
	}
	err := h.reach(ctx, in.MinPosition.MinPosition)
	if err != nil {
		return out, err
	}
	if out.answers, err = h.Service.CheckAll(ctx, env, out.queries); err != nil {
		return out, err
	}
	for i := range out.answers {
		if issue := tooFine(&out.answers[i]); issue != "" {
			c.Shape(fmt.Sprintf("checks[%d].requestedUsage", i), "%s", issue)
		}
	}
	return out, c.Err()
}

// batchAnswer are the answers to a batch.
type batchAnswer struct {
	queries []entitlement.Query
	answers []entitlement.Answer
}

// batchCheckBody is the record of one check of a batch.
type batchCheckBody struct {
	CustomerID string `json:"customerId"`
	FeatureID  string `json:"featureId"`
	EntitlementRecord
}

// EntitlementRecord is the record under a name by which it can be embedded.
type EntitlementRecord = featureEntitlementBody

// Schema is a list of records.
func (batchAnswer) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[[]batchCheckBody](), true, "")
}

// MarshalJSON writes the records; appendJSON writes the same.
func (c batchAnswer) MarshalJSON() ([]byte, error) {
	out := make([]batchCheckBody, 0, len(c.answers))
	for i := range c.answers {
		out = append(out, batchCheckBody{c.queries[i].Customer, c.queries[i].Feature, featureEntitlementOf(&c.answers[i], featureType)})
	}
	return json.Marshal(out)
}

func (c batchAnswer) appendJSON(b []byte) []byte {
	b = append(b, '[')
	for i := range c.answers {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"customerId":`...), c.queries[i].Customer)
		b = appendText(append(b, `,"featureId":`...), c.queries[i].Feature)
		b = appendMembers(append(b, ','), &c.answers[i], featureType)
		b = append(b, '}')
	}
	return append(b, ']')
}
