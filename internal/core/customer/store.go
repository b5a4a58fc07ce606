package customer

import (
	"context"

	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/event"
)

// Store is what customers need from a transaction.
type Store interface {
	// LockCustomer reads a customer now and holds the row; ErrNotFound when there is none. Archived ones are found.
	LockCustomer(ctx context.Context, env tenant.ID, ref string) (Customer, error)
	// LockCustomers is LockCustomer for several. It holds them in the order of their ids, so that two callers never wait
	// for each other; those that do not exist are missing.
	LockCustomers(ctx context.Context, env tenant.ID, refs []string) (map[string]Customer, error)
	CustomersByRef(ctx context.Context, env tenant.ID, refs []string) (map[string]Customer, error)
	CustomerByRef(ctx context.Context, env tenant.ID, ref string) (Customer, error)
	ListCustomers(ctx context.Context, env tenant.ID, f Filter, p page.Request) (page.Of[Customer], error)
	InsertCustomer(env tenant.ID, c Customer) // queued; a lost race is ErrRaced
	UpdateCustomer(env tenant.ID, c Customer) // queued; the row is held
	event.Log
}

// Filter narrows a list. Email and Name match exactly; archived customers are never listed.
type Filter struct {
	Email   string
	Name    string
	Created page.Range
}
