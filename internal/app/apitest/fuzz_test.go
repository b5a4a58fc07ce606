package apitest

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/purserhq/purser/internal/store/storetest"
)

// fuzzed starts one server per engine for all inputs of a fuzz target.
func fuzzed(f *testing.F) []*server {
	f.Helper()
	var all []*server
	for _, engine := range storetest.Engines() {
		s := start(f, engine)
		s.demo()
		all = append(all, s)
	}
	return all
}

// sane is what holds whatever was sent: no 5xx, JSON, the shape of errors, a documented answer.
func (c caller) sane(method, path, body string) *answer {
	c.t.Helper()
	a := c.do(method, path, body)
	if a.status >= 500 {
		c.t.Errorf("%s: %d\n%s\n%s", a.call, a.status, body, a.raw)
	}
	return a
}

func FuzzCursor(f *testing.F) {
	for _, seed := range []string{
		"", "x", "018f0000-0000-7000-8000-000000000000", "018F0000-0000-7000-8000-00000000000G", "{018f0000-0000-7000-8000-000000000000}",
		"urn:uuid:018f0000-0000-7000-8000-000000000000", "00000000-0000-0000-0000-000000000000", "g.1", "g.-1", "g.9223372036854775808", ".", "..", "\x00", "\xff", "' or 1=1 --", strings.Repeat("9", 300),
	} {
		f.Add(seed)
	}
	servers := fuzzed(f)
	lists := []string{customers, "/api/v1/subscriptions", products, features, plans, plans + "/plan-pro/charges", "/api/v1/feed"}
	f.Fuzz(func(t *testing.T, cursor string) {
		for _, s := range servers {
			for _, path := range lists {
				for _, name := range []string{"after", "before"} {
					if path == "/api/v1/feed" && name == "before" {
						continue
					}
					if a := s.in(t).sane("GET", path+"?"+name+"="+url.QueryEscape(cursor), ""); a.status != 200 && a.status != 400 && a.status != 410 {
						t.Errorf("%s: %d %s", a.call, a.status, a.raw)
					}
				}
			}
		}
	})
}

func FuzzRefID(f *testing.F) {
	for _, seed := range []string{
		"acme", "a/b", "a%2Fb", "..", ".", "a b", "a?b", "a#b", "%", "%zz", "\x00", "\xff\xfe", "acmé", "a;b", "a@b+c:d", "plan-pro", "product-demo",
		strings.Repeat("a", 255), strings.Repeat("a", 256), strings.Repeat("ü", 255), "\"", "'", "{id}", "archive", "a\nb", "\u202e", "😀",
	} {
		f.Add(seed)
	}
	servers := fuzzed(f)
	f.Fuzz(func(t *testing.T, id string) {
		if id == "" || len(id) > 4096 {
			return
		}
		escaped := url.PathEscape(id)
		for _, s := range servers {
			c := s.in(t)
			for _, path := range []string{customers + "/" + escaped, "/api/v1/subscriptions/" + escaped, features + "/" + escaped, plans + "/" + escaped, "/api/v1/tasks/" + escaped} {
				c.sane("GET", path, "")
			}
			if escaped != "." && escaped != ".." {
				c.sane("GET", customers+"/"+escaped+"/entitlements/check?featureId="+url.QueryEscape(id)+"&resourceId="+url.QueryEscape(id), "")
				c.sane("POST", customers+"/"+escaped+"/archive", "")
				c.sane("DELETE", plans+"/"+escaped+"/entitlements/"+escaped, "")
			}
			if !utf8.ValidString(id) {
				continue
			}
			name, _ := json.Marshal(id)
			a := c.sane("POST", customers, fmt.Sprintf(`{"id":%s}`, name))
			if a.status != 201 && a.status != 200 && a.status != 400 && a.status != 409 {
				t.Errorf("%s: %d %s", a.call, a.status, a.raw)
			}
			if a.status == 201 { // what can be made can be found
				c.get(customers+"/"+escaped).want(200).has("data.id", id)
			}
		}
	})
}

