package app

import (
	"context"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"time"
)

// How much garbage may gather. By Go's default a heap as small as ours is collected every few megabytes, which costs a
// busy server a fifth of its CPU time. An idle one goes back to the default and gives the memory back.
const (
	memoryEvery = time.Second
	busyRate    = 8 << 20 // bytes allocated in a second
	busyGarbage = 16 << 20
	quietRounds = 20
	goPercent   = 100
)

// tendMemory keeps the collector's pace with the load until ctx ends.
func tendMemory(ctx context.Context) error {
	if own := debug.SetGCPercent(goPercent); own != goPercent { // GOGC is set: its owner decides
		debug.SetGCPercent(own)
		<-ctx.Done()
		return nil
	}
	defer debug.SetGCPercent(goPercent)
	list := []runtimemetrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	runtimemetrics.Read(list)
	before, quiet := list[0].Value.Uint64(), 0
	for sleep(ctx, memoryEvery); ctx.Err() == nil; sleep(ctx, memoryEvery) {
		runtimemetrics.Read(list)
		allocated := list[0].Value.Uint64() - before
		before += allocated
		if allocated >= busyRate {
			debug.SetGCPercent(gcPercent(list[1].Value.Uint64()))
			quiet = 0
		} else if quiet++; quiet == quietRounds {
			debug.SetGCPercent(goPercent)
			debug.FreeOSMemory()
		}
	}
	return nil
}

// gcPercent lets busyGarbage gather beside what lives, or as much again where that is more.
func gcPercent(live uint64) int {
	return max(goPercent, int(busyGarbage*goPercent/max(live, 1<<20)))
}
