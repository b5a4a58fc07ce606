package usage

import (
	"slices"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
)

// count brings the held counters up to date with the new events.
func (in *intake) count(held map[Wanted]Locked) error {
	list := make([]Wanted, 0, len(held))
	for w := range held {
		if len(in.wanted[w].events) > 0 {
			list = append(list, w)
		}
	}
	slices.SortFunc(list, Wanted.Compare)
	for _, w := range list {
		f, ok := in.catalog.FeatureByID(w.FeatureID)
		if !ok {
			continue
		}
		if err := in.countOne(w, f, held[w].Counter); err != nil {
			return err
		}
	}
	return nil
}

// countOne adds new events to a counter that is about the present window, else counts its events again. A counter that
// nothing needs now is kept right for the window that it has.
func (in *intake) countOne(w Wanted, f *catalog.Feature, c meter.Counter) error {
	k := in.wanted[w]
	window := c.Window
	var row *rules.Row
	if a := k.entitled; a != nil {
		row = &a.Entitlement.Row
		window = row.Reset.Period(a.Origin, in.now.UnixMicro())
	}
	before := c
	if c.Window == window && c.MeterVersion == f.MeterVersion {
		if err := in.add(&c, k, f); err != nil {
			return err
		}
	} else if err := in.recount(&c, w, f, window); err != nil {
		return err
	}
	for _, e := range k.events {
		c.Last = max(c.Last, e.At)
	}
	c.Version++
	in.st.SaveCounter(in.env, c)
	if row != nil && (c.Value != before.Value || c.Window != before.Window) {
		in.st.Append(in.env, c.Event(w.CustomerRef, f.RefID, row))
	}
	return nil
}

func (in *intake) recount(c *meter.Counter, w Wanted, f *catalog.Feature, window rules.Span) error {
	subject := meter.Subject{Key: c.Key, CustomerRef: w.CustomerRef, Feature: f}
	made, values, err := meter.Count(in.ctx, in.st, in.env, subject, window, nil) // the new events are in the table, too
	if err != nil {
		return err
	}
	made.Last, made.Version = max(c.Last, made.Last), c.Version
	*c = made
	if in.wanted[w].meter.Unique() {
		in.st.ReplaceValues(in.env, c.Key, values)
	}
	return nil
}

// add folds the new events that are in the counter's window.
func (in *intake) add(c *meter.Counter, k *counted, f *catalog.Feature) error {
	within := k.events[:0:0]
	for _, e := range k.events {
		if c.Window.Contains(e.At) {
			within = append(within, e)
		}
	}
	if k.meter.Unique() {
		var err error
		if within, err = in.unseen(c, k, within); err != nil {
			return err
		}
	}
	for _, e := range within {
		k.meter.Add(&c.State, e)
	}
	c.Value = k.meter.Value(c.State, f.Scale)
	return nil
}

// unseen are the events with values that the counter has not counted yet, one for each.
func (in *intake) unseen(c *meter.Counter, k *counted, list []*meter.Event) ([]*meter.Event, error) {
	first := map[string]*meter.Event{}
	var values []string
	for _, e := range list {
		if v, ok := k.meter.Distinct(e); ok && first[v] == nil {
			first[v] = e
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return nil, nil
	}
	added, err := in.st.AddValues(in.ctx, in.env, c.Key, values)
	out := make([]*meter.Event, 0, len(added))
	for _, v := range added {
		out = append(out, first[v])
	}
	return out, err
}
