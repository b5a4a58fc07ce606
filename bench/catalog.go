package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
)

// The large catalog, besides what every bench has. A product has plans that go with its add-ons.
const (
	bigProducts = 10
	bigPlans    = 200
	bigFeatures = 2000
	bigAddons   = 500

	perPlan  = 20 // features of a plan
	perAddon = 2
	goesWith = 10 // add-ons of a plan
)

// catalogs compares a server with a large catalog with one that has a small one: the baseline is Purser itself. What is
// asked for is the same, so a ratio of 1 says that the cost does not grow with the catalog.
func (b *bench) catalogs(ctx context.Context) error {
	for _, engine := range []string{sqlite, postgres} {
		if err := b.catalog(ctx, engine); err != nil {
			return fmt.Errorf("large catalog on %s: %w", engine, err)
		}
	}
	return nil
}

// catalogRow is a measure: requests that cycle, made for a server.
type catalogRow struct {
	row
	requests func(server *child) func(int64) []byte
	status   string
}

func (b *bench) catalog(ctx context.Context, engine string) (err error) {
	rows := []catalogRow{
		{row{what: "provision, large catalog", clients: 16, least: 0.9}, func(c *child) func(int64) []byte { return provisionRequest(c, "plan-basic") }, "201"},
		{row{what: "publish a plan, large catalog", clients: 1}, publishing, "200"},
		{row{what: "pricing table, large catalog", clients: 16, least: 0.9}, pricing, "200"},
		{row{what: "provision after a publication, large catalog", clients: 1}, afterPublishing, ""},
	}
	var wanted []catalogRow
	for _, r := range rows {
		if r.engine, r.unit = engine, "/s"; b.wanted(r.name()) {
			wanted = append(wanted, r)
		}
	}
	if wanted == nil {
		return nil
	}
	var servers [2]*child
	for i := range servers {
		p, err := b.database(ctx, engine)
		if err != nil {
			return err
		}
		if servers[i], err = b.spawn("serve", p); err != nil {
			return err
		}
		defer func() { err = joined(err, servers[i].stop) }()
	}
	if err := enlarge(ctx, servers[0]); err != nil {
		return err
	}
	if engine == postgres {
		if err := b.analyze(ctx); err != nil {
			return err
		}
	}
	for _, r := range wanted {
		var sides [2]*httpSide
		for i, c := range servers {
			sides[i] = &httpSide{server: c, request: r.requests(c), status: r.status}
			defer sides[i].close()
		}
		err := b.profiled(servers[0], r.name(), func() error {
			pairs, err := b.duel(ctx, r.clients, sides[0], sides[1])
			if err == nil {
				b.report.add(compare(r.row, pairs, sample.rate))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func request(c *child, method, path, body string) []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nX-API-KEY: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		method, path, c.URL[len("http://"):], serverKey, len(body), body)
}

// publishing opens a draft and publishes it, in turns: for one client.
func publishing(c *child) func(int64) []byte {
	draft, publish := request(c, "POST", "/api/v1/plans/plan-basic/draft", ""), request(c, "POST", "/api/v1/plans/plan-basic/publish", "{}")
	return func(n int64) []byte {
		if n%2 == 1 {
			return draft
		}
		return publish
	}
}

func pricing(c *child) func(int64) []byte {
	table := request(c, "GET", "/api/v1/pricing-table?productId=product-demo", "")
	return func(int64) []byte { return table }
}

// afterPublishing is a provision that finds the catalog changed, every time: the server reads it anew. Three requests, of
// which one is the publication, make one cycle.
func afterPublishing(c *child) func(int64) []byte {
	change, provision := publishing(c), provisionRequest(c, "plan-pro")
	return func(n int64) []byte {
		if n%3 == 0 {
			return provision(n + 1_000_000)
		}
		return change(n % 3)
	}
}

// enlarge applies a large catalog beside what is there.
func enlarge(ctx context.Context, c *child) error {
	var export struct{ Data catalog.File }
	if err := call(ctx, c, http.MethodGet, "/api/v1/catalog", nil, &export); err != nil {
		return err
	}
	big := bigCatalog()
	f := export.Data
	f.Features, f.Products = append(f.Features, big.Features...), append(f.Products, big.Products...)
	f.Plans, f.Addons = append(f.Plans, big.Plans...), append(f.Addons, big.Addons...)
	return call(ctx, c, http.MethodPost, "/api/v1/catalog/apply", f, &struct{}{})
}

func call(ctx context.Context, c *child, method, path string, body, answer any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("X-API-KEY", serverKey)
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodGet {
		req.Body = http.NoBody
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %d %.500s", method, path, res.StatusCode, text)
	}
	return json.Unmarshal(text, answer)
}

func bigCatalog() (f catalog.File) {
	limit := int64(100)
	price := func(amount int64) *catalog.Pricing {
		m := money.Money{Amount: money.FromInt(amount), Currency: money.USD}
		return &catalog.Pricing{Type: catalog.Paid, Models: []catalog.PricingModel{{BillingModel: catalog.FlatFee, Periods: []catalog.PricePeriod{
			{BillingPeriod: catalog.Monthly, Price: &m}, {BillingPeriod: catalog.Annually, Price: &m},
		}}}}
	}
	entitlements := func(from, n int) (list []catalog.FileEntitlement) {
		for i := range n {
			list = append(list, catalog.FileEntitlement{ID: fmt.Sprintf("feature-big-%d", (from+i)%bigFeatures), UsageLimit: &limit})
		}
		return list
	}
	for i := range bigFeatures {
		ref := fmt.Sprintf("feature-big-%d", i)
		f.Features = append(f.Features, catalog.FileFeature{ID: ref, DisplayName: ref, Type: catalog.Number, MeterType: catalog.Incremental})
	}
	for i := range bigProducts {
		ref := fmt.Sprintf("product-big-%d", i)
		f.Products = append(f.Products, catalog.FileProduct{ID: ref, DisplayName: ref})
	}
	for i := range bigAddons {
		ref := fmt.Sprintf("addon-big-%d", i)
		f.Addons = append(f.Addons, catalog.FilePackage{ID: ref, ProductID: f.Products[i%bigProducts].ID, FileContent: catalog.FileContent{
			DisplayName: ref, Charges: price(5), Entitlements: entitlements(i, perAddon),
		}})
	}
	for i := range bigPlans {
		ref := fmt.Sprintf("plan-big-%d", i)
		p := catalog.FilePackage{ID: ref, ProductID: f.Products[i%bigProducts].ID, FileContent: catalog.FileContent{
			DisplayName: ref, Charges: price(int64(i)), Entitlements: entitlements(i*perPlan, perPlan),
		}}
		for k := range goesWith {
			p.Compatible = append(p.Compatible, fmt.Sprintf("addon-big-%d", (i%bigProducts+k*bigProducts)%bigAddons))
		}
		f.Plans = append(f.Plans, p)
	}
	return f
}
