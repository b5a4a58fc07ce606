package apitest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const imports = customers + "/import"

// imported is the body of an import; a row is an id, or an id and further members.
func imported(rows ...string) string {
	list := make([]string, 0, len(rows))
	for _, r := range rows {
		if !strings.HasPrefix(r, "{") {
			id, more, given := strings.Cut(r, ",")
			if r = fmt.Sprintf(`{"id":%q,"name":null,"email":null`, id); given {
				r += "," + more
			}
			r += "}"
		}
		list = append(list, r)
	}
	return `{"customers":[` + strings.Join(list, ",") + `]}`
}

// numbered are n rows with ids that begin alike.
func numbered(prefix string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s-%04d", prefix, i)
	}
	return list
}

// Import (domain-catalog-provisioning §8.2): new customers are made, those that exist are updated.
func TestImport(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, `{"id":"old","name":"Old","email":"old@acme.example","billingId":"b-0","metadata":{"keep":"1","change":"1","drop":"1"}}`).want(201)
		s.moveTo(begin.Add(day))
		since := s.here()
		body := imported(
			`{"id":"new@acme.example","name":"New","email":"new@acme.example","billingId":"b-1","salesforceId":"sf-1","metadata":{"a":"1","none":""}}`,
			`{"id":"old","name":"Renamed","email":null,"metadata":{"change":"2","drop":"","add":"3"}}`,
			`{"id":"bare","name":null,"email":"","updatedAt":"2020-01-01T00:00:00Z"}`)
		s.post(imports, body).want(200).golden("customers_imported")
		events := s.happened(since, "customer.created customer bare", "customer.created customer new@acme.example", "customer.updated customer old")
		for _, e := range events {
			if e.Actor.Type != "API_KEY" || !e.At.Equal(begin.Add(day)) {
				t.Errorf("%s: %+v at %s", e, e.Actor, e.At)
			}
			for _, secret := range []string{"Renamed", "New", "b-1", "sf-1"} {
				if strings.Contains(string(e.Payload), secret) {
					t.Errorf("%s tells %s: %s", e, secret, e.Payload)
				}
			}
		}
		if got := string(events[2].Payload); !strings.Contains(got, "metadata") || !strings.Contains(got, "email") || strings.Contains(got, "billingId") {
			t.Errorf("what changed: %s", got)
		}
		s.get(customers+"/new@acme.example").want(200).
			has("data.name", "New", "data.email", "new@acme.example", "data.billingId", "b-1", "data.metadata", map[string]string{"a": "1"},
				"data.createdAt", stamp(begin.Add(day)), "data.trialedPlans", []any{})
		s.get(customers+"/old").want(200).
			has("data.name", "Renamed", "data.email", nil, "data.billingId", "b-0", "data.createdAt", stamp(begin), "data.updatedAt", stamp(begin.Add(day)),
				"data.metadata", map[string]string{"keep": "1", "change": "2", "add": "3"})
		s.get(customers+"/bare").want(200).has("data.name", nil, "data.email", nil)
		s.get("/api/v1/subscriptions").want(200).has("data", []any{})
		s.check("bare", "feature-seats").has("data.accessDeniedReason", "NoActiveSubscription")

		// A repeat changes nothing and says nothing.
		s.moveTo(begin.Add(2 * day))
		since = s.here()
		s.post(imports, body).want(200).has("data.newCustomers", []any{})
		s.happened(since)
		s.get(customers+"/old").want(200).has("data.updatedAt", stamp(begin.Add(day)))
		// A provision is another request.
		s.post(customers, `{"id":"bare"}`).refused(409, "DuplicatedEntityNotAllowed", "id")
		s.production.get(customers+"/bare").refused(404, "CustomerNotFound")
	})
}

