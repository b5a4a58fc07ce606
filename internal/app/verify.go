package app

import (
	"context"
	"net/http"

	"github.com/purserhq/purser/internal/core/provisioning"
)

// Verified is the outcome of a verification of one environment.
type Verified struct {
	Environment string              `json:"environment"`
	Report      provisioning.Report `json:"report"`
}

// verify looks at every environment.
func (o office) verify(ctx context.Context, _ struct{}) ([]Verified, error) {
	envs, err := o.accounts.Environments(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]Verified, 0, len(envs))
	for _, e := range envs {
		r, err := o.db.Verify(ctx, e.ID)
		if err != nil {
			return nil, err
		}
		list = append(list, Verified{e.Slug, r})
	}
	return list, nil
}

// Verify recomputes what follows from other rows in every environment and reports the differences.
func (c *Control) Verify(ctx context.Context) ([]Verified, error) {
	return ask[[]Verified](ctx, c, "verify", struct{}{})
}

// Verify is Control.Verify for the environment of the key.
func (c Client) Verify(ctx context.Context) ([]Verified, error) {
	r, err := data[provisioning.Report](ctx, c, http.MethodGet, "/api/v1/verify", nil)
	return []Verified{{"this environment", r}}, err
}
