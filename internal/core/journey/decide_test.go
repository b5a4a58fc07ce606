package journey_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/core/journey"
)

var (
	planFree  = journey.Plan{ID: "plan-free", ProductID: "product-demo", PricingType: journey.Free, Published: true}
	planBasic = journey.Plan{ID: "plan-basic", ProductID: "product-demo", PricingType: journey.Free, Published: true}
	planPro   = journey.Plan{
		ID: "plan-pro", ProductID: "product-demo", PricingType: journey.Paid, Published: true,
		HasTrial: true, TrialText: "14 days", BillingPeriods: []string{"MONTHLY", "ANNUALLY"},
	}
	planTeam   = journey.Plan{ID: "plan-team", ProductID: "product-demo", PricingType: journey.Paid, Published: true, BillingPeriods: []string{"MONTHLY"}}
	planCustom = journey.Plan{ID: "plan-custom", ProductID: "product-demo", PricingType: journey.Custom, Published: true, HasTrial: true}
)

func startWith(setup journey.StartSetup, p journey.Plan) journey.Settings {
	return journey.Settings{StartSetup: setup, StartPlanID: journey.PlanID(p.ID)}.Normalise()
}

func want(p journey.Plan) *journey.Requested { return &journey.Requested{Plan: p} }

// The rows of domain-catalog-provisioning §6.3. Rows 2, 12 and 13 are decided before or outside the journey.
func TestDecisionTable(t *testing.T) {
	t.Parallel()
	choose := journey.Defaults()
	free := startWith(journey.FreePlan, planFree)
	trial := startWith(journey.TrialPeriod, planPro)
	control := &journey.Group{Name: "Control", Type: "CONTROL"}
	variant := &journey.Group{Name: "Trial", Type: "VARIANT"}

	tests := []struct {
		name     string
		given    journey.Request
		plan     string
		strategy journey.Strategy
		steps    []string
	}{
		{
			"1: no params, any journey",
			journey.Request{Settings: trial, StartPlan: &planPro},
			"", journey.SkippedSubscriptionCreation,
			[]string{"No subscription was asked for, so none is created."},
		},
		{
			"3: plan selection",
			journey.Request{Requested: want(planBasic), Settings: choose},
			"plan-basic", journey.RequestedPlan,
			[]string{"The journey of product-demo lets customers choose their plan (PLAN_SELECTION).", "The requested plan-basic applies."},
		},
		{
			"4: free plan",
			journey.Request{Requested: want(planPro), Settings: free, StartPlan: &planFree},
			"plan-free", journey.PredefinedFreePlan,
			[]string{"The journey of product-demo starts customers on a free plan (FREE_PLAN).", "The free plan plan-free replaces the requested plan-pro."},
		},
		{
			"4: free plan, requested anyway",
			journey.Request{Requested: want(planFree), Settings: free, StartPlan: &planFree},
			"plan-free", journey.PredefinedFreePlan,
			[]string{"The journey of product-demo starts customers on a free plan (FREE_PLAN).", "The requested plan-free is the free plan of this journey."},
		},
		{
			"5: trial",
			journey.Request{Requested: want(planBasic), Settings: trial, StartPlan: &planPro},
			"plan-pro", journey.PredefinedTrialPlan,
			[]string{"The journey of product-demo starts customers with a trial (TRIAL_PERIOD).", "The trial plan plan-pro (14 days) replaces the requested plan-basic."},
		},
		{
			"5: trial, requested anyway",
			journey.Request{Requested: want(planPro), Settings: trial, StartPlan: &planPro},
			"plan-pro", journey.PredefinedTrialPlan,
			[]string{"The journey of product-demo starts customers with a trial (TRIAL_PERIOD).", "The requested plan-pro (14 days) is the trial plan of this journey."},
		},
		{
			"5: trial of a custom plan",
			journey.Request{Requested: want(planBasic), Settings: startWith(journey.TrialPeriod, planCustom), StartPlan: &planCustom},
			"plan-custom", journey.PredefinedTrialPlan,
			[]string{"The journey of product-demo starts customers with a trial (TRIAL_PERIOD).", "The trial plan plan-custom replaces the requested plan-basic."},
		},
		{
			"6: control, as row 3",
			journey.Request{Requested: want(planBasic), Settings: choose, Group: control},
			"plan-basic", journey.RequestedPlan,
			[]string{
				"The experiment puts this customer into the group Control (CONTROL).",
				"The journey of group Control lets customers choose their plan (PLAN_SELECTION).",
				"The requested plan-basic applies.",
			},
		},
		{
			"7: variant with plan selection",
			journey.Request{Requested: want(planBasic), Settings: choose, Group: variant},
			"plan-basic", journey.RequestedPlan,
			[]string{
				"The experiment puts this customer into the group Trial (VARIANT).",
				"The journey of group Trial lets customers choose their plan (PLAN_SELECTION).",
				"The requested plan-basic applies.",
			},
		},
		{
			"8: variant with a free plan",
			journey.Request{Requested: want(planPro), Settings: free, StartPlan: &planFree, Group: variant},
			"plan-free", journey.PredefinedFreePlan,
			[]string{
				"The experiment puts this customer into the group Trial (VARIANT).",
				"The journey of group Trial starts customers on a free plan (FREE_PLAN).",
				"The free plan plan-free replaces the requested plan-pro.",
			},
		},
		{
			"9: variant with a trial",
			journey.Request{Requested: want(planBasic), Settings: trial, StartPlan: &planPro, Group: variant},
			"plan-pro", journey.PredefinedTrialPlan,
			[]string{
				"The experiment puts this customer into the group Trial (VARIANT).",
				"The journey of group Trial starts customers with a trial (TRIAL_PERIOD).",
				"The trial plan plan-pro (14 days) replaces the requested plan-basic.",
			},
		},
		{
			"10: excluded from experiments: the product's own journey, no group",
			journey.Request{Requested: want(planPro), Settings: free, StartPlan: &planFree},
			"plan-free", journey.PredefinedFreePlan,
			[]string{"The journey of product-demo starts customers on a free plan (FREE_PLAN).", "The free plan plan-free replaces the requested plan-pro."},
		},
		{
			"11: plan selection of a custom plan",
			journey.Request{Requested: want(planCustom), Settings: choose},
			"plan-custom", journey.RequestedPlan,
			[]string{"The journey of product-demo lets customers choose their plan (PLAN_SELECTION).", "The requested plan-custom applies."},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := journey.Decide(tt.given)
			got := ""
			if d.Plan != nil {
				got = d.Plan.ID
			}
			if got != tt.plan || d.Strategy != tt.strategy {
				t.Errorf("got %q by %s, want %q by %s", got, d.Strategy, tt.plan, tt.strategy)
			}
			if diff := cmp.Diff(tt.steps, d.Steps); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			if len(d.Dropped) != 0 {
				t.Errorf("nothing was given, dropped %v", d.Dropped)
			}
		})
	}
}

