package apitest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFeatureKinds(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		eu, us := map[string]any{"value": "eu", "displayName": "Europe"}, map[string]any{"value": "us", "displayName": "America"}
		s.post(features, `{"id":"region","displayName":"Region","featureType":"ENUM","enumConfiguration":[{"value":"us","displayName":"America"},{"value":"eu","displayName":"Europe"}]}`).want(201).
			has("data.featureType", "ENUM", "data.meterType", "None", "data.enumConfiguration", []any{us, eu}, "data.unitTransformation", nil)
		s.post(features, `{"id":"traffic","displayName":"Traffic","featureType":"NUMBER","meterType":"INCREMENTAL","featureUnits":"byte","featureUnitsPlural":"bytes",
			"unitTransformation":{"divide":1000000,"round":"DOWN","featureUnits":"MB","featureUnitsPlural":"MB"}}`).want(201).
			has("data.unitTransformation", map[string]any{"divide": 1000000, "round": "DOWN", "featureUnits": "MB", "featureUnitsPlural": "MB"})
		s.post(features, `{"id":"depth","displayName":"Depth","featureType":"NUMBER"}`).want(201).has("data.enumConfiguration", nil, "data.featureStatus", "NEW")

		s.patch(features+"/region", `{"enumConfiguration":[{"value":"eu","displayName":"Europe"},{"value":"us","displayName":"America"},{"value":"asia","displayName":"Asia"}]}`).want(200).
			has("data.enumConfiguration.2.value", "asia")
		s.patch(features+"/traffic", `{"unitTransformation":{"divide":1000}}`).want(200).
			has("data.unitTransformation", map[string]any{"divide": 1000, "round": "UP", "featureUnits": nil, "featureUnitsPlural": nil}, "data.featureUnits", "byte")
		s.patch(features+"/traffic", `{"unitTransformation":null,"featureUnitsPlural":null}`).want(200).has("data.unitTransformation", nil, "data.featureUnitsPlural", nil, "data.featureUnits", "byte")
		meter := map[string]any{"aggregation": map[string]any{"function": "SUM", "field": "bytes"}, "filters": []any{
			map[string]any{"conditions": []any{
				map[string]any{"field": "path", "operation": "STARTS_WITH", "value": "/api"}, map[string]any{"field": "status", "operation": "LESS_THAN", "value": "500"},
			}},
			map[string]any{"conditions": []any{map[string]any{"field": "kind", "operation": "IN", "values": []any{"a", "b"}}, map[string]any{"field": "test", "operation": "IS_NULL"}}},
		}}
		s.patch(features+"/traffic", fmt.Sprintf(`{"meter":%s}`, encode(meter))).want(200).has("data.meter", meter)
		s.get(features+"/traffic").want(200).has("data.meter", meter)
		s.patch(features+"/traffic", `{"displayName":"Data"}`).want(200).has("data.meter", meter)
		s.patch(features+"/traffic", `{"meter":{"aggregation":{"function":"COUNT"},"filters":[]}}`).want(200).has("data.meter.aggregation.function", "COUNT")
		since := s.here()
		s.patch(features+"/traffic", `{"displayName":"Data","featureUnits":"byte"}`).want(200) // as it is
		s.happened(since)
		s.patch(features+"/traffic", `{"meter":null}`).want(200).has("data.meter", nil)
	})
}

