package apitest

import "testing"

// What is not there.
func TestCatalogNotFound(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		list := []refusal{}
		for path, code := range map[string]string{plans: "PlanNotFound", addOns: "AddonNotFound"} {
			for _, r := range []struct{ method, path, body string }{
				{"GET", "", ""},
				{"PATCH", "", `{"displayName":"X"}`},
				{"POST", "/archive", ""},
				{"POST", "/unarchive", ""},
				{"POST", "/draft", ""},
				{"DELETE", "/draft", ""},
				{"GET", "/draft/changes", ""},
				{"POST", "/publish", `{}`},
				{"GET", "/charges", ""},
				{"GET", "/entitlements", ""},
				{"POST", "/entitlements", `{"entitlements":[{"type":"FEATURE","id":"seats","usageLimit":1}]}`},
				{"PATCH", "/entitlements/seats", `{"type":"FEATURE","usageLimit":1}`},
				{"DELETE", "/entitlements/seats", ""},
			} {
				list = append(list, refusal{code, r.method, path + "/none" + r.path, r.body, 404, code, nil})
			}
		}
		const draft = plans + "/draft"
		list = append(list, []refusal{
			{"an add-on is no plan", "GET", plans + "/extra", "", 404, "PlanNotFound", nil},
			{"a plan is no add-on", "GET", addOns + "/gold", "", 404, "AddonNotFound", nil},
			{"overage", "GET", plans + "/none/overage-charges", "", 404, "PlanNotFound", nil},
			{"feature", "GET", features + "/none", "", 404, "FeatureNotFound", nil},
			{"feature to archive", "POST", features + "/none/archive", "", 404, "FeatureNotFound", nil},
			{"feature to unarchive", "POST", features + "/none/unarchive", "", 404, "FeatureNotFound", nil},
			{
				"entitlement to it", "POST", draft + "/entitlements", `{"entitlements":[{"type":"FEATURE","id":"seats","usageLimit":1},{"type":"FEATURE","id":"none","usageLimit":1}]}`,
				404, "FeatureNotFound",
				[]string{"entitlements[1].id"},
			},
			{
				"charge for it", "PATCH", draft, charge(`{"billingModel":"PER_UNIT","featureId":"none","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":1}}]}`),
				404, "FeatureNotFound",
				[]string{"charges.pricingModels[0].featureId"},
			},
			{"entitlement", "DELETE", draft + "/entitlements/seats", "", 404, "EntitlementNotFound", nil},
			{"compatible", "PATCH", draft, `{"compatibleAddonIds":["extra","none"]}`, 404, "AddonNotFound", []string{"compatibleAddonIds[1]"}},
			{"dependency", "PATCH", addOns + "/bare", `{"dependencies":["none"]}`, 404, "AddonNotFound", []string{"dependencies[0]"}},
			{"parent", "PATCH", draft, `{"parentPlanId":"none"}`, 404, "PlanNotFound", []string{"parentPlanId"}},
			{"parent of another product", "PATCH", draft, `{"parentPlanId":"club-end"}`, 404, "PlanNotFound", []string{"parentPlanId"}},
			{"parent of a new plan", "POST", plans, `{"id":"new","displayName":"New","productId":"shop","parentPlanId":"none"}`, 404, "PlanNotFound", []string{"parentPlanId"}},
			{"product of a new add-on", "POST", addOns, `{"id":"new","displayName":"New","productId":"none"}`, 404, "ProductNotFound", nil},
		}...)
		s.refuseAll(list)
		s.get(plans+"/new").refused(404, "PlanNotFound")
		s.get(addOns+"/new").refused(404, "AddonNotFound")
		s.get(draft+"/entitlements?version=draft").want(200).has("data", []any{})
	})
}

