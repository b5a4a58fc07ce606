package journey

import "fmt"

// TrialEndBehavior is what a plan's default trial says about its end; "" follows the journey.
type TrialEndBehavior string

// The trial end behaviours (domain-catalog-provisioning §3.9).
const (
	ConvertToPaid TrialEndBehavior = "CONVERT_TO_PAID"
	// CancelTrial revokes access, whatever the journey says: were it to follow the journey it would mean what "" means.
	CancelTrial TrialEndBehavior = "CANCEL_SUBSCRIPTION"
)

// Valid reports whether b is a trial end behaviour; "" is none.
func (b TrialEndBehavior) Valid() bool { return b == ConvertToPaid || b == CancelTrial }

// EndReason is why a subscription ends.
type EndReason uint8

// The end reasons. The journey's end rule is not run for the last two (domain-catalog-provisioning §9.6).
const (
	TrialEnded EndReason = iota + 1 // the trial's time is over
	Cancelled                       // cancelled, a running trial included
	Expired                         // the end date of a non-recurring one
	Replaced                        // by another subscription of the scope
	CustomerArchived
)

// EndInput is everything that the end of one subscription rests on.
type EndInput struct {
	Reason EndReason
	// Settings are those in force at this moment; an experiment's snapshot goes first (domain-catalog-provisioning §5.3).
	Settings         Settings
	ProductID        string // refId, for the words only
	PlanID           string // refId of the ending subscription's plan, for the words only
	PlanPricingType  string
	TrialEndBehavior TrialEndBehavior // of the subscription's trial
	Payable          bool             // the trial can convert; without billing it always can
	RunningNonTrial  bool             // another subscription that is no trial runs in the scope
	Revoke           bool             // the cancellation said REVOKE_ENTITLEMENTS
	// DowngradePlan is the plan that Settings names; nil when they name none or it is gone.
	DowngradePlan *Plan
}

// EndDecision is what follows an end: the same subscription goes on as a paid one, a free one starts, or neither.
type EndDecision struct {
	Convert     bool
	DowngradeTo *Plan
	Steps       []string
}

// End decides what follows the end of a subscription (domain-catalog-provisioning §3.9, §9.6, §9.11).
func End(in EndInput) EndDecision {
	var d EndDecision
	d.explainReason(in)
	if in.Reason == TrialEnded && in.TrialEndBehavior == ConvertToPaid {
		if in.Payable {
			d.Convert = true
			d.say("Its trial converts to a paid subscription (%s).", ConvertToPaid)
			return d
		}
		d.say("It should convert to a paid subscription (%s), but cannot be paid.", ConvertToPaid)
	}
	switch {
	case in.Reason == Replaced, in.Reason == CustomerArchived:
		d.say("Nothing follows.")
	case in.Revoke:
		d.say("The cancellation revokes access (REVOKE_ENTITLEMENTS).")
	case in.Reason == TrialEnded && in.TrialEndBehavior == CancelTrial:
		d.say("Its trial ends with revoked access (%s).", CancelTrial)
	case in.PlanPricingType == Free && in.Reason != TrialEnded: // a trial's plan may have become free while it ran
		d.say("It was free, so no downgrade follows.")
	case in.Settings.EndSetup != DowngradeToFree:
		d.say("The journey of %s revokes access (%s).", in.ProductID, CancelSubscription)
	default:
		d.downgrade(in)
	}
	return d
}

func (d *EndDecision) downgrade(in EndInput) {
	d.say("The journey of %s moves customers to a free plan (%s).", in.ProductID, DowngradeToFree)
	p := in.DowngradePlan
	switch {
	case in.RunningNonTrial:
		d.say("Another subscription is running, so no free plan starts.")
	case p == nil:
		d.say("Its plan, %s, cannot be found: access is revoked instead.", in.Settings.DowngradePlanID)
	case freeIssue(*p) != "":
		d.say("Its plan cannot be used, since %s %s: access is revoked instead.", p.ID, freeIssue(*p))
	default:
		d.DowngradeTo = p
		d.say("%s starts.", p.ID)
	}
}

func (d *EndDecision) explainReason(in EndInput) {
	switch in.Reason {
	case TrialEnded:
		d.say("The trial of %s ended.", in.PlanID)
	case Cancelled:
		d.say("The subscription to %s was cancelled.", in.PlanID)
	case Expired:
		d.say("The subscription to %s reached its end date.", in.PlanID)
	case Replaced:
		d.say("The subscription to %s was replaced by another.", in.PlanID)
	case CustomerArchived:
		d.say("The subscription to %s ended, since its customer was archived.", in.PlanID)
	}
}

func (d *EndDecision) say(format string, args ...any) {
	d.Steps = append(d.Steps, fmt.Sprintf(format, args...))
}
