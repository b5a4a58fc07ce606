package store

import (
	"fmt"
	"slices"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/usage"
)

// usage makes the counters again of the measurements and events in their windows. One of another meter than the
// feature's is not looked at: it is made anew before anybody uses it.
func (v verification) usage() error {
	for _, check := range []func() error{v.measured, v.unheld, v.once, v.corrections, v.metered} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// ofCounter names a counter as a message does; c, f and k are its customer, feature and row.
const ofCounter = `f.ref_id || case when k.resource = '' then '' else ' of the resource ' || k.resource end`

// measured compares the counters of features without a meter with the sums of their measurements.
func (v verification) measured() error {
	const sum = `coalesce(sum(case when m.at >= k.window_start and m.at < k.window_end then m.delta else 0 end), 0)`
	return v.found(provisioning.FoundCounter, "customer", "Its counter of %s.", `
		select c.ref_id, `+ofCounter+` || case when k.value <> `+sum+`
				then ' is at ' || cast(k.value as text) || ', its measurements add up to ' || cast(`+sum+` as text)
				else ' has not seen its newest measurement' end
		from usage_counters k
		join customers c on c.environment = k.environment and c.id = k.customer_id
		join features f on f.environment = k.environment and f.id = k.feature_id
		left join usage_measurements m on m.environment = k.environment and m.customer_id = k.customer_id and m.feature_id = k.feature_id
			and m.resource = k.resource
		where k.environment = $1 and k.version > 0 and f.meter is null and k.meter_version = f.meter_version
		group by c.ref_id, f.ref_id, k.resource, k.value, k.last_at
		having k.value <> `+sum+` or k.last_at < max(m.at)
		order by c.ref_id, f.ref_id, k.resource`, v.env)
}

// unheld: what measures changes a counter.
func (v verification) unheld() error {
	return v.found(provisioning.FoundMeasurement, "customer", "It has measurements of %s, and no counter that has seen them.", `
		select c.ref_id, `+ofCounter+`
		from (select distinct environment, customer_id, feature_id, resource from usage_measurements where environment = $1) k
		join customers c on c.environment = k.environment and c.id = k.customer_id
		join features f on f.environment = k.environment and f.id = k.feature_id
		left join usage_counters u on u.environment = k.environment and u.customer_id = k.customer_id and u.feature_id = k.feature_id
			and u.resource = k.resource and u.version > 0
		where u.customer_id is null
		order by c.ref_id, f.ref_id, k.resource`, v.env)
}

// once: a key of reports has counted once.
func (v verification) once() error {
	return v.found(provisioning.FoundMeasurement, "customer", "A key has counted more than once for %s.", `
		select c.ref_id, `+ofCounter+`
		from (
			select environment, customer_id, feature_id, reported_resource as resource from usage_measurements
			where environment = $1 and idempotency_key is not null
			group by environment, customer_id, feature_id, reported_resource, idempotency_key having count(*) > 1
		) k
		join customers c on c.environment = k.environment and c.id = k.customer_id
		join features f on f.environment = k.environment and f.id = k.feature_id
		order by c.ref_id, f.ref_id, k.resource`, v.env)
}

// corrections: a correction takes out what a backdated SET had changed, at the SET that had replaced it.
func (v verification) corrections() error {
	const ofSame = `s.environment = k.environment and s.customer_id = k.customer_id and s.feature_id = k.feature_id
		and s.resource = k.resource and s.behavior = '` + usage.Set + `'`
	return v.found(provisioning.FoundMeasurement, "customer", "A correction of %s.", `
		select c.ref_id, `+ofCounter+` || case when k.sets < k.corrections then ' takes out what no SET has changed'
			else ' stands where nothing was SET' end
		from (
			select k.*, (select count(*) from usage_measurements s where `+ofSame+` and s.at < k.at and s.recorded_at = k.recorded_at
					and s.value = k.value and s.delta = -k.delta) as sets,
				(select count(*) from usage_measurements s where `+ofSame+` and s.at = k.at) as replaced
			from (
				select environment, customer_id, feature_id, resource, at, recorded_at, value, delta, count(*) as corrections
				from usage_measurements where environment = $1 and behavior = '`+usage.Correction+`'
				group by environment, customer_id, feature_id, resource, at, recorded_at, value, delta
			) k
		) k
		join customers c on c.environment = k.environment and c.id = k.customer_id
		join features f on f.environment = k.environment and f.id = k.feature_id
		where k.sets < k.corrections or k.replaced = 0
		order by c.ref_id, f.ref_id, k.resource`, v.env)
}

// metered makes the counters of features with a meter again of the events, page by page.
func (v verification) metered() error {
	list, err := all(v.ctx, v.Tx, scanFeature, selectFeature+` where f.environment = $1 and f.meter is not null`, v.env)
	if err != nil || len(list) == 0 {
		return err
	}
	features := make(map[string]*catalog.Feature, len(list))
	for i := range list {
		features[list[i].ID] = &list[i]
	}
	type held struct {
		customerRef string
		meter.Counter
	}
	var last meter.Key
	for {
		var page []held
		err := v.each(v.ctx, func(r rows) error {
			w, l, err := scanLocked(r)
			page = append(page, held{w.CustomerRef, l.Counter})
			return err
		}, `
			select c.ref_id, `+counterColumns+`
			from usage_counters k
			join customers c on c.environment = k.environment and c.id = k.customer_id
			join features f on f.environment = k.environment and f.id = k.feature_id
			where k.environment = $1 and k.version > 0 and f.meter is not null and k.meter_version = f.meter_version
				and (k.customer_id, k.feature_id, k.resource) > ($2, $3, $4)
			order by k.customer_id, k.feature_id, k.resource limit $5`,
			v.env, last.CustomerID, last.FeatureID, last.Resource, verifyPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, h := range page {
			s := meter.Subject{Key: h.Key, CustomerRef: h.customerRef, Feature: features[h.FeatureID]}
			if err := v.recount(s, h.Counter); err != nil {
				return err
			}
		}
		last = page[len(page)-1].Key
	}
}

func (v verification) recount(s meter.Subject, stored meter.Counter) error {
	name := s.Feature.RefID
	if s.Resource != "" {
		name += " of the resource " + s.Resource
	}
	wrong := func(format string, args ...any) {
		v.report.Add(provisioning.Found(provisioning.FoundCounter, "customer", s.CustomerRef, "Its counter of %s %s.", name, fmt.Sprintf(format, args...)))
	}
	c, values, err := meter.Count(v.ctx, v.Tx, v.env, s, stored.Window, nil)
	if err != nil {
		return err
	}
	switch {
	case c.Value != stored.Value:
		wrong("is at %d, its events come to %d", stored.Value, c.Value)
	case stored.Last < c.Last:
		wrong("has not seen its newest event")
	}
	if !meter.Compile(*s.Feature.Meter).Unique() {
		return nil
	}
	var kept []string
	err = v.each(v.ctx, func(r rows) error {
		var value string
		err := r.Scan(&value)
		kept = append(kept, value)
		return err
	}, `
		select value from usage_values where environment = $1 and customer_id = $2 and feature_id = $3 and resource = $4`,
		v.env, s.CustomerID, s.FeatureID, s.Resource)
	slices.Sort(kept)
	slices.Sort(values)
	if err == nil && !slices.Equal(kept, values) {
		wrong("remembers %d values that are not those of its events, which have %d", len(kept), len(values))
	}
	return err
}
