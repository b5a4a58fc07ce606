package provisioning

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/customer"
)

func text(s string) *string { return &s }

func basic() Request {
	return Request{
		New: customer.New{
			ID: "customer-1", Name: text("Ada"), Email: text("ada@example.com"),
			Metadata: map[string]string{"a": "1", "b": "2"},
			Details:  customer.Details{Passthrough: json.RawMessage(`{"stripe":{"x":1,"y":[1,2]}}`)},
		},
		Subscription: &Params{PlanID: "plan-basic"},
	}
}

func TestFingerprintNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	key := []byte("key")
	for _, tc := range []struct {
		name   string
		change func(*Request)
		want   []string
	}{
		{"equal", func(*Request) {}, nil},
		{"excluding from experiments does not count", func(r *Request) { r.ExcludeFromExperiment = true }, nil},
		{"key order does not count", func(r *Request) { r.Passthrough = json.RawMessage(`{"stripe":{"y":[1,2],"x":1}}`) }, nil},
		{"array order counts", func(r *Request) { r.Passthrough = json.RawMessage(`{"stripe":{"x":1,"y":[2,1]}}`) }, []string{"passthrough"}},
		{"an empty text is none", func(r *Request) { r.BillingID = text("") }, nil},
		{"an empty metadata value is none", func(r *Request) { r.Metadata["c"] = "" }, nil},
		{"name and plan", func(r *Request) { r.Name, r.Subscription.PlanID = text("Bob"), "plan-pro" }, []string{"name", "subscriptionParams.planId"}},
		{"something more", func(r *Request) { r.Language = text("de") }, []string{"language"}},
		{"something less", func(r *Request) { r.Email = nil }, []string{"email"}},
		{"no subscription", func(r *Request) { r.Subscription = nil }, []string{"subscriptionParams.planId"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := basic()
			tc.change(&r)
			if d := cmp.Diff(tc.want, differing(basic().Fingerprint(key), r.Fingerprint(key))); d != "" {
				t.Errorf("differing fields (-want +got):\n%s", d)
			}
		})
	}
}

func TestFingerprintTellsNothing(t *testing.T) {
	t.Parallel()
	a := basic().Fingerprint([]byte("key"))
	other := basic()
	other.ID = "customer-2"
	if b := other.Fingerprint([]byte("key")); a["email"] == b["email"] {
		t.Error("equal emails of two customers look alike")
	}
	if b := basic().Fingerprint([]byte("another")); a["email"] == b["email"] {
		t.Error("the key does not matter")
	}
	raw, _ := json.Marshal(a)
	if strings.Contains(string(raw), "example.com") {
		t.Error("a value can be read from the fingerprint")
	}
}

func TestValidateNamesEveryBadField(t *testing.T) {
	t.Parallel()
	r := basic()
	r.ID, r.Email, r.BillingCurrency, r.Timezone = "a/b", text("nope"), text("USD"), text("Mars/Olympus")
	r.Metadata = map[string]string{"k": strings.Repeat("x", 501)}
	r.Subscription = &Params{PlanID: "", ResourceID: text("-x"), BillingPeriod: "DAILY", ID: text(strings.Repeat("x", 256))}
	e, ok := errs.As(r.Validate())
	if !ok || e.Code != "BadUserInput" {
		t.Fatalf("got %v", e)
	}
	var paths []string
	for _, f := range e.Fields {
		paths = append(paths, f.Path)
	}
	want := []string{
		"billingCurrency", "email", "id", "metadata.k", "subscriptionParams.billingPeriod", "subscriptionParams.id",
		"subscriptionParams.planId", "subscriptionParams.resourceId", "timezone",
	}
	if !slices.Equal(paths, want) {
		t.Errorf("paths %v, want %v", paths, want)
	}
}

func FuzzFingerprint(f *testing.F) {
	f.Add("id", "name", `{"a":1}`)
	f.Fuzz(func(t *testing.T, id, name, raw string) {
		r := Request{New: customer.New{ID: id, Name: &name, Details: customer.Details{Passthrough: json.RawMessage(raw)}}}
		_ = r.Validate()
		if d := differing(r.Fingerprint(nil), r.Fingerprint(nil)); d != nil {
			t.Fatalf("a request differs from itself in %v", d)
		}
	})
}
