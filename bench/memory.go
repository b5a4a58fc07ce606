package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
)

// What everybody in memory may use: two metered features that add up for ever, two that begin anew every month, and
// others that one has or has not.
const (
	memoryFeatures = 12
	memoryMeters   = 4
	memoryLimit    = 25
	memoryUsages   = 40 // what was used of each metered feature is 0 to 39
)

// memory stands in for the database where a cache of a million customers is measured and nothing else: to provision
// them would take an hour. What the cache makes of these rows is what it makes of a database's.
type memory struct {
	catalog  *catalog.Snapshot
	rows     *entitlement.Rows
	sub      entitlement.Subscription
	counters []meter.Counter
}

func memoryFeature(n int) string { return fmt.Sprintf("feature-%02d", n) }

// memoryUsage is what a customer has used of each metered feature.
func memoryUsage(ref string) int64 {
	last := len(ref) - 1
	return int64(ref[last-1]-'0')*10%memoryUsages + int64(ref[last]-'0')
}

func newMemory() (*memory, error) {
	begin := time.Now().UTC().AddDate(0, -3, -3).Truncate(time.Hour)
	version := &catalog.Version{ID: "version", PackageID: "plan", Number: 1, Status: "PUBLISHED", IsLatest: true, PricingType: catalog.Free}
	var features []catalog.Feature
	limit := int64(memoryLimit)
	for i := range memoryFeatures {
		ref := memoryFeature(i)
		f := catalog.Feature{ID: "id-" + ref, RefID: ref, DisplayName: ref, Type: catalog.Boolean, Status: catalog.FeatureActive}
		e := catalog.Entitlement{Type: "FEATURE", FeatureID: f.ID, FeatureRefID: ref, Granted: true}
		if i < memoryMeters {
			f.Type, f.MeterType, e.UsageLimit = catalog.Number, catalog.Incremental, &limit
			if i%2 == 1 {
				e.ResetPeriod = "MONTH"
			}
		}
		features, version.Entitlements = append(features, f), append(version.Entitlements, e)
	}
	plan := catalog.Package{ID: "plan", Kind: catalog.KindPlan, RefID: "plan", ProductID: "product", Status: "PUBLISHED", Latest: version}
	m := &memory{
		catalog: catalog.NewSnapshot(1, []catalog.Product{{ID: "product", RefID: "product"}}, features, []catalog.Package{plan}),
		sub:     entitlement.Subscription{PlanID: "plan", VersionID: "version", StartDate: begin},
	}
	var err error
	m.rows, err = entitlement.RowsOf(m.sub, func(string) (catalog.Version, error) { return *version, nil }, m.catalog.Feature)
	if err != nil {
		return nil, err
	}
	for i := range memoryMeters {
		f := features[i]
		row := m.rows.Find(f.RefID).Row
		window := row.Reset.Period(rules.Origin{Anchor: begin.UnixMicro()}, time.Now().UnixMicro())
		m.counters = append(m.counters, meter.Counter{Key: meter.Key{FeatureID: f.ID}, Window: window, Version: 1})
	}
	return m, nil
}

// Read implements tx.Runner.
func (m *memory) Read(_ context.Context, _ tenant.ID, fn func(entitlement.Store, time.Time) error) error {
	return fn(m, time.Now().UTC())
}

// Write implements tx.Runner: nobody writes.
func (m *memory) Write(context.Context, tenant.ID, func(entitlement.Store, time.Time) error, ...tx.Lock) error {
	return errors.ErrUnsupported
}

// EntitlementHolder implements entitlement.Store. A customer's internal id is the one that it is asked for by.
func (m *memory) EntitlementHolder(_ context.Context, _ tenant.ID, ref, _ string) (entitlement.Holder, error) {
	return entitlement.Holder{ID: ref, Known: true, Subscriptions: []entitlement.Subscription{m.sub}}, nil
}

// Catalog implements entitlement.Store.
func (m *memory) Catalog(context.Context, tenant.ID) (*catalog.Snapshot, error) {
	return m.catalog, nil
}

// PackageVersion implements entitlement.Store: the only version is in the catalog.
func (m *memory) PackageVersion(context.Context, tenant.ID, string) (catalog.Version, error) {
	return catalog.Version{}, errors.ErrUnsupported
}

// Counters implements meter.Reader.
func (m *memory) Counters(_ context.Context, _ tenant.ID, customerID, _ string) ([]meter.Counter, error) {
	list := make([]meter.Counter, len(m.counters))
	for i, c := range m.counters {
		c.CustomerID, c.Value = customerID, memoryUsage(customerID)
		list[i] = c
	}
	return list, nil
}

// Measured implements meter.Reader: a month that begins meanwhile begins without usage.
func (m *memory) Measured(context.Context, tenant.ID, meter.Key, rules.Span) (total, last int64, err error) {
	return 0, 0, nil
}

// EachEvent implements meter.Reader: no feature has a meter.
func (m *memory) EachEvent(context.Context, tenant.ID, string, string, rules.Span, func(*meter.Event)) error {
	return errors.ErrUnsupported
}
