package rest

import (
	"context"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/provisioning"
)

// importLimit is the largest import in bytes: a thousand customers with some metadata each.
const importLimit = 8 << 20

type importCustomersInput struct {
	Body struct {
		Customers     []importedCustomerIn `json:"customers" minItems:"1" maxItems:"1000"`
		IntegrationID Given[string]        `json:"integrationId,omitzero" minLength:"1" maxLength:"255" doc:"Where payment methods are kept."`
	}
}

// importedCustomerIn is one row of an import. Name and email are required and may be null.
type importedCustomerIn struct {
	ID              string            `json:"id" minLength:"1" maxLength:"255" format:"customer-ref"`
	Email           Opt[string]       `json:"email" maxLength:"255" format:"email"`
	Name            Opt[string]       `json:"name" maxLength:"255"`
	BillingID       Given[string]     `json:"billingId,omitzero" maxLength:"255"`
	Metadata        map[string]string `json:"metadata,omitempty" format:"metadata" doc:"Merged into what is there; an empty text deletes."`
	PaymentMethodID Given[string]     `json:"paymentMethodId,omitzero" maxLength:"255" doc:"Needs integrationId."`
	SalesforceID    Given[string]     `json:"salesforceId,omitzero" maxLength:"255"`
	UpdatedAt       Given[Time]       `json:"updatedAt,omitzero" doc:"When the row was true: a customer who was changed later keeps what it has."`
}

func (in *importCustomersInput) rows() customer.Import {
	id, _ := in.Body.IntegrationID.Get()
	out := customer.Import{IntegrationID: id, Rows: make([]customer.Row, 0, len(in.Body.Customers))}
	for _, c := range in.Body.Customers {
		r := customer.Row{
			ID: c.ID, Name: c.Name.Ptr(), Email: c.Email.Ptr(), BillingID: c.BillingID.Ptr(), SalesforceID: c.SalesforceID.Ptr(),
			PaymentMethodID: c.PaymentMethodID.Ptr(), Metadata: c.Metadata,
		}
		if at, ok := c.UpdatedAt.Get(); ok {
			r.UpdatedAt = &at.Time
		}
		out.Rows = append(out.Rows, r)
	}
	return out
}

func (h Customers) importAll(ctx context.Context, env tenant.ID, in *importCustomersInput) (provisioning.Imported, error) {
	return h.Provisioning.Import(ctx, env, in.rows())
}

// importedBody is the answer to an import.
type importedBody struct {
	NewCustomers []string `json:"newCustomers"`
}

func importedOf(r provisioning.Imported) importedBody { return importedBody{r.NewCustomers} }
