package apitest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const account = "/api/v1/account"

// The account and its billing defaults (contract §4.3, domain-catalog-provisioning §2.1).
func TestAccount(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		a := s.get(account).want(200).golden("account").
			has("data.timezone", "UTC", "data.subscriptionBillingAnchor", "SUBSCRIPTION_START",
				"data.subscriptionProrationBehavior", "INVOICE_IMMEDIATELY", "data.createdAt", stamp(begin))
		since, elsewhere := s.here(), s.production.here()
		s.patch(account, `{"displayName":"Acme","timezone":"Europe/Berlin","subscriptionBillingAnchor":"START_OF_THE_MONTH"}`).want(200).
			has("data.id", a.text("data.id"), "data.displayName", "Acme", "data.timezone", "Europe/Berlin",
				"data.subscriptionBillingAnchor", "START_OF_THE_MONTH", "data.subscriptionProrationBehavior", "INVOICE_IMMEDIATELY")
		s.patch(account, `{"subscriptionProrationBehavior":"NONE"}`).want(200).has("data.timezone", "Europe/Berlin")
		s.patch(account, `{"displayName":"Acme","subscriptionProrationBehavior":"NONE"}`).want(200) // nothing new
		s.patch(account, `{}`).want(200)
		changed := "account.updated account " + a.text("data.id")
		events := s.happened(since, changed, changed)
		if d := cmp.Diff(plain(map[string]any{
			"changed": []string{"displayName", "timezone", "subscriptionBillingAnchor"}, "timezone": "Europe/Berlin",
			"subscriptionBillingAnchor": "START_OF_THE_MONTH", "subscriptionProrationBehavior": "INVOICE_IMMEDIATELY",
		}), plain(json.RawMessage(events[0].Payload))); d != "" {
			t.Errorf("payload (-want +got):\n%s", d)
		}
		if events[0].Actor.Type != "API_KEY" {
			t.Errorf("actor: %+v", events[0].Actor)
		}
		// All environments share it; the event is in the one that asked.
		s.production.get(account).want(200).has("data.displayName", "Acme", "data.subscriptionProrationBehavior", "NONE")
		s.production.happened(elsewhere)
	})
}

func TestBadAccountUpdate(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		before := s.get(account).want(200)
		since := s.here()
		s.patch(account, `{"displayName":"","timezone":"Moon/Base","subscriptionBillingAnchor":"NEVER","subscriptionProrationBehavior":5}`).
			refused(400, "BadUserInput", "displayName", "timezone", "subscriptionBillingAnchor", "subscriptionProrationBehavior")
		s.patch(account, `{"displayName":"`+strings.Repeat("x", 256)+`"}`).refused(400, "BadUserInput", "displayName")
		for _, zone := range []string{`""`, `"Local"`, `null`, `"../etc/passwd"`} {
			s.patch(account, `{"timezone":`+zone+`}`).refused(400, "BadUserInput", "timezone")
		}
		s.patch(account, `{"displayName":"Acme","status":"BLOCKED"}`).refused(400, "BadUserInput", "status") // our own route is strict
		s.patch(account, ``).refused(400, "BadUserInput")
		s.happened(since)
		if after := s.get(account).want(200); string(after.raw) != string(before.raw) {
			t.Errorf("it changed:\n%s\n%s", before.raw, after.raw)
		}
	})
}