func TestBadFeatureKinds(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		made := func(members string) string { return `{"id":"new","displayName":"New",` + members + `}` }
		value := func(v string) string {
			return `"featureType":"ENUM","enumConfiguration":[{"value":"a","displayName":"A"},` + v + `]`
		}
		many := strings.TrimSuffix(strings.Repeat(`{"value":"v","displayName":"V"},`, 256), ",")
		const enum, divide, meter = "enumConfiguration", "unitTransformation.divide", "meter.aggregation"
		metered := func(m string) string { return `{"meter":` + m + `}` }
		cond := func(m string) string {
			return metered(`{"aggregation":{"function":"COUNT"},"filters":[{"conditions":[` + m + `]}]}`)
		}
		const first = "meter.filters[0].conditions[0]."
		s.refuseAll([]refusal{
			{"no values", "POST", features, made(`"featureType":"ENUM"`), 400, "InvalidArgumentError", []string{enum}},
			{"an empty list", "POST", features, made(`"featureType":"ENUM","enumConfiguration":[]`), 400, "InvalidArgumentError", []string{enum}},
			{"too many", "POST", features, made(`"featureType":"ENUM","enumConfiguration":[` + many + `]`), 400, "BadUserInput", nil},
			{"values of a number", "POST", features, made(`"featureType":"NUMBER","enumConfiguration":[{"value":"a","displayName":"A"}]`), 400, "InvalidArgumentError", []string{enum}},
			{"one twice", "POST", features, made(value(`{"value":"a","displayName":"B"}`)), 400, "InvalidArgumentError", []string{enum + "[1].value"}},
			{"empty value", "POST", features, made(value(`{"value":"","displayName":""}`)), 400, "BadUserInput", []string{enum + "[1].value", enum + "[1].displayName"}},
			{"no name", "POST", features, made(value(`{"value":"b"}`)), 400, "BadUserInput", []string{enum + "[1].displayName"}},
			{"units of a switch", "POST", features, made(`"featureType":"BOOLEAN","unitTransformation":{"divide":10}`), 400, "InvalidArgumentError", []string{"unitTransformation"}},
			{
				"divided by a half", "POST", features, made(`"featureType":"NUMBER","meterType":"INCREMENTAL","unitTransformation":{"divide":0.5,"round":"NEAREST"}`),
				400, "BadUserInput",
				[]string{divide, "unitTransformation.round"},
			},
			{"a value in use", "PATCH", features + "/region", `{"enumConfiguration":[{"value":"us","displayName":"US"}]}`, 400, "InvalidArgumentError", []string{enum}},
			{"all values", "PATCH", features + "/region", `{"enumConfiguration":[]}`, 400, "InvalidArgumentError", []string{enum}},
			{"sum of nothing", "PATCH", features + "/spare", metered(`{"aggregation":{"function":"SUM"},"filters":[]}`), 400, "InvalidArgumentError", []string{meter + ".field"}},
			{"count of a field", "PATCH", features + "/spare", metered(`{"aggregation":{"function":"COUNT","field":"a"},"filters":[]}`), 400, "InvalidArgumentError", []string{meter + ".field"}},
			{"median", "PATCH", features + "/spare", metered(`{"aggregation":{"function":"MEDIAN","field":"a"},"filters":[]}`), 400, "BadUserInput", []string{meter + ".function"}},
			{"no condition", "PATCH", features + "/spare", metered(`{"aggregation":{"function":"COUNT"},"filters":[{"conditions":[]}]}`), 400, "BadUserInput", []string{"meter.filters[0].conditions"}},
			{"no value", "PATCH", features + "/spare", cond(`{"field":"a","operation":"EQUALS"}`), 400, "InvalidArgumentError", []string{first + "value"}},
			{"no number", "PATCH", features + "/spare", cond(`{"field":"a","operation":"LESS_THAN","value":"x"}`), 400, "InvalidArgumentError", []string{first + "value"}},
			{"none of", "PATCH", features + "/spare", cond(`{"field":"a","operation":"IN"}`), 400, "InvalidArgumentError", []string{first + "values"}},
			{"null is nothing", "PATCH", features + "/spare", cond(`{"field":"a","operation":"IS_NULL","value":"x"}`), 400, "InvalidArgumentError", []string{first + "value"}},
			{"like", "PATCH", features + "/spare", cond(`{"field":"","operation":"LIKE","value":"x"}`), 400, "BadUserInput", []string{first + "field", first + "operation"}},
		})
		s.post(features, made(`"featureType":"NUMBER","meterType":"INCREMENTAL","unitTransformation":{"divide":0}`)).want(400).has("details.0.path", divide)
		s.get(features+"/new").refused(404, "FeatureNotFound")
		s.get(features+"/spare").want(200).has("data.meter", nil)
		s.patch(features+"/region", `{"enumConfiguration":[{"value":"eu","displayName":"Europe"}]}`).want(200) // nobody has us and asia
	})
}

// Archived features stay where they are used, and nothing new can use them.
func TestFeatureIsArchived(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(customers, provision("acme", "gold")).want(201)
		s.get(features+"/depth").want(200).has("data.featureStatus", "NEW")
		since := s.here()
		s.post(features+"/depth/archive", "").want(200).has("data.featureStatus", "SUSPENDED")
		s.post(features+"/depth/archive", "").want(200)
		s.post(features+"/depth/unarchive", "").want(200).has("data.featureStatus", "NEW")
		s.post(features+"/depth/unarchive", "").want(200)
		s.happened(since, "feature.deleted feature depth", "feature.unarchived feature depth")

		s.post(features+"/seats/archive", "").refused(409, "CannotDeleteFeatureError")
		s.post(features+"/seats/archive?force=false", "").refused(409, "CannotDeleteFeatureError")
		s.post(features+"/seats/archive?force=perhaps", "").refused(400, "BadUserInput", "force")
		s.post(features+"/seats/archive?force=true", "").want(200).has("data.featureStatus", "SUSPENDED")
		s.limit("acme", "seats", 10)
		s.post(customers, provision("bolt", "gold")).want(201)
		s.limit("bolt", "seats", 10)
		if d := cmp.Diff([]string{"calls", "depth", "region", "reports", "spare"}, s.get(features).want(200).column("id")); d != "" {
			t.Errorf("features (-want +got):\n%s", d)
		}
		s.get(features+"?status=SUSPENDED").want(200).has("data.0.id", "seats", "data.1", absent)
		s.refuseAll([]refusal{
			{"entitlement", "POST", plans + "/draft/entitlements", `{"entitlements":[{"type":"FEATURE","id":"seats","usageLimit":1}]}`, 400, "InvalidArgumentError", []string{"entitlements[0].id"}},
			{
				"charge", "PATCH", plans + "/draft", charge(`{"billingModel":"PER_UNIT","featureId":"seats","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":1}}]}`),
				400, "InvalidArgumentError",
				[]string{"charges.pricingModels[0].featureId"},
			},
			{"group", "POST", groups, `{"id":"g","displayName":"G","featureIds":["seats"]}`, 400, "InvalidArgumentError", []string{"featureIds[0]"}},
		})
		s.post(plans+"/gold/draft", "").want(200) // what has it keeps it
		s.patch(plans+"/gold/entitlements/seats", `{"type":"FEATURE","usageLimit":11}`).want(200)
		s.publish("gold")
		s.post(features+"/seats/unarchive", "").want(200).has("data.featureStatus", "ACTIVE")
		s.post(plans+"/draft/entitlements", `{"entitlements":[{"type":"FEATURE","id":"seats","usageLimit":1}]}`).want(201)

		// A draft alone uses a feature too; a discarded one does not.
		s.post(plans+"/two/draft", "").want(200)
		s.post(plans+"/two/entitlements", `{"entitlements":[{"type":"FEATURE","id":"depth","usageLimit":1}]}`).want(201)
		s.get(features+"/depth").want(200).has("data.featureStatus", "ACTIVE")
		s.post(features+"/depth/archive", "").refused(409, "CannotDeleteFeatureError")
		s.del(plans + "/two/draft").want(200)
		s.post(features+"/depth/archive", "").want(200)
	})
}

