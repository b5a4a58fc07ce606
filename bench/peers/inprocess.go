package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// contestant is one way to answer. The first of a list is Purser's, which the others are compared with.
type contestant struct {
	role, name string
}

// file is the role as a part of a file's name.
func (c contestant) file() string { return strings.ReplaceAll(c.role, ", ", "-") }

var inProcess = []contestant{
	{"purser", "Purser, `entitlement.Service.Check`"},
	{"decide", "Purser, `rules.Decide` alone"},
	{"casbin-cached", "Casbin, answers cached"},
	{"casbin", "Casbin, not cached"},
	{"launchdarkly-targets", "LaunchDarkly, customers as targets"},
	{"launchdarkly-rules", "LaunchDarkly, rules on the plan"},
	{"openfeature", "OpenFeature, in memory"},
	{"nothing", "the loop that asks, nobody answers"},
}

// roles set a contestant up and return how it answers and how it ends.
var roles = map[string]func(ctx context.Context, p place) (ask, func() error, error){
	"purser":               purserRole,
	"decide":               decideRole,
	"casbin-cached":        casbinRole(true),
	"casbin":               casbinRole(false),
	"launchdarkly-targets": launchDarklyRole(byTargets),
	"launchdarkly-rules":   launchDarklyRole(byRules),
	"openfeature":          openFeatureRole,
	"nothing":              nothingRole,
}

func end() error { return nil }

// nothingRole is what all the others pay for the questions. It knows the right answer by the numbers in the names.
func nothingRole(context.Context, place) (ask, func() error, error) {
	return func(customer int, _, feature string) (bool, error) {
		last := len(feature) - 1
		return allowed(customer, int(feature[last-1]-'0')*10+int(feature[last]-'0')), nil
	}, end, nil
}

// wanted are the first of a list and those that were asked for.
func (b *bench) wanted(list []contestant) (out []contestant) {
	for i, c := range list {
		if i == 0 || b.only.MatchString(c.name) {
			out = append(out, c)
		}
	}
	return out
}

// inProcess lets all contestants do rounds in turns.
func (b *bench) inProcess(ctx context.Context) (err error) {
	list := b.wanted(inProcess)
	children := make([]*child, len(list))
	for i, c := range list {
		b.say("setting up %s", c.name)
		if children[i], err = spawn(c.role, b.place); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		defer func() { err = errors.Join(err, children[i].stop()) }()
	}
	samples := map[int][][]sample{} // by goroutines, then by round, then by contestant
	for _, g := range b.goroutines {
		samples[g], err = takeTurns(ctx, len(list), b.rounds, func(i int) (sample, error) {
			s, err := children[i].round(order{Goroutines: g, Time: b.round})
			if err != nil {
				err = fmt.Errorf("%s: %w", list[i].name, err)
			}
			return s, err
		})
		if err != nil {
			return err
		}
	}
	for i, c := range list {
		row := localRow{name: c.name, customers: b.Customers, heap: children[i].heap}
		for _, g := range b.goroutines {
			row.ns = append(row.ns, compare(samples[g], i, sample.ns))
			row.allocs = max(row.allocs, compare(samples[g], i, sample.allocs).value)
		}
		b.report.addLocal(row)
	}
	return nil
}

// takeTurns returns rounds of n contestants, by round and contestant. Each has a round before that does not count, and
// each round begins with another contestant.
func takeTurns[T any](ctx context.Context, n, rounds int, round func(i int) (T, error)) (out [][]T, err error) {
	for r := -1; r < rounds; r++ {
		list := make([]T, n)
		for k := range n {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			i := (k + r + 1) % n
			if list[i], err = round(i); err != nil {
				return nil, err
			}
		}
		if r >= 0 {
			out = append(out, list)
		}
	}
	return out, nil
}

// measure is the median of a contestant's rounds, and that of its ratios to the first contestant in the same round.
type measure struct{ value, ratio float64 }

func compare[T any](rounds [][]T, i int, of func(T) float64) measure {
	var values, ratios []float64
	for _, r := range rounds {
		values, ratios = append(values, of(r[i])), append(ratios, of(r[i])/of(r[0]))
	}
	return measure{median(values), median(ratios)}
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	n := len(list)
	if n%2 == 1 {
		return list[n/2]
	}
	return (list[n/2-1] + list[n/2]) / 2
}