// domain-catalog-provisioning §6.4, column by column.
func TestParametersThatSurvive(t *testing.T) {
	t.Parallel()
	always := []string{"planId", "id", "resourceId", "metadata", "startDate", "awaitPaymentConfirmation"}
	all := append(always[:len(always):len(always)],
		"billingPeriod", "billingCountryCode", "charges", "unitQuantity", "addons", "appliedCoupon", "promotionCode")
	free := startWith(journey.FreePlan, planFree)
	trial := startWith(journey.TrialPeriod, planPro)

	tests := []struct {
		name      string
		requested journey.Requested
		settings  journey.Settings
		start     *journey.Plan
		period    string
		dropped   []string
		says      []string // the steps after the first two
	}{
		{
			"the requested plan keeps everything",
			journey.Requested{Plan: planPro, BillingPeriod: "ANNUALLY", Given: all},
			journey.Defaults(), nil,
			"ANNUALLY", nil, nil,
		},
		{
			"a free start keeps what fits any plan",
			journey.Requested{Plan: planPro, Given: always},
			free, &planFree,
			"", nil, nil,
		},
		{
			"a free start drops period, country, quantities, add-ons and coupons",
			journey.Requested{Plan: planPro, BillingPeriod: "MONTHLY", Given: all},
			free, &planFree,
			"",
			[]string{"billingPeriod", "billingCountryCode", "charges", "unitQuantity", "appliedCoupon", "promotionCode", "addons"},
			[]string{
				"Dropped: billingPeriod, billingCountryCode, charges, unitQuantity, appliedCoupon, promotionCode (plan-free has no prices).",
				"Dropped: addons (chosen for plan-pro).",
			},
		},
		{
			"a free start that was requested keeps its add-ons",
			journey.Requested{Plan: planFree, BillingPeriod: "MONTHLY", Given: []string{"billingPeriod", "addons"}},
			free, &planFree,
			"",
			[]string{"billingPeriod"},
			[]string{"Dropped: billingPeriod (plan-free has no prices)."},
		},
		{
			"a trial drops quantities and add-ons of another plan, keeps country and coupons",
			journey.Requested{Plan: planTeam, BillingPeriod: "MONTHLY", Given: all},
			trial, &planPro,
			"MONTHLY",
			[]string{"charges", "unitQuantity", "addons"},
			[]string{"Dropped: charges, unitQuantity, addons (chosen for plan-team)."},
		},
		{
			"a trial of the requested plan keeps everything",
			journey.Requested{Plan: planPro, BillingPeriod: "ANNUALLY", Given: all},
			trial, &planPro,
			"ANNUALLY", nil, nil,
		},
		{
			"a trial keeps a period that its plan has",
			journey.Requested{Plan: planTeam, BillingPeriod: "ANNUALLY", Given: []string{"billingPeriod"}},
			trial, &planPro,
			"ANNUALLY", nil, nil,
		},
		{
			"a trial replaces a period that its plan lacks by the first",
			journey.Requested{Plan: planBasic, BillingPeriod: "WEEKLY", Given: []string{"billingPeriod"}},
			trial, &planPro,
			"MONTHLY",
			[]string{"billingPeriod"},
			[]string{"Dropped: billingPeriod (plan-pro has no price for WEEKLY, so MONTHLY applies)."},
		},
		{
			"a trial without a period takes the first",
			journey.Requested{Plan: planBasic},
			trial, &planPro,
			"MONTHLY", nil, nil,
		},
		{
			"a trial of a plan without prices drops the period",
			journey.Requested{Plan: planBasic, BillingPeriod: "MONTHLY"},
			startWith(journey.TrialPeriod, planCustom), &planCustom,
			"",
			[]string{"billingPeriod"},
			[]string{"Dropped: billingPeriod (plan-custom has no prices)."},
		},
		{
			"an unknown parameter is taken for one of the requested plan",
			journey.Requested{Plan: planBasic, Given: []string{"surprise"}},
			trial, &planPro,
			"MONTHLY",
			[]string{"surprise"},
			[]string{"Dropped: surprise (chosen for plan-basic)."},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := journey.Decide(journey.Request{Requested: &tt.requested, Settings: tt.settings, StartPlan: tt.start})
			if d.BillingPeriod != tt.period {
				t.Errorf("billing period %q, want %q", d.BillingPeriod, tt.period)
			}
			if diff := cmp.Diff(tt.dropped, d.Dropped); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.says, append([]string(nil), d.Steps[2:]...)); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnusableStartPlanLeavesTheRequestedOne(t *testing.T) {
	t.Parallel()
	archived, noTrial := planFree, planPro
	archived.Published, noTrial.HasTrial = false, false
	tests := []struct {
		name     string
		settings journey.Settings
		start    *journey.Plan
		says     string
	}{
		{"gone", startWith(journey.FreePlan, planFree), nil, "The plan of this journey, plan-free, cannot be found: the requested plan-basic applies instead."},
		{"archived", startWith(journey.FreePlan, planFree), &archived, "The plan of this journey cannot be used, since plan-free is not published: the requested plan-basic applies instead."},
		{"without its trial", startWith(journey.TrialPeriod, planPro), &noTrial, "The plan of this journey cannot be used, since plan-pro has no default trial: the requested plan-basic applies instead."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := journey.Decide(journey.Request{
				Requested: &journey.Requested{Plan: planBasic, BillingPeriod: "MONTHLY", Given: []string{"addons"}},
				Settings:  tt.settings, StartPlan: tt.start,
			})
			if d.Strategy != journey.RequestedPlan || d.Plan.ID != "plan-basic" || d.BillingPeriod != "MONTHLY" || d.Dropped != nil {
				t.Errorf("got %s of %s with %q, dropped %v", d.Strategy, d.Plan.ID, d.BillingPeriod, d.Dropped)
			}
			if got := d.Steps[len(d.Steps)-1]; got != tt.says {
				t.Errorf("got %q, want %q", got, tt.says)
			}
		})
	}
}
