package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// Whatever is sent, no line of the log and no event has a name, an email, metadata or a key in it.
func TestNothingPersonalIsLoggedOrTold(t *testing.T) {
	each(t, func(t *testing.T, at place) {
		s := serve(t, at, "--log-level", "debug")
		s.demo()
		const name, email, meta = "Zaphod Beeblebrox", "zaphod@heart-of-gold.example", "pangalactic"
		who := provision{
			ID: "acme", Name: name, Email: email, Metadata: map[string]string{"drink": meta},
			SubscriptionParams: &params{"plan-pro"},
		}
		other := who
		other.Name += " II"
		const path = "/api/v1/customers"
		for _, r := range []struct {
			method, path string
			body         any
			status       int
		}{
			{http.MethodPost, path, who, 200},
			{http.MethodPost, path, who, 200},
			{http.MethodPost, path, other, 409},
			{http.MethodPost, path, provision{ID: "x", Email: "no email of " + name}, 400},
			{http.MethodPost, path, map[string]any{"id": email, "name": []string{name}, meta: meta}, 400},
			{http.MethodPost, path, map[string]any{"id": "y", "name": name, "email": email, "subscriptionParams": map[string]string{"planId": "no-" + meta}}, 404},
			{http.MethodPatch, path + "/acme", map[string]any{"name": name + " III", "metadata": map[string]string{"drink": meta + "-2"}}, 200},
			{http.MethodGet, path + "?email=" + email, nil, 200},
			{http.MethodGet, path + "/" + email, nil, 404},
			{http.MethodGet, "/api/v1/" + meta, nil, 404},
			{http.MethodPost, path + "/acme/archive", nil, 200},
			{http.MethodGet, path, nil, 200},
		} {
			if got, code := s.status(r.method, r.path, r.body); got != r.status {
				t.Errorf("%s %s: %d %s, want %d", r.method, r.path, got, code, r.status)
			}
		}
		const strange = "server-nobody-has-this-key-00000000000001"
		if got, _ := s.with(strange).status(http.MethodGet, path, nil); got != 401 {
			t.Errorf("an unknown key: %d", got)
		}
		if got, _ := s.with(prodClientKey).status(http.MethodGet, path, nil); got != 403 {
			t.Errorf("a client key: %d", got)
		}
		events, _ := s.feed("", "mark")
		s.stop()

		told, err := json.Marshal(events)
		if err != nil || len(events) < 10 {
			t.Fatalf("%d events, %v", len(events), err)
		}
		log := s.errs.String()
		if n := strings.Count(log, "request_id="); n < 12 {
			t.Fatalf("%d requests are in the log:\n%s", n, log)
		}
		for _, secret := range []string{
			"Zaphod", "Beeblebrox", email, "heart-of-gold", meta, serverKey, clientKey, prodServerKey, prodClientKey, strange,
		} {
			for line := range strings.Lines(log) {
				if strings.Contains(line, secret) {
					t.Errorf("the log says %q: %s", secret, line)
				}
			}
			if strings.Contains(string(told), secret) {
				t.Errorf("the feed says %q:\n%s", secret, told)
			}
		}
	})
}
