package rest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/meter"
)

type snapshotInput struct {
	ID         string `path:"id"`
	ResourceID string `query:"resourceId"`
	MinPosition
}

// snapshotBody is the compiled state of a customer or resource: what a client needs to decide checks by itself.
type snapshotBody struct {
	CustomerID         string                    `json:"customerId"`
	ResourceID         Opt[string]               `json:"resourceId"`
	AccessDeniedReason Opt[string]               `json:"accessDeniedReason" enum:"CustomerNotFound,NoActiveSubscription,CustomerIsArchived"`
	ValidUntil         Opt[Time]                 `json:"validUntil" doc:"From then on it has to be read again: a trial, a promotion or a usage period ends. Null for none in sight."`
	Entitlements       []snapshotEntitlementBody `json:"entitlements"`
	// Version is the last member, and not in the ETag: it rises without anything having changed.
	Version int64 `json:"version" doc:"Everything up to this position of the feed is in it."`
}

// SnapshotRecord is the record; exported for huma, which does not describe it otherwise.
type SnapshotRecord = featureEntitlementBody

// snapshotEntitlementBody is an effective entitlement with what a check needs besides the record.
type snapshotEntitlementBody struct {
	SnapshotRecord
	RawUsage     meter.Amount `json:"rawUsage" doc:"Usage as it was reported, before unitTransformation."`
	Scale        int          `json:"scale" doc:"How many decimal places usage has."`
	UsageVersion int64        `json:"usageVersion" doc:"Counts the changes of usage: the highest is the newest. The stream has it too."`
	UsageCut     bool         `json:"usageCut" doc:"Usage before usagePeriodAnchor does not count."`
	UsageScope   Opt[string]  `json:"usageResourceId" doc:"The resource whose usage counts; null for the customer's own."`
}

func snapshotOf(customer, resource string, l entitlement.List) snapshotBody {
	b := snapshotBody{
		CustomerID: customer, ResourceID: FromPtr(named(resource)), AccessDeniedReason: reason(l.Denied), ValidUntil: Null[Time](),
		Entitlements: make([]snapshotEntitlementBody, 0, len(l.Entitlements)), Version: l.Version,
	}
	if !l.ValidUntil.IsZero() {
		b.ValidUntil = Some(At(l.ValidUntil))
	}
	for i := range l.Entitlements {
		a := &l.Entitlements[i]
		scale := a.Entitlement.Row.Scale
		b.Entitlements = append(b.Entitlements, snapshotEntitlementBody{
			SnapshotRecord: featureEntitlementOf(a, featureType), RawUsage: meter.Amount{N: a.Raw, Scale: scale}, Scale: int(scale),
			UsageVersion: int64(a.UsageVersion), UsageCut: a.Origin.Cut, UsageScope: FromPtr(named(a.Scope)),
		})
	}
	return b
}

// snapshot answers with the compiled state, or 304 when the caller has it. An unknown customer is an answer too.
func (h Entitlements) snapshot(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
	customer, resource := r.PathValue("id"), r.URL.Query().Get("resourceId")
	if issue := badText(customer); issue != "" {
		return errs.BadUserInput.At("id", "%s", issue)
	}
	if issue := badText(resource); issue != "" {
		return errs.BadUserInput.At("resourceId", "%s", issue)
	}
	if err := h.reachHeader(r); err != nil {
		return err
	}
	l, err := h.Service.List(r.Context(), id.Environment, customer, resource)
	if err != nil {
		return err
	}
	b := buffers.Get().(*bytes.Buffer)
	defer freeBuffer(b)
	if err := json.NewEncoder(b).Encode(envelope{Data: snapshotOf(customer, resource, l)}); err != nil {
		return errs.Unexpected.Wrap(err)
	}
	whole := b.Bytes()
	sum := sha256.Sum256(whole[:bytes.LastIndex(whole, []byte(`,"version":`))])
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	header := w.Header()
	header["Etag"], header["Cache-Control"] = []string{tag}, []string{"private, no-cache"}
	if matches(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	header["Content-Type"], header["Content-Length"] = jsonType, []string{strconv.Itoa(len(whole))}
	_, _ = w.Write(whole)
	return nil
}
