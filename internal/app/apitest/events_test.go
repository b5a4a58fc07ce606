package apitest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
)

// event is one row of the feed.
type event struct {
	Position   string
	Type       string
	Entity     struct{ Type, ID string }
	Version    int64
	At         time.Time
	RecordedAt time.Time
	Actor      struct{ Type, ID string }
	Payload    json.RawMessage
}

// String is what most tests compare: "customer.created customer acme".
func (e event) String() string { return e.Type + " " + e.Entity.Type + " " + e.Entity.ID }

type feedAnswer struct {
	Data []event
	Next string
}

func (c caller) feed(query string) (f feedAnswer) {
	c.t.Helper()
	a := c.get("/api/v1/feed?" + query).want(200)
	if err := json.Unmarshal(a.raw, &f); err != nil {
		c.t.Fatal(err)
	}
	return f
}

// mark makes a customer that tests do not look at and reads the feed up to it: everything that was written before is in
// the events. The position is where to go on.
func (c caller) mark(after string) (events []event, position string) {
	c.t.Helper()
	*c.marks++
	marker := fmt.Sprintf("mark-%d", *c.marks)
	c.post(customers, fmt.Sprintf(`{"id":%q}`, marker)).want(201)
	for {
		query := "limit=1000&wait=25"
		if after != "" {
			query += "&after=" + url.QueryEscape(after)
		}
		f := c.feed(query)
		if len(f.Data) == 0 {
			c.t.Fatalf("the event of %s never came", marker)
		}
		for _, e := range f.Data {
			if !strings.HasPrefix(e.Entity.ID, "mark-") {
				events = append(events, e)
			}
			if e.Entity.ID == marker {
				return events, e.Position
			}
		}
		after = f.Next
	}
}

// here is the end of the feed.
func (c caller) here() string {
	c.t.Helper()
	_, position := c.mark("")
	return position
}

// happened checks what was appended since a position, and returns it.
func (c caller) happened(since string, want ...string) []event {
	c.t.Helper()
	events, _ := c.mark(since)
	got := []string{}
	for _, e := range events {
		got = append(got, e.String())
	}
	if d := cmp.Diff(append([]string{}, want...), got); d != "" {
		c.t.Errorf("events (-want +got):\n%s", d)
	}
	return events
}

// happenedAtAll is what was appended since a position.
func (c caller) happenedAtAll(since string) []event {
	c.t.Helper()
	events, _ := c.mark(since)
	if len(events) == 0 {
		c.t.Error("nothing was appended")
	}
	return events
}
