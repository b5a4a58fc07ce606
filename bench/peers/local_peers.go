package main

import (
	"context"
	"fmt"
	"time"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	"github.com/launchdarkly/go-sdk-common/v3/ldcontext"
	"github.com/launchdarkly/go-sdk-common/v3/ldvalue"
	ld "github.com/launchdarkly/go-server-sdk/v7"
	"github.com/launchdarkly/go-server-sdk/v7/ldcomponents"
	"github.com/launchdarkly/go-server-sdk/v7/testhelpers/ldtestdata"
	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/memprovider"
)

// casbinModel says that who has a role may use what the role may. A role is a plan. The cheap comparison comes first.
const casbinModel = `
[request_definition]
r = sub, obj

[policy_definition]
p = sub, obj

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = r.obj == p.obj && g(r.sub, p.sub)
`

// casbinRole is an enforcer that many may ask at once. When it is to cache, every question has been asked before.
func casbinRole(cached bool) func(context.Context, place) (ask, func() error, error) {
	return func(_ context.Context, p place) (ask, func() error, error) {
		m, err := model.NewModelFromString(casbinModel)
		if err != nil {
			return nil, nil, err
		}
		e, err := casbin.NewSyncedCachedEnforcer(m)
		if err != nil {
			return nil, nil, err
		}
		e.EnableCache(cached)
		for _, plan := range plans {
			for _, feature := range features[:plan.features] {
				if _, err := e.AddPolicy(plan.id, feature); err != nil {
					return nil, nil, err
				}
			}
		}
		ids := customerNames(p.Customers)
		members := make([][]string, len(ids))
		for i, ref := range ids {
			members[i] = []string{ref, plans[planOf(i)].id}
		}
		if _, err := e.AddGroupingPolicies(members); err != nil {
			return nil, nil, err
		}
		for _, ref := range ids {
			for _, feature := range features {
				if !cached {
					break
				}
				if _, err := e.Enforce(ref, feature); err != nil {
					return nil, nil, err
				}
			}
		}
		return func(_ int, ref, feature string) (bool, error) { return e.Enforce(ref, feature) }, end, nil
	}
}

// How a LaunchDarkly flag knows a customer's plan.
const (
	byTargets = iota // it lists every customer who has the feature
	byRules          // whoever asks says which plan the customer is on
)

// launchDarklyRole is a client with a flag for each feature, whose data is in memory: no network, no events.
func launchDarklyRole(how int) func(context.Context, place) (ask, func() error, error) {
	return func(_ context.Context, p place) (ask, func() error, error) {
		data := ldtestdata.DataSource()
		ids := customerNames(p.Customers)
		for f, feature := range features {
			flag := data.Flag(feature).BooleanFlag().FallthroughVariation(false)
			if how == byTargets {
				for i, ref := range ids {
					if allowed(i, f) {
						flag.VariationForUser(ref, true)
					}
				}
			} else {
				var has []ldvalue.Value
				for _, plan := range plans {
					if f < plan.features {
						has = append(has, ldvalue.String(plan.id))
					}
				}
				flag.IfMatch("plan", has...).ThenReturn(true)
			}
			data.Update(flag)
		}
		client, err := ld.MakeCustomClient("sdk-key", ld.Config{
			DataSource: data, Events: ldcomponents.NoEvents(), Logging: ldcomponents.NoLogging(), DiagnosticOptOut: true,
		}, 10*time.Second)
		if err != nil {
			return nil, nil, err
		}
		if how == byTargets {
			return func(_ int, ref, feature string) (bool, error) {
				return client.BoolVariation(feature, ldcontext.New(ref), false)
			}, client.Close, nil
		}
		return func(customer int, ref, feature string) (bool, error) {
			who := ldcontext.NewBuilder(ref).SetString("plan", plans[planOf(customer)].id).Build()
			return client.BoolVariation(feature, who, false)
		}, client.Close, nil
	}
}

// openFeatureRole is the provider in memory. It has no rules: a flag calls a function of ours, which finds the plan in a map.
func openFeatureRole(ctx context.Context, p place) (ask, func() error, error) {
	planBy := make(map[string]int, p.Customers)
	for i, ref := range customerNames(p.Customers) {
		planBy[ref] = planOf(i)
	}
	flags := map[string]memprovider.InMemoryFlag{}
	for f, feature := range features {
		evaluate := func(_ memprovider.InMemoryFlag, about openfeature.FlattenedContext) (any, openfeature.ProviderResolutionDetail) {
			ref, _ := about[openfeature.TargetingKey].(string)
			plan, known := planBy[ref]
			return known && f < plans[plan].features, openfeature.ProviderResolutionDetail{Reason: openfeature.TargetingMatchReason}
		}
		flags[feature] = memprovider.InMemoryFlag{
			Key: feature, State: memprovider.Enabled, DefaultVariant: "off", Variants: map[string]any{"off": false}, ContextEvaluator: &evaluate,
		}
	}
	if err := openfeature.SetProviderAndWait(memprovider.NewInMemoryProvider(flags)); err != nil {
		return nil, nil, fmt.Errorf("set the provider: %w", err)
	}
	client := openfeature.NewClient("peers")
	return func(_ int, ref, feature string) (bool, error) {
		return client.BooleanValue(ctx, feature, false, openfeature.NewEvaluationContext(ref, nil))
	}, end, nil
}
