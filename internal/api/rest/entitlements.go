package rest

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/rules"
)

// Entitlements are the routes that say what a customer may use.
type Entitlements struct {
	Service *entitlement.Service
	Reads
}

func (h Entitlements) routes(api *API) {
	const path = "/api/v1/customers/{id}/entitlements"
	get(api, op{
		ID: "listEntitlements", Path: path, Tag: "Entitlements", Permission: auth.EntitlementRead,
		Summary: "List what a customer, or one of its resources, may use",
	}, h.list, data(entitlementsOf))
	raw[checkInput, featureEntitlementBody](api, op{
		ID: "checkEntitlement", Path: path + "/check", Tag: "Entitlements", Permission: auth.EntitlementRead,
		Summary:     "Check whether a customer may use a feature",
		Description: "Exactly one of featureId and currencyId. A denial is an answer with a reason, not an error.",
	}, h.check)
	raw[snapshotInput, snapshotBody](api, own(op{
		ID: "getEntitlementsSnapshot", Path: path + "/snapshot", Tag: "Entitlements", Permission: auth.EntitlementRead,
		Summary: "Read the compiled state that a caching client decides checks with",
		Description: "The answer has an ETag; If-None-Match with it answers 304. Usage is in it, and a change of usage changes the ETag. " +
			"An unknown customer is an answer with a reason.",
	}), h.snapshot)
	h.batchRoutes(api)
}

type listEntitlementsInput struct {
	ID         string `path:"id"`
	ResourceID string `query:"resourceId"`
	MinPosition
}

type entitlementsBody struct {
	AccessDeniedReason Opt[string]         `json:"accessDeniedReason" enum:"CustomerNotFound,NoActiveSubscription,CustomerIsArchived"`
	Entitlements       featureEntitlements `json:"entitlements"`
}

func (h Entitlements) list(ctx context.Context, env tenant.ID, in *listEntitlementsInput) (entitlement.List, error) {
	if err := h.reach(ctx, in.MinPosition.MinPosition); err != nil {
		return entitlement.List{}, err
	}
	return h.Service.List(ctx, env, in.ID, in.ResourceID)
}

func entitlementsOf(l entitlement.List) entitlementsBody {
	return entitlementsBody{reason(l.Denied), l.Entitlements}
}

func (e entitlementsBody) appendJSON(b []byte) []byte {
	b = appendOpt(b, `{"accessDeniedReason":`, e.AccessDeniedReason)
	b = e.Entitlements.appendJSON(append(b, `,"entitlements":`...))
	return append(b, '}')
}

// checkInput describes the query of a check; checkQuery reads it.
type checkInput struct {
	ID              string      `path:"id"`
	FeatureID       string      `query:"featureId"`
	CurrencyID      string      `query:"currencyId"`
	ResourceID      string      `query:"resourceId"`
	RequestedUsage  wantedUsage `query:"requestedUsage" doc:"Metered features: how much more is wanted, as fine as the feature's usage is."`
	RequestedValues []string    `query:"requestedValues" doc:"Enum features: the values that are wanted."`
	At              Time        `query:"at" doc:"An instant to come: the answer then, if nobody does anything until then. Default: now."`
	Explain         bool        `query:"explain" doc:"Say how the answer came about."`
	MinPosition
}

var checkBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

// check is the hottest route of all: on a hit it reads memory only.
func (h Entitlements) check(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
	customer := r.PathValue("id")
	if issue := badText(customer); issue != "" {
		return errs.BadUserInput.At("id", "%s", issue)
	}
	q, err := parseCheck(r.URL.RawQuery)
	if q.unknown != nil {
		ignore(w, q.unknown...)
	}
	if err != nil {
		return err
	}
	if err := h.reachHeader(r); err != nil {
		return err
	}
	kind := featureType
	var a entitlement.Answer
	if q.slow() {
		a, err = h.checkSlowly(r.Context(), id.Environment, customer, &q)
		if q.currency != "" {
			kind = creditType
		}
	} else if q.currency != "" {
		kind = creditType
		a, err = h.Service.CheckCurrency(r.Context(), id.Environment, customer, q.currency, q.resource)
	} else {
		a, err = h.Service.Check(r.Context(), id.Environment, customer, q.feature, q.resource, q.ask)
	}
	if err != nil {
		return err
	}
	if issue := tooFine(&a); issue != "" {
		return errs.BadUserInput.At("requestedUsage", "%s", issue)
	}
	buf := checkBuffers.Get().(*[]byte)
	b := append((*buf)[:0], `{"data":`...)
	b = appendEntitlement(b, &a, kind)
	b = append(b, "}\n"...)
	w.Header()["Content-Type"] = jsonType
	_, _ = w.Write(b)
	if cap(b) <= keepBuffer {
		*buf = b
		checkBuffers.Put(buf)
	}
	return nil
}

// checkQuery is the query of a check.
type checkQuery struct {
	feature, currency, resource string
	ask                         rules.Ask
	at                          time.Time // zero for now
	explain                     bool
	unknown                     []string
}

// parseCheck reads a query and names everything that is wrong with it.
func parseCheck(query string) (q checkQuery, err error) {
	var c errs.Checks
	var once seen
	usage, at, explain := "", "", "false"
	h := hotQuery{rest: query}
	for name, value, ok := h.next(); ok; name, value, ok = h.next() {
		switch name {
		case "featureId":
			once.set(&c, 1<<0, name, &q.feature, value)
		case "currencyId":
			once.set(&c, 1<<1, name, &q.currency, value)
		case "resourceId":
			once.set(&c, 1<<2, name, &q.resource, value)
		case "requestedUsage":
			once.set(&c, 1<<3, name, &usage, value)
		case "at":
			once.set(&c, 1<<4, name, &at, value)
		case "explain":
			once.set(&c, 1<<5, name, &explain, value)
		case "requestedValues":
			for v := range strings.SplitSeq(value, ",") {
				if v != "" {
					q.ask.RequestedValues = append(q.ask.RequestedValues, v)
				}
			}
		default:
			q.unknown = append(q.unknown, name)
		}
	}
	if h.err != nil {
		return q, h.err
	}
	if once&(1<<3) != 0 {
		q.ask.RequestedUsage, q.ask.RequestedScale = wantedUsage(usage).read(&c, "requestedUsage")
	}
	if once&(1<<4) != 0 {
		if q.at, err = parseTime(at); err != nil {
			c.Shape("at", "%s", err)
		}
	}
	if q.explain = explain == "true"; !q.explain && explain != "false" {
		c.Shape("explain", "must be true or false")
	} else if q.explain && q.currency != "" {
		c.Shape("explain", "is for features")
	}
	switch {
	case q.feature == "" && q.currency == "":
		c.Shape("featureId", "or currencyId is required")
	case q.feature != "" && q.currency != "":
		c.Shape("currencyId", "cannot be combined with featureId")
	}
	return q, c.Err()
}

// seen is which parameters were there.
type seen uint8

func (g *seen) set(c *errs.Checks, bit seen, name string, field *string, value string) {
	if *g&bit != 0 {
		c.Shape(name, "is given more than once")
	}
	*g |= bit
	*field = value
}