// A customer who was changed after the row was true keeps what it has.
func TestImportKeepsWhatIsNewer(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(customers, `{"id":"acme","name":"Acme"}`).want(201)
		s.moveTo(begin.Add(day))
		row := func(name string, at time.Time) string {
			return imported(fmt.Sprintf(`{"id":"acme","name":%q,"email":null,"updatedAt":%q}`, name, stamp(at)))
		}
		since := s.here()
		s.post(imports, row("Older", begin.Add(-time.Millisecond))).want(200).has("data.newCustomers", []any{})
		s.get(customers+"/acme").want(200).has("data.name", "Acme", "data.updatedAt", stamp(begin))
		s.happened(since)
		s.post(imports, row("Equal", begin)).want(200)
		s.get(customers+"/acme").want(200).has("data.name", "Equal", "data.updatedAt", stamp(begin.Add(day)))
		s.post(imports, row("Between", begin.Add(time.Hour))).want(200)
		s.get(customers+"/acme").want(200).has("data.name", "Equal")
		s.post(imports, imported(`{"id":"acme","name":"Undated","email":null}`)).want(200)
		s.get(customers+"/acme").want(200).has("data.name", "Undated")

		// Archived customers are left alone.
		s.post(customers+"/acme/archive", "").want(200)
		since = s.here()
		s.post(imports, imported(`{"id":"acme","name":"Back","email":null}`, "bolt")).want(200).has("data.newCustomers", []string{"bolt"})
		s.happened(since, "customer.created customer bolt")
		s.get(customers+"/acme?includeArchived=true").want(200).has("data.name", nil)
	})
}

// An import writes on customers, so what is due for them happens first (storage.md 5).
func TestImportSettles(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startTrial)
		s.post(customers, provision("acme", "plan-pro")).want(201)
		s.moveTo(begin)
		since := s.here()
		s.del("/api/v1/test-clock").want(200)
		s.clock.Add(20 * day)
		s.post(imports, imported(`{"id":"acme","name":"Acme","email":null}`)).want(200)
		var types []string
		for _, e := range s.happenedAtAll(since) {
			types = append(types, e.Type)
		}
		if ended, updated := slices.Index(types, "subscription.trial_expired"), slices.Index(types, "customer.updated"); ended < 0 || ended > updated {
			t.Errorf("events: %v", types)
		}
	})
}

