package main

import "fmt"

// features are what is asked about. Each plan has the first few of them, and every third customer the same plan.
var features = names("feature-%02d", 12)

var plans = []struct {
	id       string
	features int
}{{"plan-free", 4}, {"plan-basic", 8}, {"plan-pro", 12}}

func names(format string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(format, i)
	}
	return list
}

func customerNames(n int) []string { return names("customer-%08d", n) }

// planOf is the plan of a customer, as an index of plans.
func planOf(customer int) int { return customer % len(plans) }

// allowed is the right answer, by indexes.
func allowed(customer, feature int) bool { return feature < plans[planOf(customer)].features }

// dice draws questions: any customer, any feature. It is as cheap as can be, since all pay for it.
type dice uint64

func (d *dice) roll(customers int) (customer, feature int) {
	x := *d
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	*d = x
	return int(uint64(x>>32) * uint64(customers) >> 32), int(uint64(uint32(x)) * uint64(len(features)) >> 32)
}

// newDice returns dice that differ from each other; n is any number.
func newDice(n int) dice { return dice(0x9e3779b97f4a7c15 * uint64(n+1)) }