// What the state of a package or of its surroundings forbids.
func TestCatalogStateErrors(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		const row = `{"entitlements":[{"type":"FEATURE","id":"spare","usageLimit":1}]}`
		s.refuseAll([]refusal{
			{"published already", "POST", plans + "/gold/publish", `{}`, 409, "PackageAlreadyPublished", nil},
			{"add-on published already", "POST", addOns + "/extra/publish", `{}`, 409, "PackageAlreadyPublished", nil},
			{"no pricing type", "POST", plans + "/draft/publish", `{}`, 400, "PackagePricingTypeNotSet", []string{"charges.pricingType"}},
			{"no price", "POST", addOns + "/bare/publish", `{}`, 400, "AddonHasToHavePriceError", []string{"charges.pricingModels"}},
			{"parent is a draft", "POST", plans + "/orphan/publish", `{}`, 409, "UnPublishedPackage", []string{"parentPlanId"}},
			{"no draft to edit", "PATCH", plans + "/gold", `{"displayName":"X"}`, 409, "CannotEditPackageInNonDraftMode", nil},
			{"no draft to price", "PATCH", plans + "/gold", `{"charges":` + monthly5 + `}`, 409, "CannotEditPackageInNonDraftMode", nil},
			{"metadata beside it", "PATCH", plans + "/gold", `{"displayName":"X","metadata":{"k":"v"}}`, 409, "CannotEditPackageInNonDraftMode", nil},
			{"no draft of an add-on", "PATCH", addOns + "/extra", `{"maxQuantity":5}`, 409, "CannotEditPackageInNonDraftMode", nil},
			{"no draft to discard", "DELETE", addOns + "/extra/draft", "", 409, "CannotEditPackageInNonDraftMode", nil},
			{"adding", "POST", plans + "/gold/entitlements", row, 409, "EditAllowedOnDraftPackageOnlyError", nil},
			{"changing", "PATCH", plans + "/gold/entitlements/seats", `{"type":"FEATURE","usageLimit":1}`, 409, "EditAllowedOnDraftPackageOnlyError", nil},
			{"removing", "DELETE", plans + "/gold/entitlements/seats", "", 409, "EditAllowedOnDraftPackageOnlyError", nil},
			{"adding to an add-on", "POST", addOns + "/extra/entitlements", row, 409, "EditAllowedOnDraftPackageOnlyError", nil},
			{"changing an add-on's", "PATCH", addOns + "/extra/entitlements/seats", `{"type":"FEATURE","usageLimit":1}`, 409, "EditAllowedOnDraftPackageOnlyError", nil},
			{"removing an add-on's", "DELETE", addOns + "/extra/entitlements/seats", "", 409, "EditAllowedOnDraftPackageOnlyError", nil},
			{"archiving a draft", "POST", plans + "/draft/archive", "", 409, "DraftPlanCantBeArchived", nil},
			{"archiving a draft add-on", "POST", addOns + "/bare/archive", "", 409, "DraftPlanCantBeArchived", nil},
			{"two parents", "PATCH", plans + "/draft-child", `{"parentPlanId":"gold"}`, 409, "PlanAlreadyExtended", []string{"parentPlanId"}},
			{"archiving a parent", "POST", plans + "/base/archive", "", 409, "PlanWithChildCantBeDeleted", nil},
			{"its own parent", "PATCH", plans + "/draft", `{"parentPlanId":"draft"}`, 400, "PlansCircularDependencyError", []string{"parentPlanId"}},
			{"its child's child", "PATCH", plans + "/base", `{"parentPlanId":"child"}`, 400, "PlansCircularDependencyError", []string{"parentPlanId"}},
			{"a draft's child", "PATCH", plans + "/draft", `{"parentPlanId":"orphan"}`, 400, "PlansCircularDependencyError", []string{"parentPlanId"}},
			{"start plan", "POST", plans + "/club-start/archive", "", 409, "PlanIsUsedAsDefaultStartPlan", nil},
			{"trial plan", "POST", plans + "/gym-trial/archive", "", 409, "PlanIsUsedAsDefaultStartPlan", nil},
			{"downgrade plan", "POST", plans + "/club-end/archive", "", 409, "PlanIsUsedAsDowngradePlan", nil},
			{"start plan is free", "POST", plans + "/club-start/publish", `{}`, 409, "PlanIsUsedAsDefaultStartPlan", nil},
			{"trial plan has a trial", "POST", plans + "/gym-trial/publish", `{}`, 409, "PlanIsUsedAsDefaultStartPlan", nil},
			{"downgrade plan is free", "POST", plans + "/club-end/publish", `{}`, 409, "PlanIsUsedAsDowngradePlan", nil},
			{"feature in use", "POST", features + "/seats/archive", "", 409, "CannotDeleteFeatureError", nil},
			{"units that are charged", "PATCH", features + "/calls", `{"unitTransformation":{"divide":10}}`, 409, "CannotUpdateUnitTransformationError", []string{"unitTransformation"}},
			{"no units that are charged", "PATCH", features + "/calls", `{"unitTransformation":null}`, 409, "CannotUpdateUnitTransformationError", []string{"unitTransformation"}},
			{"id in use", "POST", addOns, `{"id":"extra","displayName":"X","productId":"shop"}`, 409, "DuplicatedEntityNotAllowed", []string{"id"}},
		})
		for path, want := range map[string]string{plans + "/base": "PUBLISHED", plans + "/club-start": "PUBLISHED", plans + "/draft": "DRAFT", addOns + "/bare": "DRAFT"} {
			s.get(path).want(200).has("data.status", want, "data.versionNumber", 1)
		}
		s.get(plans+"/gold").want(200).has("data.metadata", map[string]string{}, "data.displayName", "Gold")
		s.get(features+"/seats").want(200).has("data.featureStatus", "ACTIVE")
		s.get(features+"/calls").want(200).has("data.unitTransformation.divide", 1000)
	})
}

// Values that break a rule of the catalog.
func TestCatalogValueErrors(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		const draft = plans + "/draft"
		const one, model = "entitlements[0].", "charges.pricingModels[0]."
		row := func(members string) string { return `{"entitlements":[{"type":"FEATURE",` + members + `}]}` }
		price := `"pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":1}}]`
		s.refuseAll([]refusal{
			{
				"credits of no feature", "POST", draft + "/entitlements", `{"entitlements":[{"type":"CREDIT","id":"gems","amount":5,"cadence":"MONTH","dependencyFeatureId":"seats"}]}`,
				400, "EntitlementsMustBelongToSamePackage",
				[]string{one + "dependencyFeatureId"},
			},
			{"overage of another feature", "PATCH", draft, `{"charges":{"pricingType":"PAID","overagePricingModels":[{"billingModel":"USAGE_BASED","featureId":"seats",
				"entitlement":{"featureId":"calls","usageLimit":5},` + price + `}]}}`, 400, "EntitlementsMustBelongToSamePackage", []string{"charges.overagePricingModels[0].entitlement.featureId"}},
			{
				"reset of what is not used up", "POST", draft + "/entitlements", row(`"id":"depth","usageLimit":1,"resetPeriod":"MONTH"`),
				400, "InvalidEntitlementResetPeriod",
				[]string{one + "resetPeriod"},
			},
			{"reset of a switch", "POST", draft + "/entitlements", row(`"id":"reports","resetPeriod":"DAY"`), 400, "InvalidEntitlementResetPeriod", []string{one + "resetPeriod"}},
			{
				"reset of another period", "POST", draft + "/entitlements", row(`"id":"calls","usageLimit":1,"resetPeriod":"WEEK","monthlyResetPeriodConfiguration":{"accordingTo":"StartOfTheMonth"}`),
				400, "InvalidEntitlementResetPeriod",
				[]string{one + "monthlyResetPeriodConfiguration"},
			},
			{
				"no reset at all", "POST", draft + "/entitlements", row(`"id":"calls","usageLimit":1,"yearlyResetPeriodConfiguration":{"accordingTo":"SubscriptionStart"}`),
				400, "InvalidEntitlementResetPeriod",
				[]string{one + "yearlyResetPeriodConfiguration"},
			},
			{
				"least of a flat fee", "PATCH", draft, charge(`{"billingModel":"FLAT_FEE","minUnitQuantity":1,"maxUnitQuantity":5,` + price + `}`),
				400, "InvalidUpdatePriceUnitAmountError",
				[]string{model + "minUnitQuantity", model + "maxUnitQuantity"},
			},
			{
				"most of usage", "PATCH", draft, charge(`{"billingModel":"USAGE_BASED","featureId":"calls","maxUnitQuantity":5,` + price + `}`),
				400, "InvalidUpdatePriceUnitAmountError",
				[]string{model + "maxUnitQuantity"},
			},
			{
				"metered switch", "POST", features, `{"id":"new","displayName":"New","featureType":"BOOLEAN","meterType":"INCREMENTAL"}`,
				400, "MeteringNotAvailableForFeatureType",
				[]string{"meterType"},
			},
			{
				"metered list", "POST", features, `{"id":"new","displayName":"New","featureType":"ENUM","meterType":"FLUCTUATING","enumConfiguration":[{"value":"a","displayName":"A"}]}`,
				400, "MeteringNotAvailableForFeatureType",
				[]string{"meterType"},
			},
			{"meter of a switch", "PATCH", features + "/reports", `{"meter":{"aggregation":{"function":"COUNT"},"filters":[]}}`, 400, "MeteringNotAvailableForFeatureType", []string{"meter"}},
			{"charge for a switch", "PATCH", draft, charge(`{"billingModel":"PER_UNIT","featureId":"reports",` + price + `}`), 400, "UnsupportedFeatureType", []string{model + "featureId"}},
			{"charge for a number", "PATCH", draft, charge(`{"billingModel":"USAGE_BASED","featureId":"depth",` + price + `}`), 400, "UnsupportedFeatureType", []string{model + "featureId"}},
			{"values of a number", "POST", draft + "/entitlements", row(`"id":"depth","usageLimit":1,"enumValues":["eu"]`), 400, "UnsupportedFeatureType", []string{one + "enumValues"}},
			{"override on a plan", "POST", draft + "/entitlements", row(`"id":"seats","usageLimit":1,"behavior":"Override"`), 400, "CannotAddOverrideEntitlementToPlan", []string{one + "behavior"}},
			{"override on a plan's draft", "PATCH", plans + "/base/entitlements/seats", `{"type":"FEATURE","behavior":"Override"}`, 404, "EntitlementNotFound", nil},
			{"no such value", "POST", draft + "/entitlements", row(`"id":"region","enumValues":["eu","mars"]`), 400, "InvalidArgumentError", []string{one + "enumValues"}},
			{"no value", "POST", draft + "/entitlements", row(`"id":"region"`), 400, "InvalidArgumentError", []string{one + "enumValues"}},
			{"credits without amount", "POST", draft + "/entitlements", `{"entitlements":[{"type":"CREDIT","id":"gems","cadence":"MONTH"}]}`, 400, "InvalidArgumentError", []string{one + "amount"}},
			{"needs itself", "PATCH", addOns + "/bare", `{"dependencies":["bare"]}`, 400, "InvalidArgumentError", []string{"dependencies[0]"}},
			{"no such quantity", "PATCH", addOns + "/bare", `{"maxQuantity":0}`, 400, "InvalidArgumentError", []string{"maxQuantity"}},
			{"custom add-on", "PATCH", addOns + "/bare", `{"maxQuantity":"many","dependencies":"extra"}`, 400, "BadUserInput", []string{"maxQuantity", "dependencies"}},
			{"born published", "POST", addOns, `{"id":"new","displayName":"New","productId":"shop","status":"PUBLISHED"}`, 400, "InvalidArgumentError", []string{"status"}},
			{"published by PATCH", "PATCH", addOns + "/bare", `{"status":"PUBLISHED"}`, 400, "InvalidArgumentError", []string{"status"}},
		})
		s.get(draft+"/entitlements?version=draft").want(200).has("data", []any{})
		s.get(draft+"/charges?version=draft").want(200).has("data", []any{})
		s.get(features+"/new").refused(404, "FeatureNotFound")
	})
}

