package main

import (
	"context"
	"fmt"
	"math"
)

// memorySizes are how many customers are in the cache, and memoryOf which of them tell what one costs.
var memorySizes = []int{1_000, 100_000, 1_000_000}

const memoryOf = 100_000

// inProcess compares entitlement.Service.Check with maps.
func (b *bench) inProcess(ctx context.Context) error {
	for _, n := range memorySizes {
		if err := b.inMemory(ctx, n); err != nil {
			return fmt.Errorf("check of %d customers: %w", n, err)
		}
	}
	return nil
}

// localRows are what is measured of so many customers.
type localRows struct{ one, two, scale, mapScale, allocs, heap row }

func newLocalRows(n int) localRows {
	size := thousands(n) + " customers"
	l := localRows{
		one:      row{what: "check in process, " + size, clients: 1, unit: " ns", most: 1.5},
		two:      row{what: "check in process, " + size, clients: 2, unit: " ns", most: 1.5},
		scale:    row{what: "check in process, two cores to one, " + size, clients: 2, unit: " M/s", least: 1.8},
		mapScale: row{what: "maps, two cores to one, " + size, clients: 2, unit: " M/s"},
		allocs:   row{what: "allocations per check, " + size, clients: 2, absolute: true},
		heap:     row{what: "memory per customer, " + size, unit: " B", absolute: true, most: 256},
	}
	for _, r := range []*row{&l.one, &l.two, &l.scale, &l.mapScale, &l.allocs, &l.heap} {
		r.engine = "memory"
	}
	return l
}

func (b *bench) inMemory(ctx context.Context, n int) (err error) {
	l := newLocalRows(n)
	wantsHeap := n == memoryOf && b.wanted(l.heap.name())
	wantsRounds := b.wanted(l.one.name(), l.two.name(), l.scale.name(), l.mapScale.name(), l.allocs.name())
	if !wantsHeap && !wantsRounds {
		return nil
	}
	var sides [2]rawSide
	for i, role := range []string{"check", "map"} {
		if sides[i].child, err = b.spawn(role, place{Customers: n}); err != nil {
			return err
		}
		defer func() { err = joined(err, sides[i].stop) }()
	}
	if wantsRounds {
		if err := b.profiled(sides[0].child, l.one.name(), func() error { return b.localRounds(ctx, l, sides) }); err != nil {
			return err
		}
	}
	if wantsHeap {
		l.heap.ours, l.heap.raw = sides[0].first.Heap, sides[1].first.Heap
		l.heap.ratio = l.heap.ours / l.heap.raw
		b.report.add(l.heap)
	}
	return nil
}

func (b *bench) localRounds(ctx context.Context, l localRows, sides [2]rawSide) error {
	const one, mapOne, two, mapTwo = 0, 1, 2, 3
	rounds, err := b.turns(ctx, b.round/2, turn{sides[0], 1}, turn{sides[1], 1}, turn{sides[0], 2}, turn{sides[1], 2})
	if err != nil {
		return err
	}
	b.report.add(compare(l.one, pair(rounds, one, mapOne), sample.nanoseconds))
	b.report.add(compare(l.two, pair(rounds, two, mapTwo), sample.nanoseconds))
	b.report.add(compare(l.scale, pair(rounds, two, one), sample.millions))
	b.report.add(compare(l.mapScale, pair(rounds, mapTwo, mapOne), sample.millions))
	b.report.add(compare(l.allocs, pair(rounds, two, mapTwo), sample.allocs))
	return nil
}

// nanoseconds of CPU time that one operation takes.
func (s sample) nanoseconds() float64 { return s.cost() * 1000 }

// millions of operations per second.
func (s sample) millions() float64 { return s.rate() / 1e6 }

// allocs are those that every operation makes, as the testing package counts them; changes are made beside.
func (s sample) allocs() float64 { return math.Floor(s.Allocs / float64(s.Ops)) }

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
