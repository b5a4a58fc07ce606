package rest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/core/subscription"
)

// onTrial is what an ordinary provision answers.
func onTrial() provisioning.Result {
	name, at := "Ada", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	end := at.AddDate(0, 0, 14)
	a := metered()
	a.Feature.DisplayName, a.Feature.Description, a.Feature.Metadata = "Seats", nil, nil
	return provisioning.Result{
		Customer: customer.Customer{
			RefID: "customer-1", Name: &name, Email: &name, Metadata: map[string]string{"a": "1", "b": "2"},
			Trialed: []customer.Trialed{{ProductID: "shop", PlanID: "plan-pro"}}, CreatedAt: at, UpdatedAt: at,
		},
		Subscription: &subscription.Subscription{
			RefID: "sub-1", CustomerRef: "customer-1", ProductRef: "shop", PlanRef: "plan-pro", PlanVersion: 1, PricingType: "PAID",
			Status: subscription.InTrial, StartDate: at, TrialEndDate: &end, TrialEndBehavior: "CONVERT_TO_PAID",
			BillingPeriod: "MONTHLY", BillingCycleAnchor: &end, PaymentCollection: "NOT_REQUIRED", CreatedAt: at,
		},
		Strategy: "PREDEFINED_TRIAL_PLAN", Steps: []string{"The journey of shop gives a trial of plan-pro.", "The trial ends after 14 days."},
		Entitlements: []entitlement.Answer{a, a, a, a}, At: at,
	}
}

func TestAnswersAreWrittenAsEncodingJSONDoes(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "plain", "<&>", "\u2028", "\xff"}))
	rapid.Check(t, func(t *rapid.T) {
		result := onTrial()
		if rapid.Bool().Draw(t, "bare") {
			result = provisioning.Result{Steps: rapid.SliceOfN(text, -1, 2).Draw(t, "steps")}
		}
		c := rapid.MakeCustom[customer.Customer](anything(text)).Draw(t, "customer")
		result.Customer, result.Strategy = c, text.Draw(t, "strategy")
		if rapid.Bool().Draw(t, "subscribed") {
			s := rapid.MakeCustom[subscription.Subscription](anything(text)).Draw(t, "subscription")
			result.Subscription = &s
		}
		for range rapid.IntRange(0, 2).Draw(t, "entitlements") {
			result.Entitlements = append(result.Entitlements, anyAnswer(t))
		}
		p := provisioned(result).Data
		for _, data := range []appender{
			p, p.ProvisionedCustomerBody, p.Subscription.Or(subscriptionBody{}),
			entitlementsOf(entitlement.List{Denied: rules.Reason(result.Strategy), Entitlements: result.Entitlements}),
			batchOf(result),
		} {
			want, err := json.Marshal(envelope{Data: data})
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := (&route{}).encode(&got, answer{data: data}); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want)+"\n", got.String()); d != "" {
				t.Errorf("%T by hand (-want +got):\n%s", data, d)
			}
		}
	})
}

// batchOf are answers as those of a batch.
func batchOf(r provisioning.Result) batchAnswer {
	out := batchAnswer{answers: r.Entitlements}
	for range r.Entitlements {
		out.queries = append(out.queries, entitlement.Query{Customer: r.Customer.RefID, Feature: r.Strategy})
	}
	return out
}

// anything fills every field, with texts, times and stored JSON as they can be.
func anything(text *rapid.Generator[string]) rapid.MakeConfig {
	instant := rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMicro(rapid.Int64Range(-1e15, 2e17).Draw(t, "µs")).UTC()
	})
	return rapid.MakeConfig{Types: map[reflect.Type]*rapid.Generator[any]{
		reflect.TypeFor[string]():            text.AsAny(),
		reflect.TypeFor[time.Time]():         instant.AsAny(),
		reflect.TypeFor[map[string]string](): rapid.OneOf(rapid.Just(map[string]string(nil)), rapid.MapOfN(text, text, 0, 3)).AsAny(),
		reflect.TypeFor[json.RawMessage]():   rapid.SampledFrom([]json.RawMessage{nil, []byte("null"), []byte("[]"), []byte(`{"b": "<\u2028>", "a":[ 1.50 ]}`)}).AsAny(),
	}}
}

func BenchmarkEncodeProvisioned(b *testing.B) {
	rt, r := &route{}, onTrial()
	var buf bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		buf.Reset()
		if err := rt.encode(&buf, answer{data: provisioned(r).Data}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBindProvision(b *testing.B) {
	api := New(newSample(b).cfg)
	in := newRoute(api, http.MethodPost, op{ID: "provision", Path: "/", Tag: "x", Summary: "x", Public: true},
		reflect.TypeFor[provisionInput](), reflect.TypeFor[provisionedBody](), false).in
	const body = `{"id":"customer-1","name":"Ada","email":"ada@example.org","metadata":{"a":"1","b":"2"},` +
		`"subscriptionParams":{"planId":"plan-pro","startDate":"2026-01-02T03:04:05Z","billingPeriod":"MONTHLY"}}`
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/", http.NoBody)
	r.Header.Set("Content-Type", "application/json")
	w := &discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		r.Body = readCloser{strings.NewReader(body)}
		if _, err := in.bind(w, r, reflect.New(in.t).Elem()); err != nil {
			b.Fatal(err)
		}
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }
