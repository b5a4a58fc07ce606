package rest

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/provisioning"
)

// Tasks are the routes of long pieces of work.
type Tasks struct{ Provisioning *provisioning.Service }

func (h Tasks) routes(api *API) {
	row := func(id, path, summary string, p auth.Permission) op {
		return op{ID: id, Path: "/api/v1/tasks" + path, Tag: "Tasks", Summary: summary, Permission: p, Own: true}
	}
	list(api, row("listTasks", "", "List long pieces of work, the oldest first", auth.TaskRead), h.list, taskOf)
	get(api, row("getTask", "/{id}", "Watch a long piece of work", auth.TaskRead), h.get, data(taskOf))
	stop := row("stopTask", "/{id}/stop", "Stop a long piece of work; what was done stays done", auth.TaskWrite)
	stop.Description = "Stopping twice changes nothing. A task that has ended is TaskEnded (409); the move of a test clock is TaskNotStoppable."
	post(api, stop, h.stop, data(taskOf))
	resume := row("resumeTask", "/{id}/resume", "Go on with a task that was stopped or has failed", auth.TaskWrite)
	resume.Description = "A task that is being worked on is left alone; one that is done is TaskEnded (409)."
	post(api, resume, h.resume, data(taskOf))
}

type listTasksInput struct {
	Paging
	Type   []string `query:"type" enum:"METER_RECOUNT,SUBSCRIPTION_IMPORT,SUBSCRIPTION_MIGRATION,TEST_CLOCK_MOVE"`
	Status []string `query:"status" enum:"PENDING,IN_PROGRESS,COMPLETED,PARTIALLY_FAILED,FAILED,STOPPED"`
}

func (h Tasks) list(ctx context.Context, env tenant.ID, in *listTasksInput) (page.Of[provisioning.Task], error) {
	p, err := in.request()
	if err != nil {
		return page.Of[provisioning.Task]{}, err
	}
	return h.Provisioning.Tasks(ctx, env, provisioning.TaskFilter{Types: in.Type, Statuses: in.Status}, p)
}

type getTaskInput struct {
	ID   string `path:"id"`
	Wait int    `query:"wait" minimum:"0" maximum:"25" doc:"Seconds to wait for the task to end."`
}

func (h Tasks) get(ctx context.Context, env tenant.ID, in *getTaskInput) (provisioning.Task, error) {
	return h.Provisioning.AwaitTask(ctx, env, in.ID, time.Duration(in.Wait)*time.Second)
}

type taskIDInput struct {
	ID string `path:"id"`
}

func (h Tasks) stop(ctx context.Context, env tenant.ID, in *taskIDInput) (provisioning.Task, error) {
	return h.Provisioning.StopTask(ctx, env, in.ID)
}

func (h Tasks) resume(ctx context.Context, env tenant.ID, in *taskIDInput) (provisioning.Task, error) {
	return h.Provisioning.ResumeTask(ctx, env, in.ID)
}

type taskBody struct {
	ID        string        `json:"id"`
	Type      string        `json:"type" enum:"METER_RECOUNT,SUBSCRIPTION_IMPORT,SUBSCRIPTION_MIGRATION,TEST_CLOCK_MOVE"`
	Status    string        `json:"status" enum:"PENDING,IN_PROGRESS,COMPLETED,PARTIALLY_FAILED,FAILED,STOPPED"`
	Progress  int64         `json:"progress" doc:"Per cent."`
	Done      int64         `json:"done"`
	Total     int64         `json:"total" doc:"An estimate until the task has ended."`
	Failed    int64         `json:"failed" doc:"How many were left out."`
	Failures  []failureBody `json:"failures" doc:"The first hundred of those."`
	Error     Opt[string]   `json:"error" doc:"Why the task is FAILED."`
	CreatedAt Time          `json:"createdAt"`
	UpdatedAt Time          `json:"updatedAt"`
}

type failureBody struct {
	ID     string `json:"id" doc:"Of a subscription, where subscriptions are moved."`
	Reason string `json:"reason"`
}

func taskOf(t provisioning.Task) taskBody {
	b := taskBody{
		ID: t.ID, Type: t.Type, Status: t.Status, Done: t.Done, Total: t.Total, Failed: t.Failed,
		Failures: make([]failureBody, 0, len(t.Failures)), Error: orNull(t.Error), CreatedAt: At(t.CreatedAt), UpdatedAt: At(t.UpdatedAt),
	}
	for _, f := range t.Failures {
		b.Failures = append(b.Failures, failureBody(f))
	}
	switch {
	case t.Total > 0:
		b.Progress = t.Done * 100 / t.Total
	case t.Status == provisioning.TaskCompleted:
		b.Progress = 100
	}
	return b
}
