package provisioning

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/meter"
)

// recountBatch is how many counters one step counts again: each reads the events of its window.
const recountBatch = 50

// CounterOf is a counter of a feature and whose it is.
type CounterOf struct {
	CustomerRef string
	meter.Counter
}

type recountStore interface {
	// CountersOf holds the next counters of a feature after a position, in order.
	CountersOf(ctx context.Context, env tenant.ID, featureID string, after CounterPosition, limit int) ([]CounterOf, error)
	CountCounters(ctx context.Context, env tenant.ID, featureID string) (int64, error)
	SaveCounter(env tenant.ID, c meter.Counter)
	ReplaceValues(env tenant.ID, k meter.Key, values []string)
}

// CounterPosition is where a recount stands: counters of a feature are gone through by customer and resource.
type CounterPosition struct {
	CustomerID string `json:"customer,omitempty"`
	Resource   string `json:"resource,omitempty"`
}

// recountInput is what a task of type METER_RECOUNT was asked for.
type recountInput struct {
	FeatureID string `json:"feature"` // internal
}

type recountCursor struct {
	Begun bool `json:"begun,omitempty"`
	CounterPosition
}

// StartRecount makes the task that counts a feature's events again, in the transaction that changes its meter. Checks do
// not wait for it: a counter of another meter is counted when it is needed. Call RunTask with its id once that has
// committed.
func (s *Service) StartRecount(st Store, env tenant.ID, featureID string) (taskID string) {
	return s.startJob(st, env, TaskRecount, recountInput{featureID}, 0).ID
}

// recount is a step of a METER_RECOUNT.
func (s *Service) recount(ctx context.Context, st Store, _ time.Time, t *Task) (done bool, err error) {
	var in recountInput
	var at recountCursor
	if err := t.read(&in, &at); err != nil {
		return false, err
	}
	defer func() {
		if err == nil {
			t.Cursor, err = json.Marshal(at)
		}
	}()
	if !at.Begun {
		at.Begun = true
		t.Total, err = st.CountCounters(ctx, t.Environment, in.FeatureID)
		return false, err
	}
	c, err := st.Catalog(ctx, t.Environment)
	if err != nil {
		return false, err
	}
	f, ok := c.FeatureByID(in.FeatureID)
	if !ok {
		return true, nil
	}
	list, err := st.CountersOf(ctx, t.Environment, in.FeatureID, at.CounterPosition, cmp.Or(s.jobs.Batch, recountBatch))
	if err != nil || len(list) == 0 {
		return err == nil, err
	}
	for i := range list {
		k := &list[i]
		at.CounterPosition = CounterPosition{k.CustomerID, k.Resource}
		t.Done++
		if k.MeterVersion == f.MeterVersion {
			continue
		}
		subject := meter.Subject{Key: k.Key, CustomerRef: k.CustomerRef, Feature: f}
		made, values, err := meter.Count(ctx, st, t.Environment, subject, k.Window, &k.Counter)
		if err != nil {
			return false, err
		}
		made.Version++
		st.SaveCounter(t.Environment, made)
		st.ReplaceValues(t.Environment, k.Key, values)
	}
	return false, nil
}