func TestBadImport(t *testing.T) {
	long := strings.Repeat("x", 256)
	full := make([]string, 50)
	for i := range full {
		full[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	each(t, func(t *testing.T, s *server) {
		s.post(customers, `{"id":"full","metadata":{`+strings.Join(full, ",")+`}}`).want(201)
		since := s.here()
		for _, tc := range []struct {
			name, body string
			status     int
			code       string
			paths      []string
		}{
			{"nothing", `{}`, 400, "BadUserInput", []string{"customers"}},
			{"no rows", `{"customers":[]}`, 400, "BadUserInput", []string{"customers"}},
			{"too many rows", imported(numbered("c", 1001)...), 400, "BadUserInput", []string{"customers"}},
			{"required", `{"customers":[{"id":"a"},{"name":null,"email":null}]}`, 400, "BadUserInput", []string{"customers[0].email", "customers[0].name", "customers[1].id"}},
			{
				"every bad field of every row",
				imported("good", `{"id":"a b","name":"`+long+`","email":"nobody"}`, `{"id":"","name":5,"email":null}`,
					`c,"billingId":"`+long+`","salesforceId":null,"metadata":{"k":5},"updatedAt":"today"`, `d,"metadata":{"`+long[:41]+`":"v"},"paymentMethodId":7`),
				400, "BadUserInput",
				[]string{
					"customers[1].id", "customers[1].name", "customers[1].email", "customers[2].id", "customers[2].name", "customers[3].billingId",
					"customers[3].salesforceId", "customers[3].metadata.k", "customers[3].updatedAt", "customers[4].metadata", "customers[4].paymentMethodId",
				},
			},
			{"an id twice", imported("a", "b", "a", "a"), 400, "InvalidArgumentError", []string{"customers[2].id", "customers[3].id"}},
			{
				"payment methods without integration", imported("a", `b,"paymentMethodId":"pm_1"`, `c,"paymentMethodId":"pm_2"`),
				400, "InvalidArgumentError",
				[]string{"customers[1].paymentMethodId", "customers[2].paymentMethodId"},
			},
			{"integration", `{"integrationId":"stripe","customers":[{"id":"a","name":null,"email":null,"paymentMethodId":"pm_1"}]}`, 404, "IntegrationNotFound", []string{"integrationId"}},
			{"metadata that does not fit", imported("a", `full,"metadata":{"one-more":"v"}`), 400, "BadUserInput", []string{"customers[1].metadata"}},
			{
				"late metadata that does not fit", imported(append(numbered("early", 300), `full,"metadata":{"one-more":"v"}`)...),
				400, "BadUserInput",
				[]string{"customers[300].metadata"},
			},
		} {
			t.Run(tc.name, func(t *testing.T) { s.in(t).post(imports, tc.body).refused(tc.status, tc.code, tc.paths...) })
		}
		s.happened(since)
		s.get(customers+"?limit=100").want(200).has("data.0.id", "full")
		s.post(imports, imported(`full,"metadata":{"one-more":"v","k0":""}`)).want(200)
		s.client.post(imports, imported("a")).refused(403, "IdentityForbidden")
		// Unknown members are ignored and named, as on every route of the original.
		if got := s.post(imports, imported(`a,"nmae":"x"`)).want(200).head.Get(ignored); got != "customers[0].nmae" {
			t.Errorf("%s: %q", ignored, got)
		}
	})
}

// A thousand rows are several transactions and one answer, also to a repeat with the same key.
func TestLargeImport(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		rows := numbered("c", 1000)
		want := slices.Clone(rows)
		slices.Reverse(rows)
		since := s.here()
		first := s.post(imports, imported(rows...), idempotencyKey, "k1").want(200).has("data.newCustomers", want)
		events := s.happenedAtAll(since)
		if len(events) != 1000 {
			t.Fatalf("%d events, want one per customer", len(events))
		}
		// What happened since stays, though an early batch says otherwise.
		s.patch(customers+"/c-0000", `{"name":"Later"}`).want(200)
		since = s.here()
		if again := s.post(imports, imported(rows...), idempotencyKey, "k1").want(200); string(again.raw) != string(first.raw) {
			t.Errorf("the replay differs:\n%s\n%s", first.raw, again.raw)
		}
		s.post(imports, imported(rows[1:]...), idempotencyKey, "k1").refused(409, "IdempotencyKeyReused")
		s.happened(since)
		s.get(customers+"/c-0000").want(200).has("data.name", "Later")
		s.post(imports, imported(rows...), idempotencyKey, "k2").want(200).has("data.newCustomers", []any{})
		s.happened(since, "customer.updated customer c-0000")
	})
}

// Imports of the same new customers at once, in any order and beside provisions, all succeed, and each customer is made once.
func TestImportsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		rows := numbered("c", 450)
		since := s.here()
		const n = 8
		answers := make([]*answer, 0, 2*n)
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range n {
			mine := slices.Concat(rows[i*50:], rows[:i*50])
			if i%2 == 1 {
				slices.Reverse(mine)
			}
			if i > 5 {
				mine = mine[:200] // their batches are cut elsewhere
			}
			send := func(path, body string) {
				wg.Go(func() {
					a := s.send("POST", path, body)
					mu.Lock()
					defer mu.Unlock()
					answers = append(answers, a)
				})
			}
			send(imports, imported(mine...))
			send(customers, fmt.Sprintf(`{"id":%q}`, mine[len(mine)/2])) // 409 when an import made it
		}
		wg.Wait()
		for _, a := range answers {
			if a.status >= 500 || a.status >= 400 && a.call == "POST "+imports {
				t.Errorf("%s: %d\n%s", a.call, a.status, a.raw)
			}
		}
		got := []string{}
		for _, e := range s.happenedAtAll(since) {
			got = append(got, e.String())
		}
		slices.Sort(got)
		want := []string{}
		for _, id := range rows {
			want = append(want, "customer.created customer "+id)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("events (-want +got):\n%s", d)
		}
	})
}
