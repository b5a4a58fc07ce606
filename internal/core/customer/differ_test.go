package customer_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/core/customer"
)

// A database may give JSON back in another order and with other spaces; that is no change.
func TestUpdateComparesValues(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, stored, sent string
		same               bool
	}{
		{"the same bytes", `{"b":1,"a":[true,null]}`, `{"b":1,"a":[true,null]}`, true},
		{"another order and spaces", `{"a": [true, null], "bb": {"d": 2, "c": "é"}}`, `{"bb":{"c":"\u00e9","d":2},"a":[true,null]}`, true},
		{"a large number", `9007199254740992`, `9007199254740993`, false},
		{"a number as it is written", `1.50`, `1.5`, false},
		{"a number and its text", `{"a":1}`, `{"a":"1"}`, false},
		{"another order of a list", `[1,2]`, `[2,1]`, false},
		{"null in place of nothing", `{}`, `{"a":null}`, false},
		{"nothing before", ``, `{}`, false},
	} {
		sent := opt.Some(json.RawMessage(tc.sent))
		c := customer.Customer{Version: 1, Details: customer.Details{
			DefaultPaymentMethod: json.RawMessage(tc.stored), Integrations: json.RawMessage(tc.stored), Passthrough: json.RawMessage(tc.stored),
		}}
		changed, err := customer.Update{DefaultPaymentMethod: sent, Integrations: sent, Passthrough: sent}.Apply(&c, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		want, version := []string{"defaultPaymentMethod", "integrations", "passthrough"}, int64(2)
		if tc.same {
			want, version = nil, 1
		}
		if diff := cmp.Diff(want, changed); diff != "" || c.Version != version {
			t.Errorf("%s: version %d, changed (-want +got):\n%s", tc.name, c.Version, diff)
		}
	}
}

func TestUpdateRemovesValues(t *testing.T) {
	t.Parallel()
	none := opt.Null[json.RawMessage]()
	c := customer.Customer{Details: customer.Details{Passthrough: json.RawMessage(`{}`)}}
	changed, err := customer.Update{Integrations: none, Passthrough: none}.Apply(&c, time.Time{})
	if diff := cmp.Diff([]string{"passthrough"}, changed); diff != "" || err != nil {
		t.Errorf("%v, changed (-want +got):\n%s", err, diff)
	}
}
