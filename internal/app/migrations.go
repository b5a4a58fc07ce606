package app

import (
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

func (a *App) jobSettings() provisioning.JobSettings {
	return provisioning.JobSettings{
		Batch: a.cfg.Jobs.Batch, Before: a.cfg.Jobs.Before, Stopping: a.parts.stopping,
		Failed: func(env tenant.ID, taskID string, err error) {
			a.log.Error("task", "environment", env, "task", taskID, "error", err)
		},
	}
}
