package rest

import (
	"context"
	"fmt"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/provisioning"
)

type importSubscriptionsInput struct {
	Body struct {
		Subscriptions []importedSubscriptionIn `json:"subscriptions" minItems:"1" maxItems:"1000"`
		IntegrationID Opt[string]              `json:"integrationId,omitzero" maxLength:"255" doc:"Where billingId is known."`
	}
}

// importedSubscriptionIn is one row of an import. An import charges nothing and follows no journey.
type importedSubscriptionIn struct {
	ID            string             `json:"id" minLength:"1" maxLength:"255" format:"ref"`
	CustomerID    string             `json:"customerId" minLength:"1" maxLength:"255" format:"customer-ref"`
	PlanID        string             `json:"planId" minLength:"1" maxLength:"255" format:"ref"`
	ResourceID    Opt[string]        `json:"resourceId,omitzero" maxLength:"255" format:"ref"`
	StartDate     Opt[Time]          `json:"startDate,omitzero"`
	EndDate       Opt[Time]          `json:"endDate,omitzero"`
	BillingID     Opt[string]        `json:"billingId,omitzero" maxLength:"255"`
	BillingPeriod string             `json:"billingPeriod,omitempty" enum:"MONTHLY,ANNUALLY"`
	Addons        []addonQuantity    `json:"addons,omitempty" maxItems:"100"`
	Charges       []quantityBody     `json:"charges,omitempty" maxItems:"100"`
	Entitlements  []ownEntitlementIn `json:"entitlements,omitempty" maxItems:"100" doc:"Of a plan with prices by agreement: what it leaves open."`
	Metadata      map[string]string  `json:"metadata,omitempty" format:"metadata"`
	UpdatedAt     Opt[Time]          `json:"updatedAt,omitzero" doc:"When the row was true: a subscription of this customer to this plan that was changed later is left alone."`
}

func (in *importSubscriptionsInput) rows() ([]provisioning.ImportedSubscription, error) {
	var c errs.Checks
	rows := make([]provisioning.ImportedSubscription, 0, len(in.Body.Subscriptions))
	for i, s := range in.Body.Subscriptions {
		path := fmt.Sprintf("subscriptions[%d].", i)
		rows = append(rows, provisioning.ImportedSubscription{
			CustomerID: s.CustomerID, EndDate: moment(s.EndDate), UpdatedAt: moment(s.UpdatedAt),
			Params: provisioning.Params{
				Path: path, PlanID: s.PlanID, ID: &s.ID, ResourceID: s.ResourceID.Ptr(), StartDate: moment(s.StartDate),
				BillingID: s.BillingID.Or(""), BillingPeriod: s.BillingPeriod, Addons: addonsOf(s.Addons), Metadata: s.Metadata,
				Charges: SubscriptionTerms{Charges: s.Charges}.quantities(&c, path), Values: valuesOf(&c, path, s.Entitlements),
			},
		})
	}
	return rows, c.Err()
}

func (h Subscriptions) importAll(ctx context.Context, env tenant.ID, in *importSubscriptionsInput) (provisioning.Task, error) {
	rows, err := in.rows()
	if err != nil {
		return provisioning.Task{}, err
	}
	return h.Provisioning.ImportSubscriptions(ctx, env, rows, in.Body.IntegrationID.Or(""))
}

type taskIDBody struct {
	TaskID string `json:"taskId" format:"uuid"`
}

func taskIDOf(t provisioning.Task) taskIDBody { return taskIDBody{t.ID} }
