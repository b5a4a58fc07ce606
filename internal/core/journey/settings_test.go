package journey_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/journey"
)

func TestDefaultsOnTheWire(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(journey.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"subscriptionStartSetup":"PLAN_SELECTION","subscriptionStartPlanId":null,` +
		`"subscriptionEndSetup":"CANCEL_SUBSCRIPTION","downgradePlanId":null,` +
		`"subscriptionCancellationTime":"IMMEDIATE","prorateAtEndOfBillingPeriod":false,` +
		`"subscriptionDowngradeTime":"IMMEDIATE","cancelWithProductIds":[]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	var back journey.Settings
	if err := json.Unmarshal(got, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(journey.Defaults(), back); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestNormalise(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     func(*journey.Settings)
	}{
		{"absent members take their defaults", `{}`, func(*journey.Settings) {}},
		{"null plans are none", `{"subscriptionStartPlanId":null,"downgradePlanId":null}`, func(*journey.Settings) {}},
		{"plan selection forgets the start plan", `{"subscriptionStartSetup":"PLAN_SELECTION","subscriptionStartPlanId":"plan-free"}`, func(*journey.Settings) {}},
		{"revoking forgets the downgrade plan", `{"subscriptionEndSetup":"CANCEL_SUBSCRIPTION","downgradePlanId":"plan-free"}`, func(*journey.Settings) {}},
		{"a start plan that is used stays", `{"subscriptionStartSetup":"FREE_PLAN","subscriptionStartPlanId":"plan-free"}`, func(s *journey.Settings) {
			s.StartSetup, s.StartPlanID = journey.FreePlan, "plan-free"
		}},
		{"linked products are a set", `{"cancelWithProductIds":["b","a","b"]}`, func(s *journey.Settings) {
			s.CancelWithProductIDs = []string{"b", "a"}
		}},
		{"wrong values stay", `{"subscriptionStartSetup":"LOTTERY"}`, func(s *journey.Settings) { s.StartSetup = "LOTTERY" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var in journey.Settings
			if err := json.Unmarshal([]byte(tt.in), &in); err != nil {
				t.Fatal(err)
			}
			want := journey.Defaults()
			tt.want(&want)
			if diff := cmp.Diff(want, in.Normalise()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The rows of domain-catalog-provisioning §5.2.
func TestValidate(t *testing.T) {
	t.Parallel()
	draft, foreign := planFree, planFree
	draft.ID, draft.Published = "plan-draft", false
	foreign.ID, foreign.ProductID = "plan-foreign", "product-other"
	draftPro := planPro
	draftPro.ID, draftPro.Published = "plan-draft-pro", false
	plans := map[string]journey.Plan{}
	for _, p := range []journey.Plan{planFree, planPro, planTeam, planCustom, draft, draftPro, foreign} {
		plans[p.ID] = p
	}
	plan := func(id string) (journey.Plan, bool) { p, ok := plans[id]; return p, ok }
	exists := func(id string) bool { return id == "product-other" || id == "product-demo" }

	const (
		start = "productSettings.subscriptionStartPlanId"
		down  = "productSettings.downgradePlanId"
	)
	free := func(id journey.PlanID) journey.Settings {
		return journey.Settings{StartSetup: journey.FreePlan, StartPlanID: id}
	}
	trial := func(id journey.PlanID) journey.Settings {
		return journey.Settings{StartSetup: journey.TrialPeriod, StartPlanID: id}
	}
	downgrade := func(id journey.PlanID) journey.Settings {
		return journey.Settings{EndSetup: journey.DowngradeToFree, DowngradePlanID: id}
	}
	type issues [][2]string // path and issue
	rule, shape := errs.InvalidArgument.Code, errs.BadUserInput.Code

	tests := []struct {
		name   string
		in     journey.Settings
		code   string
		fields issues
	}{
		{"the defaults", journey.Settings{}, "", nil},
		{"a free start", free("plan-free"), "", nil},
		{"a trial of a paid plan", trial("plan-pro"), "", nil},
		{"a trial of a custom plan", trial("plan-custom"), "", nil},
		{"a downgrade", downgrade("plan-free"), "", nil},
		{"plan selection with a start plan that does not exist: it is not stored", journey.Settings{StartPlanID: "plan-gone"}, "", nil},
		{"linked to another product", journey.Settings{CancelWithProductIDs: []string{"product-other"}}, "", nil},
		{"ends at the end of the period", journey.Settings{
			CancellationTime: journey.EndOfBillingPeriod, DowngradeTime: journey.DowngradeAtEndOfBillingPeriod,
		}, "", nil},

		{"free start without a plan", free(""), rule, issues{{start, "is needed when subscriptionStartSetup is FREE_PLAN"}}},
		{"free start, unknown plan", free("plan-gone"), rule, issues{{start, "there is no plan plan-gone"}}},
		{"free start on a paid plan", free("plan-pro"), rule, issues{{start, "plan-pro is not a free plan"}}},
		{"free start on a draft", free("plan-draft"), rule, issues{{start, "plan-draft is not published"}}},
		{"free start on another product's plan", free("plan-foreign"), rule, issues{{start, "plan-foreign is a plan of another product"}}},
		{"trial start without a plan", trial(""), rule, issues{{start, "is needed when subscriptionStartSetup is TRIAL_PERIOD"}}},
		{"trial start on a free plan", trial("plan-free"), rule, issues{{start, "plan-free is neither a paid nor a custom plan"}}},
		{"trial start on a draft", trial("plan-draft-pro"), rule, issues{{start, "plan-draft-pro is not published"}}},
		{"trial start on a plan without a trial", trial("plan-team"), rule, issues{{start, "plan-team has no default trial"}}},
		{"downgrade without a plan", downgrade(""), rule, issues{{down, "is needed when subscriptionEndSetup is DOWNGRADE_TO_FREE"}}},
		{"downgrade to a paid plan", downgrade("plan-pro"), rule, issues{{down, "plan-pro is not a free plan"}}},
		{"downgrade to a draft", downgrade("plan-draft"), rule, issues{{down, "plan-draft is not published"}}},
		{"downgrade to another product's plan", downgrade("plan-foreign"), rule, issues{{down, "plan-foreign is a plan of another product"}}},
		{"a date as the default", journey.Settings{CancellationTime: journey.SpecificDate}, rule, issues{
			{"productSettings.subscriptionCancellationTime", "must not be SPECIFIC_DATE: a product has no date to cancel on"},
		}},
		{"linked to itself and to nothing", journey.Settings{CancelWithProductIDs: []string{"product-demo", "product-gone"}}, rule, issues{
			{"productSettings.cancelWithProductIds[0]", "must be another product"},
			{"productSettings.cancelWithProductIds[1]", "there is no product product-gone"},
		}},
		{"ids of the wrong shape", journey.Settings{
			StartSetup: journey.FreePlan, StartPlanID: "a/b", EndSetup: journey.DowngradeToFree, DowngradePlanID: "-", CancelWithProductIDs: []string{""},
		}, shape, issues{
			{"productSettings.cancelWithProductIds[0]", "must not be empty"},
			{down, "must begin with a letter or a digit"},
			{start, "may contain letters, digits and _ | . - only"},
		}},
		{"everything wrong at once", journey.Settings{
			StartSetup: "LOTTERY", EndSetup: journey.DowngradeToFree, CancellationTime: "NEVER", DowngradeTime: "SPECIFIC_DATE",
		}, shape, issues{
			{down, "is needed when subscriptionEndSetup is DOWNGRADE_TO_FREE"},
			{"productSettings.subscriptionCancellationTime", "must be one of IMMEDIATE, END_OF_BILLING_PERIOD"},
			{"productSettings.subscriptionDowngradeTime", "must be one of IMMEDIATE, END_OF_BILLING_PERIOD"},
			{"productSettings.subscriptionStartSetup", "must be one of PLAN_SELECTION, FREE_PLAN, TRIAL_PERIOD"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.in.Normalise().Validate("product-demo", plan, exists)
			var code string
			var fields issues
			if e, ok := errs.As(err); ok {
				code = e.Code
				for _, f := range e.Fields {
					fields = append(fields, [2]string{f.Path, f.Issue})
				}
			}
			if code != tt.code {
				t.Errorf("got %q (%v), want %q", code, err, tt.code)
			}
			if diff := cmp.Diff(tt.fields, fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValid(t *testing.T) {
	t.Parallel()
	for value, valid := range map[string][4]bool{
		"PLAN_SELECTION":        {true, false, false, false},
		"TRIAL_PERIOD":          {true, false, false, false},
		"DOWNGRADE_TO_FREE":     {false, true, false, false},
		"IMMEDIATE":             {false, false, true, true},
		"END_OF_BILLING_PERIOD": {false, false, true, true},
		"SPECIFIC_DATE":         {false, false, true, false},
		"immediate":             {},
		"":                      {},
	} {
		got := [4]bool{
			journey.StartSetup(value).Valid(), journey.EndSetup(value).Valid(),
			journey.CancellationTime(value).Valid(), journey.DowngradeTime(value).Valid(),
		}
		if got != valid {
			t.Errorf("%q: got %v, want %v", value, got, valid)
		}
	}
}
