package app

import (
	"context"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/core/account"
)

// apiKeys gives the edge its view of the account's keys.
type apiKeys struct{ keys *account.Authenticator }

// Authenticate implements auth.Keys.
func (k apiKeys) Authenticate(ctx context.Context, secret string) (auth.Identity, error) {
	c, err := k.keys.Authenticate(ctx, secret)
	if err != nil {
		return auth.Identity{}, err
	}
	id := auth.Identity{
		Environment:     c.Environment.ID,
		EnvironmentSlug: c.Environment.Slug,
		Production:      c.Environment.Production,
		KeyID:           c.KeyID,
		Kind:            auth.Client,
	}
	if c.Kind == account.ServerKey {
		id.Kind = auth.Server
	}
	return id, nil
}