// Credits that grow with a limit keep it.
func TestCreditsKeepTheirFeature(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		const rows = plans + "/draft/entitlements"
		s.post(rows, `{"entitlements":[{"type":"CREDIT","id":"gems","amount":5,"cadence":"MONTH","dependencyFeatureId":"seats"},{"type":"FEATURE","id":"seats","usageLimit":4}]}`).want(201)
		s.refuseAll([]refusal{
			{"removed", "DELETE", rows + "/seats", "", 400, "EntitlementsMustBelongToSamePackage", nil},
			{"unlimited", "PATCH", rows + "/seats", `{"type":"FEATURE","hasUnlimitedUsage":true}`, 400, "EntitlementsMustBelongToSamePackage", []string{"usageLimit"}},
			{"another", "PATCH", rows + "/gems", `{"type":"CREDIT","dependencyFeatureId":"calls"}`, 400, "EntitlementsMustBelongToSamePackage", []string{"dependencyFeatureId"}},
		})
		s.get(rows+"?version=draft").want(200).has("data.0.id", "seats", "data.0.usageLimit", 4, "data.1.id", "gems", "data.1.type", "CREDIT",
			"data.1.amount", 5, "data.1.cadence", "MONTH", "data.1.dependencyFeatureId", "seats")
		s.patch(rows+"/gems", `{"type":"CREDIT","dependencyFeatureId":null}`).want(200)
		s.del(rows + "/seats").want(200)
	})
}
