package rest

import (
	"context"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/provisioning"
)

// Verify is the route of the self-check.
type Verify struct{ Database provisioning.Verifier }

func (h Verify) routes(api *API) {
	get(api, op{
		ID: "verify", Path: "/api/v1/verify", Tag: "Verification", Permission: auth.VerifyRead, Own: true,
		Summary: "Recompute what is stored about this environment and compare",
		Description: "Scopes, states, timers, archived customers, references, counted usage and the order of the change feed, all of one instant. " +
			"It changes nothing. One runs at a time: 503 while another does, or when it takes longer than a request may.",
	}, func(ctx context.Context, env tenant.ID, _ *struct{}) (provisioning.Report, error) {
		return h.Database.Verify(ctx, env)
	}, data(reportOf))
}

type reportBody struct {
	OK       bool          `json:"ok"`
	Checked  checkedBody   `json:"checked"`
	Findings []findingBody `json:"findings" doc:"At most 1,000."`
	More     bool          `json:"more" doc:"There are more findings than are listed."`
}

type checkedBody struct {
	Customers     int64 `json:"customers"`
	Subscriptions int64 `json:"subscriptions"`
	Timers        int64 `json:"timers"`
	Plans         int64 `json:"plans"`
	Events        int64 `json:"events"`
	Counters      int64 `json:"counters"`
	Measurements  int64 `json:"measurements"`
	UsageEvents   int64 `json:"usageEvents" doc:"Raw events, which meters count."`
}

type findingBody struct {
	Kind    string       `json:"kind"`
	Entity  event.Entity `json:"entity"`
	Message string       `json:"message"`
}

func reportOf(r provisioning.Report) reportBody {
	b := reportBody{OK: r.OK, Checked: checkedBody(r.Checked), Findings: make([]findingBody, 0, len(r.Findings)), More: r.More}
	for _, f := range r.Findings {
		b.Findings = append(b.Findings, findingBody(f))
	}
	return b
}
