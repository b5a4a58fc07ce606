package store

import (
	"fmt"
	"time"

	"github.com/purserhq/purser/internal/core/provisioning"
)

// feedSlack covers the clocks of several nodes, and the time between making an id and recording the event.
const feedSlack = time.Hour

// feed compares the events with each other and with the rows that they speak of.
func (v verification) feed() error {
	head, err := v.FeedHead(v.ctx)
	if err != nil {
		return err
	}
	pruned, err := v.FeedPruned(v.ctx)
	if err != nil {
		return err
	}
	err = v.found(provisioning.FoundFeedHead, "event", "The event %s lies beyond the last position that was given out.", `
		select cast(position as text), type from events where environment = $1 and position > $2 order by position`, v.env, head)
	if err != nil {
		return err
	}
	err = v.found(provisioning.FoundFeedPruned, "event", "The event %s lies in the part that was removed.", `
		select cast(position as text), type from events
		where environment = $1 and position <= $2 and entity_type <> 'subscription' order by position`, v.env, pruned)
	if err != nil {
		return err
	}
	if err := v.feedOrder(); err != nil {
		return err
	}
	return v.feedContent(pruned)
}

// ofUsage tells counters apart: their events name the feature, and counters are of a customer and perhaps a resource too.
const ofUsage = `case when entity_type = 'usage' then customer end, case when entity_type = 'usage' then payload ->> 'resourceId' end`

// feedOrder: a reader never sees an older version of an entity after a newer one (storage.md 4).
func (v verification) feedOrder() error {
	return v.each(v.ctx, func(r rows) error {
		var position, version, before int64
		var entity, id string
		if err := r.Scan(&position, &entity, &id, &version, &before); err != nil {
			return err
		}
		v.report.Add(provisioning.Found(provisioning.FoundFeedOrder, entity, id,
			"The event at %d has version %d, the one before it version %d.", position, version, before))
		return nil
	}, `
		select position, entity_type, entity_id, version, before from (
			select position, entity_type, entity_id, version,
				lag(version) over (partition by entity_type, entity_id, `+ofUsage+` order by position) as before
			from events where environment = $1) x
		where version < before order by position limit `+fmt.Sprint(provisioning.MaxFindings+1), v.env)
}

// told are the entities whose every version is told by an event. born is their first event; "" for those that can come
// into being without one.
var told = []struct{ entity, table, id, where, born string }{
	{"customer", "customers", "ref_id", "", "customer.created"},
	{"subscription", "subscriptions", "ref_id", "", "subscription.created"},
	{"promotional_entitlement", "promotional_entitlements", "id", "", "promotionalEntitlement.granted"},
	{"product", "products", "ref_id", "", ""},
	{"feature", "features", "ref_id", "", ""},
	{"plan", "packages", "ref_id", "and x.kind = 'PLAN'", ""},
}

// feedContent: the newest event of an entity tells its present version, and the first tells how it began, unless that
// was removed.
func (v verification) feedContent(pruned int64) error {
	youngest, err := v.keptSince(pruned)
	if err != nil {
		return err
	}
	for _, e := range told {
		err := v.each(v.ctx, func(r rows) error {
			var id string
			var version int64
			var stored *int64
			if err := r.Scan(&id, &version, &stored); err != nil {
				return err
			}
			v.report.Add(differs(e.entity, id, version, stored))
			return nil
		}, `
			select n.entity_id, n.version, x.version
			from (select entity_id, max(version) as version from events where environment = $1 and entity_type = $2 group by entity_id) n
			left join `+e.table+` x on x.environment = $1 and x.`+e.id+` = n.entity_id `+e.where+`
			where x.version is null or x.version <> n.version
			order by n.entity_id limit `+fmt.Sprint(provisioning.MaxFindings+1), v.env, e.entity)
		if err != nil {
			return err
		}
		if e.born == "" {
			continue
		}
		err = v.found(provisioning.FoundFeedMissing, e.entity, "The feed has no event "+e.born+" for %s.", `
			select x.`+e.id+`, x.`+e.id+`
			from `+e.table+` x
			left join (select entity_id from events where environment = $1 and type = $2 group by entity_id) n on n.entity_id = x.`+e.id+`
			where x.environment = $1 and x.id > $3 and n.entity_id is null order by x.`+e.id, v.env, e.born, youngest)
		if err != nil {
			return err
		}
	}
	return nil
}

func differs(entity, id string, version int64, stored *int64) provisioning.Finding {
	switch {
	case stored == nil:
		return provisioning.Found(provisioning.FoundFeedAhead, entity, id, "The feed speaks of it, and it is not there.")
	case version > *stored:
		return provisioning.Found(provisioning.FoundFeedAhead, entity, id, "The feed tells version %d, stored is version %d.", version, *stored)
	}
	return provisioning.Found(provisioning.FoundFeedMissing, entity, id, "Stored is version %d, the feed ends with version %d.", *stored, version)
}

// keptSince is an internal id: what has a later one came into being after the part of the feed that was removed. Ids
// begin with the machine time at which they were made. "" when nothing was removed.
func (v verification) keptSince(pruned int64) (string, error) {
	if pruned == 0 {
		return "", nil
	}
	oldest := v.MachineNow()
	err := v.each(v.ctx, func(r rows) error { return r.Scan(at{&oldest}) },
		`select recorded_at from events where position > $1 order by position limit 1`, pruned)
	ms := oldest.Add(feedSlack).UnixMilli()
	return fmt.Sprintf("%08x-%04x", ms>>16, ms&0xffff), err
}