func FuzzDecimal(f *testing.F) {
	for _, seed := range []string{
		"0", "49", "49.50", "0.00001", "0.000001", "1e-5", "1e-6", "1e2", "1E+2", "-0", "-1", "1e400", "1e-400", "1e999999999", "99999999999999999999999999",
		"0.1", "12345678901234.12345", "00", "+1", ".5", "5.", "NaN", "Infinity", "0x10", "\"1\"", "null", "[]", "1 2", "",
	} {
		f.Add(seed)
	}
	servers := fuzzed(f)
	for _, s := range servers {
		s.post(plans, `{"id":"draft","displayName":"Draft","productId":"product-demo"}`).want(201)
	}
	f.Fuzz(func(t *testing.T, amount string) {
		for _, s := range servers {
			c := s.in(t)
			body := fmt.Sprintf(`{"charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[
				{"billingPeriod":"MONTHLY","price":{"amount":%s}}]}]}}`, amount)
			a := c.sane("PATCH", plans+"/draft", body)
			if a.status != 200 {
				if a.status != 400 {
					t.Errorf("%q: %d %s", amount, a.status, a.raw)
				}
				continue
			}
			var kept struct {
				Data []struct{ Price struct{ Amount json.Number } }
			}
			if err := json.Unmarshal(c.get(plans+"/draft/charges").want(200).raw, &kept); err != nil || len(kept.Data) == 0 {
				t.Fatalf("%q: charges %v %v", amount, kept, err)
			}
			want, ok := new(big.Rat).SetString(strings.TrimSpace(amount))
			got, _ := new(big.Rat).SetString(kept.Data[0].Price.Amount.String())
			if ok && (got == nil || want.Cmp(got) != 0) {
				t.Errorf("%q was kept as %s", amount, kept.Data[0].Price.Amount)
			}
		}
	})
}

func FuzzProvisionBody(f *testing.F) {
	for _, seed := range []string{
		`{"id":"acme"}`, provision("acme", "plan-basic"), provision("bolt", "plan-pro", `"startDate":"2026-02-01T00:00:00Z"`, `"billingPeriod":"MONTHLY"`),
		`{"id":"a","name":null,"email":"a@b.example","metadata":{"k":"v","":""}}`, `{"id":"a\u0000b"}`, `{"id":"a","name":"\u0000"}`, `{"id":"a","metadata":{"\u0000":"\u0000"}}`,
		`{"id":"a","name":"\ud800"}`, `{"id":"a","passthrough":{"stripe":{"a":"\u0000"}}}`, `{"id":"b","passthrough":{"stripe":[1e999,{"a":null}]}}`,
		`{"id":"c","passthrough":null,"integrations":[{}],"defaultPaymentMethod":{}}`, `{"id":"d","defaultPaymentMethod":{"type":"CARD","cardExpiryMonth":1e308}}`,
		`{"id":"e","subscriptionParams":{"planId":"plan-basic","startDate":"9999-12-31T23:59:59.999999999Z"}}`, `{"id":"f","subscriptionParams":{"planId":"plan-pro","startDate":"0001-01-01T00:00:00Z"}}`,
		`{"id":"g","subscriptionParams":{"planId":"plan-basic","metadata":{"a":"` + strings.Repeat("b", 501) + `"}}}`,
		`{"id":"h","id":"i"}`, `{"ID":"j"}`, `[]`, `null`, `5`, `"x"`, `{`, `{"id":`, `{"id":"k"}x`, "\xff", "\ufeff{}", `{"id":"l","customerId":"l","excludeFromExperiment":true}`,
		strings.Repeat("[", 10000), `{"id":"m","timezone":"../../etc/passwd"}`, `{"id":"n","billingCurrency":"usd","language":"` + strings.Repeat("é", 255) + `"}`,
	} {
		f.Add(seed)
	}
	servers := fuzzed(f)
	f.Fuzz(func(t *testing.T, body string) {
		for _, s := range servers {
			c := s.in(t)
			dry := c.sane("POST", customers+"?dryRun=true", body)
			a := c.sane("POST", customers, body)
			if (dry.status < 300) != (a.status < 300) && a.status != 409 {
				t.Errorf("a dry run answers %d, the real one %d\n%s", dry.status, a.status, body)
			}
			if a.status < 300 { // repeating is safe
				c.sane("POST", customers, body).want(200)
			}
		}
	})
}
