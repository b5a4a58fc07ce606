package apitest

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/api/problem"
	"github.com/purserhq/purser/internal/store/storetest"
)

// routes are all of this slice.
var routes = []string{
	"GET /api/v1/addons",
	"POST /api/v1/addons",
	"GET /api/v1/addons/{id}",
	"PATCH /api/v1/addons/{id}",
	"GET /api/v1/addons/{id}/charges",
	"POST /api/v1/addons/{id}/draft",
	"DELETE /api/v1/addons/{id}/draft",
	"GET /api/v1/addons/{addonId}/entitlements",
	"POST /api/v1/addons/{addonId}/entitlements",
	"PATCH /api/v1/addons/{addonId}/entitlements/{id}",
	"DELETE /api/v1/addons/{addonId}/entitlements/{id}",
	"POST /api/v1/addons/{id}/publish",
	"POST /api/v1/addons/{id}/archive",
	"POST /api/v1/addons/{id}/unarchive",
	"GET /api/v1/addons/{id}/draft/changes",
	"GET /api/v1/plans/{id}/overage-charges",
	"POST /api/v1/plans/{id}/archive",
	"POST /api/v1/plans/{id}/unarchive",
	"GET /api/v1/plans/{id}/draft/changes",
	"POST /api/v1/features/{id}/archive",
	"POST /api/v1/features/{id}/unarchive",
	"GET /api/v1/feature-groups",
	"POST /api/v1/feature-groups",
	"GET /api/v1/feature-groups/{id}",
	"PATCH /api/v1/feature-groups/{id}",
	"POST /api/v1/feature-groups/{id}/archive",
	"POST /api/v1/feature-groups/{id}/unarchive",
	"GET /api/v1/coupons",
	"POST /api/v1/coupons",
	"GET /api/v1/coupons/{id}",
	"PATCH /api/v1/coupons/{id}",
	"POST /api/v1/coupons/{id}/archive",
	"GET /api/v1/catalog",
	"POST /api/v1/catalog/plan",
	"POST /api/v1/catalog/apply",
	"GET /schema/catalog.json",
	"GET /api/v1/pricing-table",
	"GET /livez", "GET /readyz", "GET /api/v1/openapi.json", "GET /api/v1/verify",
	"GET /api/v1/customers", "POST /api/v1/customers", "GET /api/v1/customers/{id}", "PATCH /api/v1/customers/{id}",
	"POST /api/v1/customers/{id}/archive", "POST /api/v1/customers/{id}/unarchive",
	"POST /api/v1/customers/import", "GET /api/v1/customers/{id}/resources",
	"POST /api/v1/usage", "POST /api/v1/usage/consume", "POST /api/v1/events", "POST /api/v1/entitlements/check", "GET /api/v1/usage/{customerId}/history/{featureId}",
	"GET /api/v1/customers/{id}/entitlements", "GET /api/v1/customers/{id}/entitlements/check",
	"GET /api/v1/customers/{id}/entitlements/snapshot",
	"GET /api/v1/customers/{id}/promotional-entitlements", "POST /api/v1/customers/{id}/promotional-entitlements",
	"DELETE /api/v1/customers/{id}/promotional-entitlements/{featureId}",
	"GET /api/v1/subscriptions", "GET /api/v1/subscriptions/{id}",
	"GET /api/v1/features", "POST /api/v1/features", "GET /api/v1/features/{id}", "PATCH /api/v1/features/{id}",
	"GET /api/v1/products", "POST /api/v1/products", "GET /api/v1/products/{id}", "PATCH /api/v1/products/{id}",
	"POST /api/v1/products/{id}/archive", "POST /api/v1/products/{id}/unarchive", "POST /api/v1/products/{id}/duplicate",
	"GET /api/v1/plans", "POST /api/v1/plans", "GET /api/v1/plans/{id}", "PATCH /api/v1/plans/{id}", "GET /api/v1/plans/{id}/charges",
	"POST /api/v1/plans/{id}/draft", "DELETE /api/v1/plans/{id}/draft", "POST /api/v1/plans/{id}/publish",
	"GET /api/v1/plans/{planId}/entitlements", "POST /api/v1/plans/{planId}/entitlements",
	"PATCH /api/v1/plans/{planId}/entitlements/{id}", "DELETE /api/v1/plans/{planId}/entitlements/{id}",
	"POST /api/v1/subscriptions", "POST /api/v1/subscriptions/import", "POST /api/v1/subscriptions/preview",
	"PATCH /api/v1/subscriptions/{id}", "POST /api/v1/subscriptions/{id}/cancel", "POST /api/v1/subscriptions/{id}/delegate",
	"DELETE /api/v1/subscriptions/{id}/future-update/pending-payment", "DELETE /api/v1/subscriptions/{id}/future-update/schedule",
	"POST /api/v1/subscriptions/{id}/invoice/paid", "POST /api/v1/subscriptions/{id}/migrate", "POST /api/v1/subscriptions/{id}/transfer",
	"POST /api/v1/subscriptions/{id}/usage/charge", "POST /api/v1/subscriptions/{id}/usage/sync",
	"GET /api/v1/subscriptions/{id}/history", "POST /api/v1/subscriptions/{id}/preview",
	"GET /api/v1/account", "PATCH /api/v1/account",
	"GET /api/v1/feed", "GET /api/v1/stream", "GET /api/v1/test-clock", "PUT /api/v1/test-clock", "DELETE /api/v1/test-clock", "GET /api/v1/plans/{id}/publish-preview", "GET /api/v1/addons/{id}/publish-preview", "GET /api/v1/tasks", "GET /api/v1/tasks/{id}",
	"POST /api/v1/tasks/{id}/stop", "POST /api/v1/tasks/{id}/resume",
}

var parameter = regexp.MustCompile(`\{[A-Za-z]+\}`)

func TestEveryRouteIsInTheDocumentAndBack(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite)
	documented := []string{}
	for path, item := range s.schemas.Paths {
		for method := range item {
			documented = append(documented, strings.ToUpper(method)+" "+path)
		}
	}
	anonymous := func(list []string) []string {
		out := []string{}
		for _, r := range list {
			out = append(out, parameter.ReplaceAllString(r, "{}"))
		}
		slices.Sort(out)
		return out
	}
	if d := cmp.Diff(anonymous(routes), anonymous(documented)); d != "" {
		t.Errorf("operations (-want +documented):\n%s", d)
	}
	for _, r := range documented {
		method, path, _ := strings.Cut(r, " ")
		path = parameter.ReplaceAllString(path, "x")
		a := s.with("").do(method, path, "")
		public := slices.Contains([]string{"/livez", "/readyz", "/api/v1/openapi.json", "/schema/catalog.json"}, path)
		if !public {
			a.refused(401, "Unauthenticated")
		} else if a.status == 404 {
			t.Errorf("%s: %d", a.call, a.status)
		}
	}
}

func TestGeneratedOpenAPI(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite)
	api, ok := s.handler.(interface{ Spec() []byte })
	if !ok {
		t.Fatalf("%T has no document", s.handler)
	}
	checkFile(t, "../../../api/openapi.yaml", api.Spec())
}

func TestGeneratedCatalogSchema(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite)
	checkFile(t, "../../../api/catalog.schema.json", s.with("").get("/schema/catalog.json").want(200).raw)
}

// All packages that declare codes are linked in here, through app.
func TestGeneratedErrors(t *testing.T) {
	t.Parallel()
	checkFile(t, "../../../docs/errors.md", problem.Markdown())
}
