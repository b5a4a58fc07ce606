package rest

import (
	"context"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/provisioning"
)

func (h Subscriptions) history(ctx context.Context, env tenant.ID, in *subscriptionIDInput) ([]provisioning.HistoryEntry, error) {
	return h.Provisioning.History(ctx, env, in.ID)
}

func historiesOf(list []provisioning.HistoryEntry) []historyBody {
	out := make([]historyBody, 0, len(list))
	for _, e := range list {
		out = append(out, historyOf(e))
	}
	return out
}

// historyBody is one change of a subscription (contract §5.7).
type historyBody struct {
	At      Time             `json:"at"`
	Type    string           `json:"type" doc:"Of the event that the feed has about it: subscription.updated."`
	Status  string           `json:"status" enum:"PAYMENT_PENDING,ACTIVE,EXPIRED,IN_TRIAL,CANCELED,NOT_STARTED" doc:"After the change."`
	Actor   event.Actor      `json:"actor"`
	Reason  Opt[string]      `json:"reason"`
	Steps   []string         `json:"steps" doc:"How it was decided, in words."`
	Invoice Opt[invoiceBody] `json:"invoice" doc:"What it cost; null when it cost nothing and gave nothing back."`
}

func historyOf(e provisioning.HistoryEntry) historyBody {
	b := historyBody{
		At: At(e.At), Type: e.Type, Status: e.Status, Actor: e.Actor, Reason: text(e.Reason),
		Steps: e.Steps, Invoice: Null[invoiceBody](),
	}
	if b.Steps == nil {
		b.Steps = []string{}
	}
	if e.Invoice != nil {
		b.Invoice = Some(invoiceOf(e.Invoice, nil))
	}
	return b
}
