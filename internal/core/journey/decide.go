package journey

import "fmt"

// Strategy names how the plan of a new customer was chosen. The values are wire names.
type Strategy string

// The strategies (domain-catalog-provisioning §6.3).
const (
	SkippedSubscriptionCreation Strategy = "SKIPPED_SUBSCRIPTION_CREATION"
	RequestedPlan               Strategy = "REQUESTED_PLAN"
	PredefinedFreePlan          Strategy = "PREDEFINED_FREE_PLAN"
	PredefinedTrialPlan         Strategy = "PREDEFINED_TRIAL_PLAN"
)

// Request is everything that a journey decision rests on.
type Request struct {
	Requested *Requested // nil: no subscription is wanted
	// Settings are those that apply to this customer (domain-catalog-provisioning §5.3), normalised.
	Settings Settings
	// StartPlan is the plan that Settings names; nil when they name none or it is gone.
	StartPlan *Plan
	// Group is the customer's experiment group; nil outside experiments.
	Group *Group
}

// Requested is the subscription that the caller asked for.
type Requested struct {
	Plan          Plan
	BillingPeriod string   // "" when not given
	Given         []string // wire names of all parameters that were given: "metadata", "addons"
}

// Group is an experiment group as far as it explains a decision.
type Group struct {
	Name string
	Type string // CONTROL or VARIANT
}

// Decision is the plan to start with, and why.
type Decision struct {
	Strategy      Strategy
	Plan          *Plan  // nil when skipped
	BillingPeriod string // the one to use; "" leaves it to the plan
	// Dropped names the given parameters that must be ignored (domain-catalog-provisioning §6.4).
	Dropped []string
	// Steps tell people how it came to this, in order.
	Steps []string
}

// Decide chooses the plan that a new customer starts with (domain-catalog-provisioning §6.3). The requested plan exists
// and is published; callers have checked that. A start plan that cannot be used, which the rules for archiving
// prevent, leaves the customer with the requested plan and says so.
func Decide(r Request) Decision {
	if r.Requested == nil {
		return Decision{
			Strategy: SkippedSubscriptionCreation,
			Steps:    []string{"No subscription was asked for, so none is created."},
		}
	}
	d := Decision{Strategy: RequestedPlan, Plan: &r.Requested.Plan, BillingPeriod: r.Requested.BillingPeriod}
	d.explainSetup(r)
	switch issue := r.startPlanIssue(); {
	case r.Settings.StartSetup == PlanSelection:
		d.say("The requested %s applies.", d.Plan.ID)
	case issue != "":
		d.say("%s: the requested %s applies instead.", issue, d.Plan.ID)
	case r.Settings.StartSetup == FreePlan:
		d.Strategy = PredefinedFreePlan
		d.replace(r, "free plan", r.StartPlan.ID)
		d.dropForFree(r)
	default:
		d.Strategy = PredefinedTrialPlan
		d.replace(r, "trial plan", withTrial(*r.StartPlan))
		d.dropForTrial(r)
	}
	return d
}

func (r Request) startPlanIssue() string {
	if r.StartPlan == nil {
		return fmt.Sprintf("The plan of this journey, %s, cannot be found", r.Settings.StartPlanID)
	}
	if issue := r.Settings.startIssue(*r.StartPlan); issue != "" {
		return fmt.Sprintf("The plan of this journey cannot be used, since %s %s", r.StartPlan.ID, issue)
	}
	return ""
}

func (d *Decision) explainSetup(r Request) {
	whose := r.Requested.Plan.ProductID
	if g := r.Group; g != nil {
		d.say("The experiment puts this customer into the group %s (%s).", g.Name, g.Type)
		whose = "group " + g.Name
	}
	does := map[StartSetup]string{
		PlanSelection: "lets customers choose their plan",
		FreePlan:      "starts customers on a free plan",
		TrialPeriod:   "starts customers with a trial",
	}[r.Settings.StartSetup]
	d.say("The journey of %s %s (%s).", whose, does, r.Settings.StartSetup)
}

// replace puts the journey's plan in the requested one's place.
func (d *Decision) replace(r Request, kind, start string) {
	if r.StartPlan.ID == r.Requested.Plan.ID {
		d.say("The requested %s is the %s of this journey.", start, kind)
	} else {
		d.say("The %s %s replaces the requested %s.", kind, start, r.Requested.Plan.ID)
	}
	d.Plan = r.StartPlan
}

func withTrial(p Plan) string {
	if p.TrialText == "" {
		return p.ID
	}
	return p.ID + " (" + p.TrialText + ")"
}

func (d *Decision) say(format string, args ...any) {
	d.Steps = append(d.Steps, fmt.Sprintf(format, args...))
}
