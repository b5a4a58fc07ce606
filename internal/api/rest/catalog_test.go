package rest

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/journey"
)

func decodeInto[T any](t *testing.T, text string) (in T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		t.Fatal(err)
	}
	return in
}

var decimals = cmp.Comparer(func(a, b money.Decimal) bool { return a.Equal(b) })

func TestPlanUpdateInput(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, body string
		want       catalog.PackageUpdate
	}{
		{"nothing", `{}`, catalog.PackageUpdate{}},
		{"nulls", `{"defaultTrialConfig": null, "description": null, "metadata": null}`, catalog.PackageUpdate{
			Trial: opt.Null[catalog.Trial](), Description: opt.Null[string](), Metadata: opt.Null[map[string]*string](),
		}},
		{
			"values", `{"defaultTrialConfig": {"duration": 14, "units": "DAY", "trialEndBehavior": "CONVERT_TO_PAID"},
			"hiddenFromWidgets": ["PAYWALL"], "metadata": {"k": null},
			"charges": {"pricingType": "PAID", "pricingModels": [{"billingModel": "FLAT_FEE", "billingCadence": "RECURRING",
				"pricePeriods": [{"billingPeriod": "MONTHLY", "price": {"amount": 49.90, "currency": "eur"}}, {"billingPeriod": "ANNUALLY"}]}]}}`,
			catalog.PackageUpdate{
				Trial:             opt.Some(catalog.Trial{Duration: 14, Units: "DAY", EndBehavior: "CONVERT_TO_PAID"}),
				HiddenFromWidgets: opt.Some([]string{"PAYWALL"}), Metadata: opt.Some(map[string]*string{"k": nil}),
				Pricing: &catalog.Pricing{Type: "PAID", Models: []catalog.PricingModel{{
					BillingModel: "FLAT_FEE", BillingCadence: "RECURRING",
					Periods: []catalog.PricePeriod{
						{BillingPeriod: "MONTHLY", Price: &money.Money{Amount: money.MustDecimal("49.9"), Currency: "eur"}},
						{BillingPeriod: "ANNUALLY"},
					},
				}}},
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := decodeInto[updatePlanInput](t, `{"Body": `+tc.body+`}`)
			if d := cmp.Diff(tc.want, in.update(), decimals); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestEntitlementInput(t *testing.T) {
	t.Parallel()
	in := decodeInto[newEntitlementIn](t, `{"id": "f", "type": "CREDIT", "usageLimit": null, "isGranted": false, "resetPeriod": "MONTH",
		"monthlyResetPeriodConfiguration": {"accordingTo": "StartOfTheMonth"}, "weeklyResetPeriodConfiguration": null,
		"amount": 5, "enumValues": []}`)
	no := false
	want := catalog.EntitlementUpdate{
		UsageLimit: opt.Null[int64](), Granted: &no, ResetPeriod: opt.Some("MONTH"),
		Resets: map[string]opt.Of[string]{"YEAR": {}, "MONTH": opt.Some("StartOfTheMonth"), "WEEK": opt.Null[string]()},
		Amount: opt.Some(money.FromInt(5)), EnumValues: opt.Some([]string{}),
	}
	if d := cmp.Diff(want, in.update(), decimals); d != "" {
		t.Error(d)
	}
}

func TestJourneyOnTheWire(t *testing.T) {
	t.Parallel()
	in := decodeInto[updateProductInput](t, `{"Body": {"usageResetCutoffRule": {"behavior": "NEVER_RESET"}, "productSettings": {
		"subscriptionStartSetup": "TRIAL_PERIOD", "subscriptionStartPlanId": "plan-pro", "downgradePlanId": null}}}`)
	got := in.update()
	want := journey.Settings{StartSetup: journey.TrialPeriod, StartPlanID: "plan-pro"}
	if d := cmp.Diff(&want, got.Settings); d != "" {
		t.Error(d)
	}
	if *got.UsageResetCutoff != catalog.NeverReset || got.MultipleSubscriptions != nil {
		t.Errorf("update: %+v", got)
	}
	body, err := json.Marshal(journeyOf(want.Normalise()))
	if err != nil {
		t.Fatal(err)
	}
	const text = `{"subscriptionStartSetup":"TRIAL_PERIOD","subscriptionStartPlanId":"plan-pro",` +
		`"subscriptionEndSetup":"CANCEL_SUBSCRIPTION","downgradePlanId":null,"subscriptionCancellationTime":"IMMEDIATE",` +
		`"prorateAtEndOfBillingPeriod":false,"subscriptionDowngradeTime":"IMMEDIATE","cancelWithProductIds":[]}`
	if d := cmp.Diff(text, string(body)); d != "" {
		t.Error(d)
	}
}

func TestPlanOnTheWire(t *testing.T) {
	t.Parallel()
	p := catalog.Package{
		RefID: "plan-pro", ProductRefID: "product", Status: catalog.Published, Metadata: map[string]string{}, HiddenFromWidgets: []string{},
		Latest: &catalog.Version{Number: 1, Status: catalog.Published, IsLatest: true, DisplayName: "Pro", PricingType: catalog.Paid},
		Draft: &catalog.Version{
			Number: 2, Status: catalog.Draft, DisplayName: "Pro", Trial: &catalog.Trial{Duration: 14, Units: "DAY"},
			Entitlements: []catalog.Entitlement{{FeatureRefID: "feature-seats"}},
		},
	}
	type seen struct {
		Number       int64
		Status       string
		Latest       bool
		Pricing      string
		Entitlements int
	}
	of := func(b planBody) seen {
		return seen{b.VersionNumber, b.Status, b.IsLatest, b.PricingType.Or(""), len(b.Entitlements)}
	}
	if d := cmp.Diff(seen{1, catalog.Published, true, catalog.Paid, 0}, of(planOf(p))); d != "" {
		t.Errorf("shown: %s", d)
	}
	if d := cmp.Diff(seen{2, catalog.Draft, false, "", 1}, of(editedPlanOf(p))); d != "" {
		t.Errorf("edited: %s", d)
	}
	p.Status = catalog.Archived
	if got := planOf(p).Status; got != catalog.Archived {
		t.Errorf("archived: %s", got)
	}
}

// The table of operations is checked when it is built. What a schema does not describe would be ignored in requests.
func TestCatalogRoutes(t *testing.T) {
	t.Parallel()
	api := New(Config{}, Products{}, Features{}, Plans{})
	schemas := api.document().Components.Schemas.Map()
	for name, want := range map[string]int{
		"NewEntitlementIn": reflect.TypeFor[EntitlementFields]().NumField() + 2, // id and type
		"Pricing":          reflect.TypeFor[catalog.Pricing]().NumField(),
		"PricingModel":     reflect.TypeFor[catalog.PricingModel]().NumField() + 2, // three reset members in one
		"PricePeriod":      reflect.TypeFor[catalog.PricePeriod]().NumField(),
		"TrialConfigIn":    reflect.TypeFor[trialConfigIn]().NumField(),
		"Journey":          reflect.TypeFor[journeyBody]().NumField(),
	} {
		if s := schemas[name]; s == nil || len(s.Properties) != want {
			t.Errorf("%s: got %+v, want %d members", name, s, want)
		}
	}
}
