package rest

import (
	"context"
	"net/http"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/provisioning"
)

// TestClock are the routes of an environment's clock.
type TestClock struct{ Provisioning *provisioning.Service }

func (h TestClock) routes(api *API) {
	row := func(id, summary string, p auth.Permission) op {
		return op{ID: id, Path: "/api/v1/test-clock", Tag: "Test clock", Summary: summary, Permission: p, Own: true}
	}
	read := func(ctx context.Context, env tenant.ID, _ *struct{}) (provisioning.Clock, error) {
		return h.Provisioning.Clock(ctx, env)
	}
	get(api, row("getTestClock", "Read the environment's time", auth.ClockRead), read, clockReply)
	move := row("moveTestClock", "Move the environment's test clock forward", auth.ClockWrite)
	move.Also = []int{http.StatusAccepted}
	move.Description = "Everything that becomes due on the way happens, in order. A long move is answered with 202 and a task."
	put(api, move, h.move, clockReply)
	reset := row("resetTestClock", "Return to real time", auth.ClockWrite)
	reset.Also = []int{http.StatusAccepted}
	del(api, reset, func(ctx context.Context, env tenant.ID, _ *struct{}) (provisioning.Clock, error) {
		return h.Provisioning.ResetClock(ctx, env)
	}, clockReply)
}

type moveClockInput struct {
	Body struct {
		Now Time `json:"now"`
	}
}

func (h TestClock) move(ctx context.Context, env tenant.ID, in *moveClockInput) (provisioning.Clock, error) {
	return h.Provisioning.MoveClock(ctx, env, in.Body.Now.Time)
}

// clockBody has the time, or the task that is still moving it.
type clockBody struct {
	Now    Given[Time]   `json:"now,omitzero"`
	Mode   Given[string] `json:"mode,omitzero" enum:"real,test"`
	TaskID Given[string] `json:"taskId,omitzero"`
}

func clockReply(c provisioning.Clock) Reply[clockBody] {
	if c.TaskID != "" {
		return Reply[clockBody]{Status: http.StatusAccepted, Data: clockBody{TaskID: Given[string]{Some(c.TaskID)}}}
	}
	return Reply[clockBody]{Data: clockBody{Now: Given[Time]{Some(At(c.Now))}, Mode: Given[string]{Some(c.Mode)}}}
}
