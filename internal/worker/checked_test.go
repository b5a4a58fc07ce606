package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/tenant"
)

// asked are features that were checked, in the shape of the cache's memory.
type asked map[tenant.ID][]string

func (a asked) Asked() map[tenant.ID][]string {
	out := map[tenant.ID][]string{}
	for env, list := range a {
		out[env] = list
		delete(a, env)
	}
	return out
}

func (a asked) AskAgain(env tenant.ID, features []string) { a[env] = append(a[env], features...) }

func TestCheckedFeaturesAreNotedOnceADay(t *testing.T) {
	t.Parallel()
	var env tenant.ID
	a := asked{}
	now := clock.At(time.Date(2026, 3, 1, 23, 59, 0, 0, time.UTC))
	var noted [][]string
	var fails bool
	job := Checked{
		Asked: a, Clock: now, Log: slog.New(slog.DiscardHandler),
		Mark: func(_ context.Context, got tenant.ID, features []string) error {
			if fails || got != env {
				return errors.New("no")
			}
			noted = append(noted, slices.Clone(features))
			return nil
		},
	}
	flush := func(features ...string) {
		noted = nil
		a[env] = append(a[env], features...)
		job.Flush(t.Context())
	}
	want := func(when string, list ...[]string) {
		t.Helper()
		if !slices.EqualFunc(noted, list, slices.Equal) {
			t.Errorf("%s: noted %v, want %v", when, noted, list)
		}
	}

	flush("calls", "seats")
	want("at first", []string{"calls", "seats"})
	flush("calls", "sso")
	want("again", []string{"sso"})
	flush("calls")
	want("with nothing new")
	now.Add(2 * time.Minute)
	flush("calls")
	want("the next day", []string{"calls"})

	fails = true
	flush("storage")
	want("without a database")
	fails = false
	flush()
	want("with one again", []string{"storage"})

	var many []string
	for i := range atOnce + 1 {
		many = append(many, fmt.Sprint("f", i))
	}
	flush(many...)
	want("many", many[:atOnce], many[atOnce:])
}
