package store

import (
	"context"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/provisioning"
)

// Verify verifies what this transaction sees.
func (t *Tx) Verify(ctx context.Context, env tenant.ID) (provisioning.Report, error) {
	return t.verify(ctx, env)
}

// HoldVerify makes as if a verification were under way, until the returned function is called.
func (db *DB) HoldVerify() func() {
	db.verifying.Lock()
	return db.verifying.Unlock
}
