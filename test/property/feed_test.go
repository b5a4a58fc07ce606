package property

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/app"
	"github.com/purserhq/purser/internal/guarantee"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

const (
	devKey  = "server-property-development-000000000001"
	prodKey = "server-property-production-0000000000002"
)

// listen starts servers on one database, two of them on PostgreSQL, and returns their clients.
func listen(t *testing.T, cfg store.Config) []app.Client {
	t.Helper()
	c := app.Config{Listen: "127.0.0.1:0", Logging: app.Logging{LogLevel: "error"}}
	c.BootstrapServerKey, c.BootstrapProductionServerKey = devKey, prodKey
	c.Data, c.Database = filepath.Dir(cfg.Path), cfg.DSN
	var list []app.Client
	for range nodesOf(cfg) {
		a, err := app.New(t.Context(), c)
		must(t, err)
		url, _, err := a.Listen()
		must(t, err)
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- a.Run(ctx) }()
		t.Cleanup(func() {
			stop()
			if err := <-ended; err != nil {
				t.Errorf("run: %v", err)
			}
		})
		list = append(list, app.Client{URL: url, Key: devKey})
	}
	return list
}

func nodesOf(cfg store.Config) int {
	if cfg.DSN != "" {
		return 2
	}
	return 1
}

// told is one event as a reader sees it.
type told struct {
	Position string
	Type     string
	Entity   struct{ Type, ID string }
	Version  int64
}

// readFeed pages through the feed from its beginning until the event of a customer, which is the last one to be made.
func readFeed(t *testing.T, c app.Client, limit int, last string) (all []told) {
	after := ""
	for {
		answer, err := c.Do(t.Context(), "GET", fmt.Sprintf("/api/v1/feed?limit=%d&wait=5%s", limit, after), nil)
		var n struct {
			Data []told
			Next string
		}
		if err == nil {
			err = json.Unmarshal(answer, &n)
		}
		if err != nil || len(n.Data) > limit {
			t.Errorf("read %d events after %q: %v", len(n.Data), after, err)
			return all
		}
		all, after = append(all, n.Data...), "&after="+n.Next
		if len(n.Data) > 0 && n.Data[len(n.Data)-1].Entity.ID == last {
			return all
		}
	}
}

// Two readers of each server page through the feed while sixteen writers write into two environments. Everybody sees
// everything that was answered, in one order, and nothing of the other environment.
func TestFeedOverHTTPWhileSixteenWrite(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		nodes := listen(t, cfg)
		const last = "last"
		var readers sync.WaitGroup
		read := make([][]told, 2*len(nodes))
		for i := range read {
			readers.Go(func() { read[i] = readFeed(t, nodes[i/2], []int{7, 100}[i%2], last) })
		}
		want := writeSixteen(t, nodes)
		post(t, nodes[0], "", map[string]any{"id": last})
		readers.Wait()

		whole := readFeed(t, nodes[0], 1000, last)
		for i, got := range read {
			if diff := cmp.Diff(whole, got); diff != "" {
				t.Errorf("reader %d of server %d against the feed at the end (-end +reader):\n%s", i%2, i/2, diff)
			}
		}
		checkTold(t, whole, want)
		guarantee.Measured(t, "feed", "16 writers, %d readers: %d events each, 0 missed, 0 out of order", len(read), len(whole))
	})
}

// writeSixteen lets writers change customers that they share and make some of their own. It returns how often which event
// was caused, by type and customer.
func writeSixteen(t *testing.T, nodes []app.Client) map[string]int {
	t.Helper()
	const shared, each = 6, 12
	var mu sync.Mutex
	want := map[string]int{}
	count := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		want[what]++
	}
	for i := range shared {
		id := fmt.Sprintf("shared-%d", i)
		post(t, nodes[0], "", map[string]any{"id": id})
		count("customer.created " + id)
	}
	var wg sync.WaitGroup
	for w := range 16 {
		c := nodes[w%len(nodes)]
		elsewhere := app.Client{URL: c.URL, Key: prodKey}
		wg.Go(func() {
			for i := range each {
				id := fmt.Sprintf("shared-%d", (w+i)%shared)
				change := map[string]any{"metadata": map[string]string{fmt.Sprintf("writer-%d", w): fmt.Sprint(i)}}
				if _, err := c.Do(t.Context(), "PATCH", "/api/v1/customers/"+id, change); err != nil {
					t.Errorf("change %s: %v", id, err)
				} else {
					count("customer.updated " + id)
				}
				own := fmt.Sprintf("own-%d-%d", w, i)
				post(t, c, "", map[string]any{"id": own})
				count("customer.created " + own)
				if i%3 == 0 {
					post(t, c, "/"+own+"/archive", nil)
					count("customer.deleted " + own)
				}
				post(t, elsewhere, "", map[string]any{"id": "elsewhere-" + own})
			}
		})
	}
	wg.Wait()
	return want
}

func post(t *testing.T, c app.Client, path string, body any) {
	if _, err := c.Do(t.Context(), "POST", "/api/v1/customers"+path, body); err != nil {
		t.Errorf("%v of %v: %v", path, body, err)
	}
}

// checkTold compares the feed with what writers were answered.
func checkTold(t *testing.T, feed []told, want map[string]int) {
	t.Helper()
	got, versions := map[string]int{}, map[string]int64{}
	for _, e := range feed {
		if e.Entity.Type != "customer" {
			continue
		}
		id := e.Entity.ID
		if e.Version < versions[id] || e.Version > versions[id]+1 {
			t.Errorf("%s: version %d follows %d", id, e.Version, versions[id])
		}
		versions[id] = e.Version
		if e.Type != "entitlements.updated" && id != "last" {
			got[e.Type+" "+id]++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("customer events (-answered +feed):\n%s", diff)
	}
}
