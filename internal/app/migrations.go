package app

import (
	"context"
	"errors"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/store"
)

// migrations lets publications start the task that moves subscriptions.
type migrations struct{ *provisioning.Service }

// Start implements catalog.Migrations: the transaction is the same, seen as provisioning's store.
func (m migrations) Start(st catalog.Store, env tenant.ID, kind catalog.Kind, packageID string) string {
	return m.StartMigration(st.(*store.Tx), env, kind, packageID)
}

// Run implements catalog.Migrations.
func (m migrations) Run(env tenant.ID, taskID string) { m.RunTask(env, taskID) }

// recounts lets a change of a meter start the task that counts again.
type recounts struct{ *provisioning.Service }

// Start implements catalog.Recounts.
func (r recounts) Start(st catalog.Store, env tenant.ID, featureID string) string {
	return r.StartRecount(st.(*store.Tx), env, featureID)
}

// Run implements catalog.Recounts.
func (r recounts) Run(env tenant.ID, taskID string) { r.RunTask(env, taskID) }

func (a *App) jobSettings() provisioning.JobSettings {
	return provisioning.JobSettings{
		Batch: a.cfg.Jobs.Batch, Sample: a.cfg.Jobs.Sample, Before: a.cfg.Jobs.Before, Stopping: a.parts.stopping,
		Failed: func(env tenant.ID, taskID string, err error) {
			a.log.Error("task", "environment", env, "task", taskID, "error", err)
		},
	}
}

// ResumeTasks takes up the tasks that nobody works on any more, in all environments, and reports how many. A server that
// runs does it by itself.
func (a *App) ResumeTasks(ctx context.Context) (int, error) {
	envs, err := a.environments(ctx)
	total := 0
	for _, env := range envs {
		n, rerr := a.parts.provisioning.ResumeTasks(ctx, env)
		total, err = total+n, errors.Join(err, rerr)
	}
	return total, err
}
