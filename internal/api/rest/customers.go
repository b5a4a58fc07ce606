package rest

import (
	"context"
	"encoding/json"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/provisioning"
)

// Customers are the routes of customers, provisioning among them.
type Customers struct{ Provisioning *provisioning.Service }

func (h Customers) routes(api *API) {
	row := func(id, path, summary string, p auth.Permission) op {
		return op{ID: id, Path: "/api/v1/customers" + path, Tag: "Customers", Summary: summary, Permission: p}
	}
	provision := row("provisionCustomer", "", "Provision a customer, with the subscription that the journey gives it", auth.CustomerWrite)
	provision.Status, provision.Also = 201, []int{200}
	post(api, provision, h.provision, provisioned)
	many := row("importCustomers", "/import", "Bring customers over from somewhere else", auth.CustomerWrite)
	many.Description = "Customers that exist are updated, unless they were changed after updatedAt; archived ones are left alone. When one row is bad nothing is imported. A repeat changes nothing."
	many.BodyLimit = importLimit
	post(api, many, h.importAll, data(importedOf))
	list(api, row("listCustomers", "", "List customers", auth.CustomerRead), h.list, customerOf)
	get(api, row("getCustomer", "/{id}", "Read a customer", auth.CustomerRead), h.get, data(provisionedCustomerOf))
	patch(api, row("updateCustomer", "/{id}", "Change some fields of a customer", auth.CustomerWrite), h.update, data(provisionedCustomerOf))
	post(api, row("archiveCustomer", "/{id}/archive", "Archive a customer", auth.CustomerWrite), h.archive, data(provisionedCustomerOf))
	list(api, row("listCustomerResources", "/{id}/resources", "List the resources of a customer", auth.CustomerRead), h.resources, resourceOf)
	post(api, row("unarchiveCustomer", "/{id}/unarchive", "Bring an archived customer back", auth.CustomerWrite), h.unarchive, data(provisionedCustomerOf))
}

type customerIDInput struct {
	ID string `path:"id"`
}

type getCustomerInput struct {
	ID              string `path:"id"`
	IncludeArchived bool   `query:"includeArchived"`
}

func (h Customers) get(ctx context.Context, env tenant.ID, in *getCustomerInput) (customer.Customer, error) {
	return h.Provisioning.Customer(ctx, env, in.ID, in.IncludeArchived)
}

type listCustomersInput struct {
	Paging
	Email     string    `query:"email" maxLength:"255" doc:"Exactly this email."`
	Name      string    `query:"name" maxLength:"255" doc:"Exactly this name."`
	CreatedAt DateRange `query:"createdAt"`
}

func (h Customers) list(ctx context.Context, env tenant.ID, in *listCustomersInput) (page.Of[customer.Customer], error) {
	p, err := in.request()
	if err != nil {
		return page.Of[customer.Customer]{}, err
	}
	return h.Provisioning.Customers(ctx, env, customer.Filter{Email: in.Email, Name: in.Name, Created: page.Range(in.CreatedAt)}, p)
}

type updateCustomerInput struct {
	ID   string `path:"id"`
	Body struct {
		Name                 Opt[string]            `json:"name,omitzero" maxLength:"255"`
		Email                Opt[string]            `json:"email,omitzero" maxLength:"255" format:"email"`
		BillingID            Opt[string]            `json:"billingId,omitzero" maxLength:"255"`
		BillingCurrency      Opt[string]            `json:"billingCurrency,omitzero" format:"currency"`
		CouponID             Opt[string]            `json:"couponId,omitzero" maxLength:"255"`
		Language             Opt[string]            `json:"language,omitzero" maxLength:"255"`
		Timezone             Opt[string]            `json:"timezone,omitzero" maxLength:"255" format:"timezone"`
		DefaultPaymentMethod Opt[paymentMethodBody] `json:"defaultPaymentMethod,omitzero"`
		Integrations         []integrationBody      `json:"integrations,omitempty"`
		Passthrough          Opt[passthroughBody]   `json:"passthrough,omitzero"`
		Metadata             map[string]*string     `json:"metadata,omitempty" format:"metadata" doc:"Given keys replace; null or an empty text deletes."`
	}
}

func (h Customers) update(ctx context.Context, env tenant.ID, in *updateCustomerInput) (customer.Customer, error) {
	b := in.Body
	u := customer.Update{
		Name: change(b.Name), Email: change(b.Email), BillingID: change(b.BillingID), CouponID: change(b.CouponID),
		BillingCurrency: change(b.BillingCurrency), Language: change(b.Language), Timezone: change(b.Timezone),
		DefaultPaymentMethod: changeRaw(b.DefaultPaymentMethod), Passthrough: changeRaw(b.Passthrough),
		Metadata: b.Metadata,
	}
	if b.Integrations != nil {
		u.Integrations = opt.Some(storedLinks(b.Integrations))
	}
	return h.Provisioning.Update(ctx, env, in.ID, u)
}

// change is a PATCH member in the core's words.
func change[T any](o Opt[T]) opt.Of[T] {
	if v, ok := o.Get(); ok {
		return opt.Some(v)
	}
	if o.IsNull() {
		return opt.Null[T]()
	}
	return opt.Of[T]{}
}

func changeRaw[T interface{ stored() json.RawMessage }](o Opt[T]) opt.Of[json.RawMessage] {
	if v, ok := o.Get(); ok {
		return opt.Some(v.stored())
	}
	if o.IsNull() {
		return opt.Null[json.RawMessage]()
	}
	return opt.Of[json.RawMessage]{}
}

func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

type archiveCustomerInput struct {
	ID                  string `path:"id"`
	CancelSubscriptions bool   `query:"cancelSubscriptions" doc:"Also end paid and custom subscriptions."`
}

func (h Customers) archive(ctx context.Context, env tenant.ID, in *archiveCustomerInput) (customer.Customer, error) {
	about(ctx, in.ID)
	return h.Provisioning.Archive(ctx, env, in.ID, in.CancelSubscriptions)
}

func (h Customers) unarchive(ctx context.Context, env tenant.ID, in *customerIDInput) (customer.Customer, error) {
	about(ctx, in.ID)
	return h.Provisioning.Unarchive(ctx, env, in.ID)
}

type listResourcesInput struct {
	ID string `path:"id"`
	Paging
}

func (h Customers) resources(ctx context.Context, env tenant.ID, in *listResourcesInput) (page.Of[provisioning.Resource], error) {
	p, err := in.request()
	if err != nil {
		return page.Of[provisioning.Resource]{}, err
	}
	return h.Provisioning.Resources(ctx, env, in.ID, p)
}

// resourceBody is a resource on the wire.
type resourceBody struct {
	ID        string `json:"id"`
	CreatedAt Time   `json:"createdAt"`
	UpdatedAt Time   `json:"updatedAt"`
}

func resourceOf(r provisioning.Resource) resourceBody {
	return resourceBody{ID: r.RefID, CreatedAt: At(r.CreatedAt), UpdatedAt: At(r.UpdatedAt)}
}
