package rest

import (
	"context"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/account"
)

// Account are the routes of the account. They are ours (contract §4.3).
type Account struct{ Accounts *account.Service }

func (h Account) routes(api *API) {
	row := func(id, summary string, p auth.Permission) op {
		return op{ID: id, Path: "/api/v1/account", Tag: "Account", Summary: summary, Permission: p, Own: true}
	}
	get(api, row("getAccount", "Read the account", auth.AccountRead), h.get, data(accountOf))
	update := row("updateAccount", "Change some fields of the account", auth.AccountWrite)
	update.Description = "All environments share the account."
	patch(api, update, h.update, data(accountOf))
}

func (h Account) get(ctx context.Context, _ tenant.ID, _ *struct{}) (account.Account, error) {
	return h.Accounts.Account(ctx)
}

type updateAccountInput struct {
	Body struct {
		DisplayName      Given[string] `json:"displayName,omitzero" minLength:"1" maxLength:"255"`
		Timezone         Given[string] `json:"timezone,omitzero" minLength:"1" maxLength:"255" format:"timezone" doc:"Where days and months of billing begin."`
		BillingAnchor    Given[string] `json:"subscriptionBillingAnchor,omitzero" enum:"SUBSCRIPTION_START,START_OF_THE_MONTH" doc:"Where billing periods of new subscriptions begin."`
		BillingProration Given[string] `json:"subscriptionProrationBehavior,omitzero" enum:"INVOICE_IMMEDIATELY,CREATE_PRORATIONS,NONE" doc:"What a change within a billing period does when the call does not say."`
	}
}

func (h Account) update(ctx context.Context, env tenant.ID, in *updateAccountInput) (account.Account, error) {
	b := in.Body
	return h.Accounts.UpdateAccount(ctx, env, account.Update{
		DisplayName: b.DisplayName.Ptr(), Timezone: b.Timezone.Ptr(), Anchor: b.BillingAnchor.Ptr(), Proration: b.BillingProration.Ptr(),
	})
}

// accountBody is the account on the wire.
type accountBody struct {
	ID               string `json:"id" format:"uuid"`
	DisplayName      string `json:"displayName"`
	Timezone         string `json:"timezone"`
	BillingAnchor    string `json:"subscriptionBillingAnchor" enum:"SUBSCRIPTION_START,START_OF_THE_MONTH"`
	BillingProration string `json:"subscriptionProrationBehavior" enum:"INVOICE_IMMEDIATELY,CREATE_PRORATIONS,NONE"`
	CreatedAt        Time   `json:"createdAt"`
}

func accountOf(a account.Account) accountBody {
	return accountBody{
		ID: a.ID, DisplayName: a.DisplayName, Timezone: a.Timezone, BillingAnchor: a.Anchor, BillingProration: a.Proration,
		CreatedAt: At(a.CreatedAt),
	}
}
