package provisioning

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/subscription"
)

// What a journey drops is gone, and what is not made for one plan stays (domain-catalog-provisioning §6.4).
func TestEveryParameterIsDroppedOrStays(t *testing.T) {
	t.Parallel()
	one, ref, at := int64(1), "x", time.Unix(0, 0)
	full := Params{
		ID: &ref, ResourceID: &ref, StartDate: &at, CancellationDate: &at, Metadata: map[string]string{"a": "b"}, BillingPeriod: "MONTHLY",
		Country: "DE", Addons: []AddonQuantity{{ID: "a", Quantity: 1}}, Charges: []subscription.Quantity{{}}, UnitQuantity: &one,
		PriceOverrides: []subscription.PriceOverride{{}}, Values: []subscription.Value{{}}, MinimumSpend: &money.Money{}, Budget: &subscription.Budget{},
		Coupon: &AppliedCoupon{}, Trial: &subscription.TrialOverride{}, PayingCustomerID: ref, BillingID: ref, SalesforceID: ref,
		CollectionMethod: "NONE", RestartCycle: true,
	}
	stay := []string{
		"id", "resourceId", "startDate", "cancellationDate", "metadata", "payingCustomerId", "billingId", "salesforceId",
		"paymentCollectionMethod", "billingCycleAnchor",
	}
	if d := cmp.Diff(stay, full.without(full.given()).given()); d != "" {
		t.Errorf("stays (-want +got):\n%s", d)
	}
	for name := range droppable {
		if !slices.Contains(full.given(), name) {
			t.Errorf("%s is dropped and never given", name)
		}
	}
}