func TestFeatureGroups(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		since := s.here()
		s.post(groups, `{"id":"team","displayName":"Team","description":"For teams","featureIds":["seats","reports","seats"],"metadata":{"k":"v"}}`).want(201).
			has("data.featureIds", []string{"reports", "seats"}, "data.status", "ACTIVE", "data.description", "For teams", "data.metadata.k", "v")
		s.post(groups, `{"id":"empty","displayName":"Empty"}`).want(201).has("data.featureIds", []any{})
		s.post(groups, `{"id":"team","displayName":"Again"}`).refused(409, "DuplicatedEntityNotAllowed", "id")
		s.patch(groups+"/team", `{"displayName":"Teams","description":null,"featureIds":["seats","calls","reports"],"metadata":{"k":null}}`).want(200).
			has("data.displayName", "Teams", "data.description", nil, "data.featureIds", []string{"calls", "reports", "seats"}, "data.metadata", map[string]string{})
		s.patch(groups+"/team", `{"displayName":"Teams"}`).want(200) // as it is
		s.happened(since, "feature_group.created feature_group team", "feature_group.created feature_group empty", "feature_group.updated feature_group team")
		s.refuseAll([]refusal{
			{"unknown", "POST", groups, `{"id":"new","displayName":"New","featureIds":["seats","none","nowhere"]}`, 404, "FeatureNotFound", []string{"featureIds[1]", "featureIds[2]"}},
			{"unknown later", "PATCH", groups + "/team", `{"featureIds":["none","seats"]}`, 404, "FeatureNotFound", []string{"featureIds[0]"}},
			{"misspelt", "POST", groups, `{"id":"new","displayName":"New","features":["seats"]}`, 400, "BadUserInput", []string{"features"}},
			{"shape", "POST", groups, `{"id":"a b","displayName":"","featureIds":"seats"}`, 400, "BadUserInput", []string{"id", "displayName", "featureIds"}},
			{"no name", "PATCH", groups + "/team", `{"displayName":""}`, 400, "BadUserInput", []string{"displayName"}},
			{"read", "GET", groups + "/none", "", 404, "FeatureGroupNotFound", nil},
			{"changed", "PATCH", groups + "/none", `{}`, 404, "FeatureGroupNotFound", nil},
			{"archived", "POST", groups + "/none/archive", "", 404, "FeatureGroupNotFound", nil},
			{"unarchived", "POST", groups + "/none/unarchive", "", 404, "FeatureGroupNotFound", nil},
			{
				"entitlement", "POST", plans + "/draft/entitlements", `{"entitlements":[{"type":"FEATURE","id":"seats","usageLimit":1,"featureGroupIds":["none"]}]}`,
				404, "FeatureGroupNotFound",
				[]string{"entitlements[0].featureGroupIds[0]"},
			},
			{
				"not of it", "POST", plans + "/draft/entitlements", `{"entitlements":[{"type":"FEATURE","id":"spare","usageLimit":1,"featureGroupIds":["team"]}]}`,
				400, "InvalidArgumentError",
				[]string{"entitlements[0].featureGroupIds[0]"},
			},
		})
		if d := cmp.Diff([]string{"team", "empty"}, s.get(groups).want(200).column("id")); d != "" {
			t.Errorf("groups (-want +got):\n%s", d)
		}
		s.get(groups+"?limit=1").want(200).has("data.0.id", "team", "data.1", absent)
		s.post(groups+"/empty/archive", "").want(200).has("data.status", "ARCHIVED")
		s.post(groups+"/empty/archive", "").want(200)
		s.get(groups).want(200).has("data.1", absent)
		s.get(groups+"?status=ARCHIVED").want(200).has("data.0.id", "empty")
		s.get(groups+"/empty").want(200).has("data.status", "ARCHIVED")
		s.post(groups+"/empty/unarchive", "").want(200).has("data.status", "ACTIVE")
	})
}

// A feature that leaves a group loses the link in drafts, not its entitlement, and published versions keep both (§3.3).
func TestFeatureLeavesAGroup(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(groups, `{"id":"team","displayName":"Team","featureIds":["seats","calls"]}`).want(201)
		const rows = plans + "/draft/entitlements"
		s.post(rows, `{"entitlements":[{"type":"FEATURE","id":"calls","usageLimit":7,"featureGroupIds":["team"]},{"type":"FEATURE","id":"seats","usageLimit":4,"featureGroupIds":["team"]}]}`).want(201)
		s.patch(plans+"/draft", `{"charges":{"pricingType":"FREE"}}`).want(200)
		s.publish("draft")
		s.post(plans+"/draft/draft", "").want(200)
		s.patch(groups+"/team", `{"featureIds":["calls"]}`).want(200).has("data.featureIds", []string{"calls"})
		team := []string{"team"}
		s.get(rows).want(200).has("data.0.featureGroupIds", team, "data.1.featureGroupIds", team, "data.1.usageLimit", 4)
		s.get(rows+"?version=draft").want(200).has("data.0.featureGroupIds", team, "data.1.id", "seats", "data.1.usageLimit", 4, "data.1.featureGroupIds", absent)
		s.patch(groups+"/team", `{"featureIds":["calls","seats","spare"]}`).want(200) // adding only offers it
		s.get(rows+"?version=draft").want(200).has("data.1.featureGroupIds", absent, "data.2", absent)
	})
}
