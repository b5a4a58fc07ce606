package apitest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFeedIsReadInPages(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		for i := range 5 {
			s.post(customers, provision(fmt.Sprintf("acme-%d", i), "plan-basic")).want(201)
		}
		end := s.here()
		all := s.feed("limit=1000") // after omitted: from the oldest kept
		if got := all.Data[0]; got.Type != "product.created" || got.Actor.Type != "SYSTEM" {
			t.Errorf("the oldest event is %s by %v, want the first start's default product", got, got.Actor)
		}
		if all.Next != end {
			t.Errorf("next is %s, want the last position %s", all.Next, end)
		}
		var pages []event
		after := ""
		for query := "limit=7"; ; query = "limit=7&after=" + url.QueryEscape(after) {
			f := s.feed(query)
			if len(f.Data) == 0 {
				if f.Next != after {
					t.Errorf("at the end next is %s, want %s again", f.Next, after)
				}
				break
			}
			if last := f.Data[len(f.Data)-1].Position; f.Next != last {
				t.Errorf("next is %s, want the last position %s", f.Next, last)
			}
			after = f.Next
			pages = append(pages, f.Data...)
		}
		if d := cmp.Diff(all.Data, pages); d != "" {
			t.Errorf("read in pages (-at once +in pages):\n%s", d)
		}
		versions := map[string]int64{}
		last := int64(-1)
		for _, e := range all.Data {
			_, number, _ := strings.Cut(e.Position, ".")
			n, err := strconv.ParseInt(number, 10, 64)
			if err != nil || n <= last {
				t.Fatalf("position %s after %d", e.Position, last)
			}
			last = n
			if key := e.Entity.Type + " " + e.Entity.ID; e.Version < versions[key] {
				t.Errorf("%s has version %d after %d", e, e.Version, versions[key])
			} else {
				versions[key] = e.Version
			}
			if e.Actor.Type == "" || e.Actor.ID == "" || e.At.IsZero() || e.RecordedAt.IsZero() || !json.Valid(e.Payload) {
				t.Errorf("incomplete: %+v", e)
			}
			if e.Type == "customer.created" && e.Actor.Type != "API_KEY" {
				t.Errorf("%s was made by %v, want the key", e, e.Actor)
			}
		}
	})
}

func TestFeedParametersAreChecked(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		const feed = "/api/v1/feed?"
		for _, limit := range []string{"0", "-1", "1001", "x"} {
			s.get(feed+"limit="+limit).refused(400, "BadUserInput", "limit")
		}
		for _, wait := range []string{"-1", "26", "x"} {
			s.get(feed+"wait="+wait).refused(400, "BadUserInput", "wait")
		}
		s.get(feed + "limit=1000&wait=25").want(200)
		end := s.here()
		generation, number, _ := strings.Cut(end, ".")
		for _, after := range []string{"x", "5", ".", generation + ".", generation + ".x", generation + ".-1", "." + number, generation + "." + number + ".1"} {
			s.get(feed+"after="+url.QueryEscape(after)).refused(400, "BadUserInput", "after")
		}
		for _, after := range []string{"elsewhere." + number, generation + ".999999999"} {
			s.get(feed+"after="+url.QueryEscape(after)).refused(410, "FeedResync")
		}
		// Positions are the database's; what lies between them may be another environment's.
		s.production.get(feed+"after="+url.QueryEscape(end)).want(200).has("data", []any{})
		s.get(feed+"limit=0&after=x&wait=99").refused(400, "BadUserInput", "limit", "after", "wait")
	})
}

func TestFeedDefaultLimit(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		for i := range 101 {
			s.post(customers, fmt.Sprintf(`{"id":"acme-%d"}`, i)).want(201)
		}
		s.here()
		if n := len(s.feed("").Data); n != 100 {
			t.Errorf("%d events without a limit, want 100", n)
		}
	})
}

// A reader that waits gets what is written meanwhile, and nothing of other environments.
func TestFeedWaits(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		end := s.here()
		got := make(chan *answer, 1)
		go func() { got <- s.send("GET", "/api/v1/feed?wait=25&after="+url.QueryEscape(end), "") }()
		s.production.post(customers, `{"id":"elsewhere"}`).want(201)
		s.post(customers, `{"id":"acme"}`).want(201)
		var f feedAnswer
		if a := <-got; a.status != 200 || json.Unmarshal(a.raw, &f) != nil {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		if len(f.Data) != 1 || f.Data[0].String() != "customer.created customer acme" || f.Next != f.Data[0].Position {
			t.Errorf("got %v, next %s", f.Data, f.Next)
		}
		// Without wait the answer comes at once.
		if f := s.feed("after=" + url.QueryEscape(f.Next)); len(f.Data) != 0 {
			t.Errorf("got %v", f.Data)
		}
	})
}

// No name, email or metadata ever gets into the feed: archiving must erase them (storage.md 4).
func TestFeedHoldsNothingPersonal(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, `{"id":"acme","name":"Erika Mustermann","email":"erika@mustermann.example","billingId":"Mustermann-billing",
			"language":"de","timezone":"Europe/Berlin","metadata":{"Mustermann-key":"Mustermann-value"},
			"integrations":[{"id":"i","vendorIdentifier":"STRIPE","syncedEntityId":"Mustermann-stripe"}],
			"defaultPaymentMethod":{"type":"CARD","billingId":"Mustermann-card","cardLast4Digits":"4242"},
			"passthrough":{"stripe":{"customerName":"Erika Mustermann"}},
			"subscriptionParams":{"planId":"plan-pro","metadata":{"Mustermann-sub":"Mustermann-value"}}}`).want(201)
		s.patch(customers+"/acme", `{"name":"Erika Mustermann-Beispiel","email":"beispiel@mustermann.example","metadata":{"Mustermann-more":"x"}}`).want(200)
		s.post(customers, `{"id":"acme","name":"Otto Mustermann"}`).refused(409, "DuplicatedEntityNotAllowed")
		s.moveTo(begin.Add(20 * day))
		s.post(customers+"/acme/archive", "").want(200)
		s.post(customers+"/acme/unarchive", "").want(200)
		seen := map[string]bool{}
		for _, e := range s.happenedAtAll("") {
			seen[e.Type] = true
			if body := strings.ToLower(string(e.Payload)); strings.Contains(body, "mustermann") || strings.Contains(body, "erika") || strings.Contains(body, "4242") {
				t.Errorf("%s holds personal data: %s", e, e.Payload)
			}
		}
		for _, typ := range []string{"customer.created", "customer.updated", "customer.deleted", "subscription.created", "subscription.trial_expired"} {
			if !seen[typ] {
				t.Errorf("no %s in the feed", typ)
			}
		}
	})
}

func TestFeedShape(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		since := s.here()
		s.post(customers, provision("acme", "plan-pro", `"id":"sub-1"`)).want(201)
		s.patch(customers+"/acme", `{"name":"Acme"}`).want(200)
		s.moveTo(begin.Add(14 * day))
		s.post(customers+"/acme/archive", "").want(200)
		s.here()
		s.get("/api/v1/feed?limit=14&after=" + url.QueryEscape(since)).want(200).golden("feed")
	})
}
