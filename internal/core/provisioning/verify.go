package provisioning

import (
	"context"
	"fmt"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/event"
)

// MaxFindings is how many findings one report lists.
const MaxFindings = 1000

// Verifier recomputes what follows from other rows of an environment and compares. It only reads, all of it in one
// snapshot. The database is one.
type Verifier interface {
	Verify(ctx context.Context, env tenant.ID) (Report, error)
}

// Report is the outcome of a verification.
type Report struct {
	OK       bool      `json:"ok"`
	Checked  Checked   `json:"checked"`
	Findings []Finding `json:"findings"` // at most MaxFindings
	More     bool      `json:"more"`     // there are more than are listed
}

// Checked counts the rows that were looked at.
type Checked struct {
	Customers     int64 `json:"customers"`
	Subscriptions int64 `json:"subscriptions"`
	Timers        int64 `json:"timers"`
	Plans         int64 `json:"plans"`
	Events        int64 `json:"events"`
	Counters      int64 `json:"counters"`
	Measurements  int64 `json:"measurements"`
	UsageEvents   int64 `json:"usageEvents"` // raw ones, which meters count
}

// Finding is a difference between what is stored and what follows from the rest. The message is for people; it has ids
// and instants, and nothing personal.
type Finding struct {
	Kind    string       `json:"kind"`
	Entity  event.Entity `json:"entity"`
	Message string       `json:"message"`
}

// The kinds of findings.
const (
	FoundScope        = "scope"                 // more than one running trial, other, or scheduled one per scope (§9.2)
	FoundState        = "subscription_state"    // a status that its dates contradict (§9.6)
	FoundPlan         = "subscription_plan"     // a pinned version that does not fit the plan
	FoundResource     = "subscription_resource" // a resource that is missing, or should not be there
	FoundTimerMissing = "timer_missing"
	FoundTimerLeft    = "timer_left"    // a timer of a subscription or grant that has ended
	FoundTimerOwner   = "timer_owner"   // a timer that names another customer than what it is about
	FoundTimerOverdue = "timer_overdue" // real time only
	FoundArchived     = "archived_customer"
	FoundTrialed      = "trialed_plans"
	FoundVersions     = "plan_versions"
	FoundReference    = "reference"         // a row that names another that is not there
	FoundCounter      = "usage_counter"     // a counter that is not what its measurements or events come to
	FoundMeasurement  = "usage_measurement" // one that no counter has seen, that counts twice, or that corrects nothing
	FoundFeedOrder    = "feed_order"        // an entity's version goes back
	FoundFeedMissing  = "feed_event"        // a change without its event
	FoundFeedAhead    = "feed_ahead"        // an event of a change that is not there
	FoundFeedHead     = "feed_head"         // an event beyond the last position that was given out
	FoundFeedPruned   = "feed_pruned"       // an event that counts as removed
)

// Add lists findings as long as there is room.
func (r *Report) Add(list ...Finding) {
	for _, f := range list {
		r.OK = false
		if len(r.Findings) == MaxFindings {
			r.More = true
			return
		}
		r.Findings = append(r.Findings, f)
	}
}

// Found makes a finding about the entity that a caller knows by that id.
func Found(kind, entity, id, format string, args ...any) Finding {
	return found(kind, event.Entity{Type: entity, ID: id}, format, args...)
}

func found(kind string, about event.Entity, format string, args ...any) Finding {
	return Finding{kind, about, fmt.Sprintf(format, args...)}
}
