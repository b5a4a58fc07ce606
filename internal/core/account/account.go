// Package account is who owns the data: the account, its environments and their
// API keys.
//
// Service makes the account at the first start and keeps the keys; Authenticator
// answers from memory whose a secret is. A secret is shown once: only its SHA-256, a
// short prefix and its last four characters are kept. Keys live in machine time.
// Rules: domain-catalog-provisioning §2.
package account

import (
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
)

// The environments that every account starts with (domain-catalog-provisioning §2.2).
const (
	Development tenant.ID = 1
	Production  tenant.ID = 2
)

// Account is the company that runs this Purser. A database has one.
type Account struct {
	ID          string
	DisplayName string
	BillingDefaults
	CreatedAt time.Time
}

// Environment is a world of its own: nothing is shared between two of them.
type Environment struct {
	ID          tenant.ID
	UUID        string
	AccountID   string
	Slug        string // "development"
	DisplayName string
	Production  bool
	CreatedAt   time.Time
}

// ErrEnvironmentMissing is the answer to a slug that no environment has.
var ErrEnvironmentMissing = errs.New(errs.NotFound, "EnvironmentMissing", "There is no such environment.")

// newEnvironments are the two environments of a new account.
func newEnvironments(a Account, newID func() string) []Environment {
	return []Environment{
		{ID: Development, UUID: newID(), AccountID: a.ID, Slug: "development", DisplayName: "Development", CreatedAt: a.CreatedAt},
		{ID: Production, UUID: newID(), AccountID: a.ID, Slug: "production", DisplayName: "Production", Production: true, CreatedAt: a.CreatedAt},
	}
}
