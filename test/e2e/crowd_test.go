package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clients is how many callers a crowd has.
const clients = 64

// crowd is 64 clients that send one order after the other, each over connections that it keeps: newCrowd's provision
// new customers. It remembers what it asked for and what it was answered.
type crowd struct {
	http *http.Client
	name string // begins the ids
	make func(client, i int) (id string, o order)

	mu      sync.Mutex
	orders  map[string]order
	answers map[string]any // the data of answers with 2xx
	faults  []error        // refusals, and what is no answer at all
	enough  chan struct{}  // closed after so many answers
	until   int
}

// order is one request, as it is sent every time.
type order struct {
	path  string
	body  []byte
	plan  string             // of a provision; "" for none
	lasts func(data any) any // what a repeated request is answered with again; nil for all of the data
}

// plans are asked for in turn: free, on trial, and no subscription.
var plans = []string{"plan-basic", "plan-pro", ""}

func newCrowd(name string) *crowd {
	c := &crowd{
		http: &http.Client{
			Transport: &http.Transport{MaxIdleConnsPerHost: clients, DisableCompression: true},
			Timeout:   time.Minute,
		},
		name: name, orders: map[string]order{}, answers: map[string]any{},
		enough: make(chan struct{}), until: 1,
	}
	c.make = c.provision
	return c
}

// run lets every client go on until a request gets no answer, or ctx ends. urls are asked in turn: the next one when
// one gives no answer, with the same request.
func (c *crowd) run(ctx context.Context, urls ...string) {
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id, o := c.order(n, i)
				if !c.send(id, o, n, urls) {
					return
				}
			}
		})
	}
	wg.Wait()
	c.http.CloseIdleConnections()
}

func (c *crowd) order(client, i int) (string, order) {
	id, o := c.make(client, i)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.orders[id] = o
	return id, o
}

func (c *crowd) provision(client, i int) (string, order) {
	id := fmt.Sprintf("%s-%02d-%05d", c.name, client, i)
	o := order{path: "/api/v1/customers", plan: plans[(client+i)%len(plans)]}
	p := provision{ID: id, Name: "Customer " + id, Email: id + "@example.com"}
	if o.plan != "" {
		p.SubscriptionParams = &params{o.plan}
	}
	o.body, _ = json.Marshal(p) // texts only
	return id, o
}

// send asks one server after the other and reports whether one answered.
func (c *crowd) send(id string, o order, first int, urls []string) bool {
	for k := range urls {
		data, err := c.ask(urls[(first+k)%len(urls)], o)
		c.mu.Lock()
		if err == nil {
			c.answers[id] = data
			if c.until--; c.until == 0 {
				close(c.enough)
			}
		} else if !errors.Is(err, errNoAnswer) {
			c.faults = append(c.faults, fmt.Errorf("%s: %w", id, err))
		}
		c.mu.Unlock()
		if !errors.Is(err, errNoAnswer) {
			return true
		}
	}
	return false
}

var errNoAnswer = errors.New("no answer")

// ask sends an order and returns the data of a 2xx answer. It ends by itself: a request under way is not taken back.
func (c *crowd) ask(url string, o order) (any, error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url+o.path, bytes.NewReader(o.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-API-KEY", serverKey)
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	if res.StatusCode >= 300 {
		return nil, fmt.Errorf("status %d: %s", res.StatusCode, b)
	}
	var envelope struct{ Data any }
	if err := json.Unmarshal(b, &envelope); err != nil || envelope.Data == nil {
		return nil, fmt.Errorf("status %d without data: %s", res.StatusCode, b)
	}
	return envelope.Data, nil
}

// more waits for so many answers from now on.
func (c *crowd) more(n int) {
	c.mu.Lock()
	c.enough, c.until = make(chan struct{}), n
	enough := c.enough
	c.mu.Unlock()
	<-enough
}

// unanswered are the ids that were sent and got no 2xx.
func (c *crowd) unanswered() (list []string) {
	for id := range c.orders {
		if _, ok := c.answers[id]; !ok {
			list = append(list, id)
		}
	}
	return list
}

// again sends every request once more: those that were answered must get the same answer, all the others one.
func (c *crowd) again(t *testing.T, url string) {
	t.Helper()
	type job struct {
		id string
		order
	}
	jobs := make(chan job)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for j := range jobs {
				data, err := c.ask(url, j.order)
				if err != nil {
					t.Errorf("%s again: %v", j.id, err)
					continue
				}
				if want, answered := c.answers[j.id]; answered {
					if j.lasts != nil {
						want, data = j.lasts(want), j.lasts(data)
					}
					if diff := cmp.Diff(want, data); diff != "" {
						t.Errorf("%s again is answered differently (-first +now):\n%s", j.id, diff)
					}
				}
			}
		})
	}
	for id, o := range c.orders {
		jobs <- job{id, o}
	}
	close(jobs)
	wg.Wait()
	c.http.CloseIdleConnections()
}
