package apitest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCoupons(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		since := s.here()
		s.post(coupons, `{"id":"half","name":"Half","description":"For friends","percentOff":50,"amountsOff":null,"durationInMonths":null,"metadata":{"k":"v"}}`).want(201).
			has("data.type", "PERCENTAGE", "data.percentOff", 50, "data.amountsOff", nil, "data.durationInMonths", nil, "data.status", "ACTIVE", "data.source", "STIGG",
				"data.metadata.k", "v", "data.createdAt", stamp(begin))
		s.post(coupons, `{"id":"off","name":"Off","percentOff":null,"amountsOff":[{"amount":10.5,"currency":"usd"},{"amount":9,"currency":"eur"}],"durationInMonths":3,"description":null,"metadata":null}`).want(201).
			has("data.type", "FIXED", "data.percentOff", nil, "data.durationInMonths", 3, "data.description", nil,
				"data.amountsOff", []any{map[string]any{"amount": 9, "currency": "eur"}, map[string]any{"amount": 10.5, "currency": "usd"}})
		s.post(coupons, `{"id":"half","name":"Again","percentOff":10}`).refused(409, "DuplicatedEntityNotAllowed", "id")
		s.patch(coupons+"/half", `{"name":"A half","description":null,"metadata":{"k":null,"l":"w"}}`).want(200).
			has("data.name", "A half", "data.description", nil, "data.metadata", map[string]string{"l": "w"}, "data.percentOff", 50)
		a := s.patch(coupons+"/half", `{"percentOff":60,"id":"other"}`) // what it takes off never changes
		if got := a.head.Get(ignored); a.status != 400 && (!strings.Contains(got, "percentOff") || !strings.Contains(got, "id")) {
			t.Errorf("%s: %d, %s is %q", a.call, a.status, ignored, got)
		}
		s.get(coupons+"/half").want(200).has("data.percentOff", 50, "data.name", "A half")
		s.post(coupons+"/off/archive", "").want(200).has("data.status", "ARCHIVED")
		s.post(coupons+"/off/archive", "").want(200)
		s.happened(since, "coupon.created coupon half", "coupon.created coupon off", "coupon.updated coupon half", "coupon.archived coupon off")
		for query, want := range map[string][]string{
			"": {"half"}, "status=ARCHIVED": {"off"}, "status=ACTIVE,ARCHIVED": {"half", "off"}, "type=FIXED": {}, "type=PERCENTAGE": {"half"}, "id=off&status=ARCHIVED": {"off"},
		} {
			if d := cmp.Diff(want, s.get(coupons+"?"+query).want(200).column("id")); d != "" {
				t.Errorf("%s (-want +got):\n%s", query, d)
			}
		}
		s.production.get(coupons+"/half").refused(404, "CouponNotFound")
		s.client.get(coupons).refused(403, "IdentityForbidden")
	})
}

