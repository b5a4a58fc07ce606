package customer_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/customer"
)

func text(s string) *string { return &s }

// A row says what name and email are now; what it leaves out stays (domain-catalog-provisioning §8.2).
func TestRowApplies(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name string
		row  customer.Row
		want []string
	}{
		{"the same", customer.Row{Name: text("Acme"), Email: text("a@acme.example")}, nil},
		{"everything the same", customer.Row{
			Name: text("Acme"), Email: text("a@acme.example"), BillingID: text("b-1"), Metadata: map[string]string{"k": "v", "gone": ""},
		}, nil},
		{"null clears", customer.Row{}, []string{"name", "email"}},
		{"an empty text clears", customer.Row{Name: text(""), Email: text("a@acme.example"), BillingID: text("")}, []string{"name", "billingId"}},
		{"more", customer.Row{
			Name: text("Acme"), Email: text("a@acme.example"), SalesforceID: text("sf"), Metadata: map[string]string{"k": ""},
		}, []string{"salesforceId", "metadata"}},
	} {
		c := customer.Customer{
			Name: text("Acme"), Email: text("a@acme.example"), Details: customer.Details{BillingID: text("b-1")},
			Metadata: map[string]string{"k": "v"}, Version: 1,
		}
		got, err := tc.row.Apply(&c, now)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, d)
		}
		if changed := len(tc.want) > 0; changed != c.UpdatedAt.Equal(now) || changed != (c.Version == 2) {
			t.Errorf("%s: version %d of %s", tc.name, c.Version, c.UpdatedAt)
		}
	}
}

func TestImportIsValidated(t *testing.T) {
	t.Parallel()
	many := func(n int) (in customer.Import) {
		for i := range n {
			in.Rows = append(in.Rows, customer.Row{ID: fmt.Sprintf("c%d", i)})
		}
		return in
	}
	for _, tc := range []struct {
		name  string
		given customer.Import
		want  string
		paths string
	}{
		{"one", many(1), "", ""},
		{"the most", many(1000), "", ""},
		{"none", many(0), "BadUserInput", "customers"},
		{"too many", many(1001), "BadUserInput", "customers"},
		{"twice", customer.Import{Rows: []customer.Row{{ID: "a"}, {ID: "b"}, {ID: "a"}}}, "InvalidArgumentError", "customers[2].id"},
		{
			"shape goes before rules",
			customer.Import{Rows: []customer.Row{{ID: "a b", Email: text("x")}, {ID: "a", PaymentMethodID: text("pm")}}},
			"BadUserInput", "customers[0].email customers[0].id customers[1].paymentMethodId",
		},
		{"a payment method of an integration", customer.Import{IntegrationID: "i", Rows: []customer.Row{{ID: "a", PaymentMethodID: text("pm")}}}, "", ""},
	} {
		err := tc.given.Validate()
		var e *errs.Error
		if !errors.As(err, &e) {
			e = &errs.Error{}
		}
		var paths []string
		for _, f := range e.Fields {
			paths = append(paths, f.Path)
		}
		if got := strings.Join(paths, " "); e.Code != tc.want || got != tc.paths {
			t.Errorf("%s: %q at %q, want %q at %q", tc.name, e.Code, got, tc.want, tc.paths)
		}
	}
}
