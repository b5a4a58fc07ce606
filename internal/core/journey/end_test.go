package journey_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/core/journey"
)

func TestEnd(t *testing.T) {
	t.Parallel()
	revoke := journey.Defaults()
	downgrade := journey.Settings{EndSetup: journey.DowngradeToFree, DowngradePlanID: "plan-free"}.Normalise()
	paidNow := planFree
	paidNow.PricingType = journey.Paid

	const (
		trialEnded = "The trial of plan-pro ended."
		cancelled  = "The subscription to plan-pro was cancelled."
		expired    = "The subscription to plan-pro reached its end date."
		revokes    = "The journey of product-demo revokes access (CANCEL_SUBSCRIPTION)."
		moves      = "The journey of product-demo moves customers to a free plan (DOWNGRADE_TO_FREE)."
		starts     = "plan-free starts."
	)
	tests := []struct {
		name    string
		given   journey.EndInput
		convert bool
		to      string
		steps   []string
	}{
		{
			"a trial ends, the journey revokes",
			journey.EndInput{Reason: journey.TrialEnded, Settings: revoke, Payable: true},
			false, "",
			[]string{trialEnded, revokes},
		},
		{
			"a trial ends, the journey downgrades",
			journey.EndInput{Reason: journey.TrialEnded, Settings: downgrade, DowngradePlan: &planFree, Payable: true},
			false, "plan-free",
			[]string{trialEnded, moves, starts},
		},
		{
			"a trial ends beside a running subscription",
			journey.EndInput{Reason: journey.TrialEnded, Settings: downgrade, DowngradePlan: &planFree, RunningNonTrial: true},
			false, "",
			[]string{trialEnded, moves, "Another subscription is running, so no free plan starts."},
		},
		{
			"a trial converts when it can be paid, whatever the journey says",
			journey.EndInput{Reason: journey.TrialEnded, Settings: downgrade, DowngradePlan: &planFree, TrialEndBehavior: journey.ConvertToPaid, Payable: true},
			true, "",
			[]string{trialEnded, "Its trial converts to a paid subscription (CONVERT_TO_PAID)."},
		},
		{
			"a trial that cannot be paid follows the journey",
			journey.EndInput{Reason: journey.TrialEnded, Settings: downgrade, DowngradePlan: &planFree, TrialEndBehavior: journey.ConvertToPaid},
			false, "plan-free",
			[]string{trialEnded, "It should convert to a paid subscription (CONVERT_TO_PAID), but cannot be paid.", moves, starts},
		},
		{
			"a trial that says cancel is not downgraded",
			journey.EndInput{Reason: journey.TrialEnded, Settings: downgrade, DowngradePlan: &planFree, TrialEndBehavior: journey.CancelTrial, Payable: true},
			false, "",
			[]string{trialEnded, "Its trial ends with revoked access (CANCEL_SUBSCRIPTION)."},
		},
		{
			"cancelled, the journey revokes",
			journey.EndInput{Reason: journey.Cancelled, Settings: revoke},
			false, "",
			[]string{cancelled, revokes},
		},
		{
			"cancelled, the journey downgrades",
			journey.EndInput{Reason: journey.Cancelled, Settings: downgrade, DowngradePlan: &planFree},
			false, "plan-free",
			[]string{cancelled, moves, starts},
		},
		{
			"a trial is cancelled: it does not convert, and its own end is not asked",
			journey.EndInput{Reason: journey.Cancelled, Settings: downgrade, DowngradePlan: &planFree, TrialEndBehavior: journey.ConvertToPaid, Payable: true},
			false, "plan-free",
			[]string{cancelled, moves, starts},
		},
		{
			"cancelled with REVOKE_ENTITLEMENTS",
			journey.EndInput{Reason: journey.Cancelled, Settings: downgrade, DowngradePlan: &planFree, Revoke: true},
			false, "",
			[]string{cancelled, "The cancellation revokes access (REVOKE_ENTITLEMENTS)."},
		},
		{
			"a free plan never falls back to free",
			journey.EndInput{Reason: journey.Cancelled, Settings: downgrade, DowngradePlan: &planFree, PlanPricingType: journey.Free},
			false, "",
			[]string{cancelled, "It was free, so no downgrade follows."},
		},
		{
			"expired, the journey downgrades",
			journey.EndInput{Reason: journey.Expired, Settings: downgrade, DowngradePlan: &planFree},
			false, "plan-free",
			[]string{expired, moves, starts},
		},
		{
			"replaced: the journey's end is not run",
			journey.EndInput{Reason: journey.Replaced, Settings: downgrade, DowngradePlan: &planFree},
			false, "",
			[]string{"The subscription to plan-pro was replaced by another.", "Nothing follows."},
		},
		{
			"archived: the journey's end is not run",
			journey.EndInput{Reason: journey.CustomerArchived, Settings: downgrade, DowngradePlan: &planFree},
			false, "",
			[]string{"The subscription to plan-pro ended, since its customer was archived.", "Nothing follows."},
		},
		{
			"the downgrade plan is gone",
			journey.EndInput{Reason: journey.Cancelled, Settings: downgrade},
			false, "",
			[]string{cancelled, moves, "Its plan, plan-free, cannot be found: access is revoked instead."},
		},
		{
			"the downgrade plan is free no more",
			journey.EndInput{Reason: journey.Cancelled, Settings: downgrade, DowngradePlan: &paidNow},
			false, "",
			[]string{cancelled, moves, "Its plan cannot be used, since plan-free is not a free plan: access is revoked instead."},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := tt.given
			in.ProductID, in.PlanID = "product-demo", "plan-pro"
			if in.PlanPricingType == "" {
				in.PlanPricingType = journey.Paid
			}
			d := journey.End(in)
			to := ""
			if d.DowngradeTo != nil {
				to = d.DowngradeTo.ID
			}
			if d.Convert != tt.convert || to != tt.to {
				t.Errorf("convert %v, downgrade to %q; want %v, %q", d.Convert, to, tt.convert, tt.to)
			}
			if diff := cmp.Diff(tt.steps, d.Steps); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}