func TestBadCoupons(t *testing.T) {
	long := strings.Repeat("x", 41)
	each(t, func(t *testing.T, s *server) {
		made := func(members string) string { return `{"id":"new","name":"New",` + members + `}` }
		list := []refusal{
			{"neither", "", "", made(`"percentOff":null,"amountsOff":null`), 400, "InvalidArgumentError", []string{"percentOff"}},
			{"no amounts", "", "", made(`"amountsOff":[]`), 400, "InvalidArgumentError", nil},
			{"both", "", "", made(`"percentOff":5,"amountsOff":[{"amount":1,"currency":"usd"}]`), 400, "InvalidArgumentError", []string{"amountsOff"}},
			{"0 %", "", "", made(`"percentOff":0`), 400, "InvalidArgumentError", []string{"percentOff"}},
			{"101 %", "", "", made(`"percentOff":101`), 400, "InvalidArgumentError", []string{"percentOff"}},
			{"12.5 %", "", "", made(`"percentOff":12.5`), 400, "InvalidArgumentError", []string{"percentOff"}},
			{"nothing off", "", "", made(`"amountsOff":[{"amount":0,"currency":"usd"}]`), 400, "InvalidArgumentError", []string{"amountsOff[0].amount"}},
			{"more on it", "", "", made(`"amountsOff":[{"amount":-1,"currency":"usd"}]`), 400, "InvalidArgumentError", []string{"amountsOff[0].amount"}},
			{"a tenth of a cent", "", "", made(`"amountsOff":[{"amount":0.001,"currency":"usd"}]`), 400, "InvalidArgumentError", []string{"amountsOff[0].amount"}},
			{"one currency twice", "", "", made(`"amountsOff":[{"amount":1,"currency":"usd"},{"amount":2,"currency":"usd"}]`), 400, "InvalidArgumentError", []string{"amountsOff[1].currency"}},
			{"no currency", "", "", made(`"amountsOff":[{"amount":1,"currency":"EUR"}]`), 400, "BadUserInput", []string{"amountsOff[0].currency"}},
			{"no months", "", "", made(`"percentOff":5,"durationInMonths":0`), 400, "InvalidArgumentError", []string{"durationInMonths"}},
			{"half a month", "", "", made(`"percentOff":5,"durationInMonths":1.5`), 400, "BadUserInput", []string{"durationInMonths"}},
			{"shape", "", "", `{"id":"a b","name":"` + long + `","percentOff":"x","metadata":{"k":5},"description":5}`, 400, "BadUserInput", []string{"id", "name", "percentOff", "metadata.k", "description"}},
			{"nothing", "", "", `{}`, 400, "BadUserInput", nil},
		}
		for i := range list {
			list[i].method, list[i].path = "POST", coupons
		}
		s.post(coupons, `{"id":"half","name":"Half","percentOff":50}`).want(201)
		s.refuseAll(append(list,
			refusal{"change", "PATCH", coupons + "/half", `{"name":"` + long + `","description":5,"metadata":{"k":5}}`, 400, "BadUserInput", []string{"name", "description", "metadata.k"}},
			refusal{"no name", "PATCH", coupons + "/half", `{"name":""}`, 400, "BadUserInput", []string{"name"}},
			refusal{"read", "GET", coupons + "/none", "", 404, "CouponNotFound", nil},
			refusal{"changed", "PATCH", coupons + "/none", `{}`, 404, "CouponNotFound", nil},
			refusal{"archived", "POST", coupons + "/none/archive", "", 404, "CouponNotFound", nil},
		))
		s.get(coupons+"/new").refused(404, "CouponNotFound")
		s.post(coupons, made(`"amountsOff":[{"amount":0.001,"currency":"kwd"},{"amount":100,"currency":"jpy"}]`)).want(201)
	})
}

// A customer has at most one coupon (§3.10).
func TestCustomerCoupon(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(customers, `{"id":"acme","couponId":"half"}`).want(201).has("data.couponId", "half")
		s.post(customers, `{"id":"bolt"}`).want(201).has("data.couponId", nil)
		s.post(coupons, `{"id":"old","name":"Old","percentOff":5}`).want(201)
		s.post(customers, `{"id":"early","couponId":"old"}`).want(201)
		s.post(coupons+"/old/archive", "").want(200)
		s.refuseAll([]refusal{
			{"unknown", "POST", customers, `{"id":"new","couponId":"none"}`, 404, "CouponNotFound", []string{"couponId"}},
			{"archived", "POST", customers, `{"id":"new","couponId":"old"}`, 400, "ArchivedCouponCantBeApplied", []string{"couponId"}},
			{"with a plan", "POST", customers, `{"id":"new","couponId":"old","subscriptionParams":{"planId":"gold"}}`, 400, "ArchivedCouponCantBeApplied", []string{"couponId"}},
			{"unknown later", "PATCH", customers + "/bolt", `{"couponId":"none"}`, 404, "CouponNotFound", []string{"couponId"}},
			{"archived later", "PATCH", customers + "/bolt", `{"couponId":"old","name":"Bolt"}`, 400, "ArchivedCouponCantBeApplied", []string{"couponId"}},
			{"a second", "PATCH", customers + "/acme", `{"couponId":"ten","name":"Acme"}`, 409, "CustomerAlreadyHaveCustomerCoupon", []string{"couponId"}},
			{"the same", "PATCH", customers + "/acme", `{"couponId":"half"}`, 409, "CustomerAlreadyUsesCoupon", []string{"couponId"}},
		})
		s.get(customers+"/new").refused(404, "CustomerNotFound")
		s.get(customers+"/bolt").want(200).has("data.couponId", nil, "data.name", nil)
		s.get(customers+"/acme").want(200).has("data.couponId", "half", "data.name", nil)
		s.get(customers+"/early").want(200).has("data.couponId", "old") // it keeps what it has

		s.patch(customers+"/acme", `{"couponId":null}`).want(200).has("data.couponId", nil)
		s.patch(customers+"/acme", `{"couponId":"ten"}`).want(200).has("data.couponId", "ten")
		s.patch(customers+"/early", `{"couponId":null}`).want(200)
		s.patch(customers+"/early", `{"couponId":"old"}`).refused(400, "ArchivedCouponCantBeApplied", "couponId")
	})
}
