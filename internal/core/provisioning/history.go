package provisioning

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/subscription"
)

// HistoryEntry is one thing that happened to a subscription: what, when, who did it, why, and what it cost.
type HistoryEntry struct {
	At      time.Time
	Type    string // of the event: "subscription.updated"
	Status  string // the subscription's afterwards
	Actor   event.Actor
	Reason  string
	Steps   []string
	Invoice *subscription.Invoice // nil where it cost nothing and gave nothing back
}

// historyLimit is how many entries a history has at most: the newest.
const historyLimit = 1000

// History is what happened to a subscription, from its beginning on. Its events are kept for ever.
func (s *Service) History(ctx context.Context, env tenant.ID, ref string) ([]HistoryEntry, error) {
	if _, err := s.Subscription(ctx, env, ref); err != nil { // settles what is due
		return nil, err
	}
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) ([]HistoryEntry, error) {
		list, err := st.SubscriptionEvents(ctx, env, ref, historyLimit)
		if err != nil {
			return nil, err
		}
		out := make([]HistoryEntry, 0, len(list))
		for _, e := range list {
			entry, err := historyOf(e)
			if err != nil {
				return out, err
			}
			out = append(out, entry)
		}
		return out, nil
	})
}

func historyOf(e event.Event) (HistoryEntry, error) {
	var said struct {
		Status       string                `json:"status"`
		Reason       string                `json:"reason"`
		CancelReason string                `json:"cancelReason"`
		Steps        []string              `json:"steps"`
		Invoice      *subscription.Invoice `json:"invoice"`
	}
	raw, err := e.JSON()
	if err == nil {
		err = json.Unmarshal(raw, &said)
	}
	if err != nil {
		return HistoryEntry{}, fmt.Errorf("read the event at %d: %w", e.Position, err)
	}
	if said.Reason == "" {
		said.Reason = said.CancelReason
	}
	return HistoryEntry{
		At: e.At, Type: e.Type, Status: said.Status, Actor: e.Actor, Reason: said.Reason,
		Steps: said.Steps, Invoice: said.Invoice,
	}, nil
}
