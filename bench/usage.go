package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"
)

// What is sent.
const (
	usageCustomers = 6400 // many, so that few wait for each other
	reportsAtOnce  = 100
	eventsAtOnce   = 1000

	eventName       = "api.request"
	eventDimensions = `{"region":"eu-central","tokens":1250}`
	eventKey        = "request-%012d"
)

// usages compares reports of usage and raw events over HTTP with raw transactions.
func (b *bench) usages(ctx context.Context) error {
	for _, engine := range []string{sqlite, postgres} {
		if err := b.usage(ctx, engine); err != nil {
			return fmt.Errorf("usage on %s: %w", engine, err)
		}
	}
	return nil
}

// usageRow is a measure: a request, and the raw transaction beside it.
type usageRow struct {
	row
	work     string
	rows     float64 // of one request
	requests func(server *child) func(int64) []byte
	status   string
}

func (b *bench) usage(ctx context.Context, engine string) (err error) {
	var rows []usageRow
	for _, r := range []usageRow{
		{row{what: "report usage", clients: 64, least: 0.5}, reportWork, 1, reportRequests, "201"},
		{row{what: "report usage, 100 at once", clients: 4}, reportsWork, reportsAtOnce, reportsRequests, "201"},
		{row{what: "events, 1,000 at once", clients: 4, least: 0.5}, eventsWork, eventsAtOnce, eventsRequests, "200"},
	} {
		if r.engine, r.unit = engine, "/s"; b.wanted(r.name()) {
			rows = append(rows, r)
		}
	}
	if rows == nil {
		return nil
	}
	var children [2]*child
	for i, role := range []string{"serve", "raw-" + engine} {
		p, err := b.database(ctx, engine)
		if err != nil {
			return err
		}
		if err := copyCustomers(ctx, p, "plan-basic", usageCustomers); err != nil {
			return err
		}
		if children[i], err = b.spawn(role, p); err != nil {
			return err
		}
		defer func() { err = joined(err, children[i].stop) }()
	}
	if err := b.settleUsage(ctx, engine, children[0], children[1]); err != nil {
		return err
	}
	for _, r := range rows {
		ours := &httpSide{server: children[0], request: r.requests(children[0]), status: r.status}
		defer ours.close()
		raw := rawSide{child: children[1], work: r.work}
		err := b.profiled(children[0], r.name(), func() error {
			pairs, err := b.duel(ctx, r.clients, ours, raw)
			if err == nil {
				b.report.add(compare(r.row, pairs, func(s sample) float64 { return s.rate() * r.rows }))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// settleUsage lets everybody report once, so that there are counters, and tells PostgreSQL of what there is.
func (b *bench) settleUsage(ctx context.Context, engine string, server, raw *child) error {
	all := &httpSide{server: server, request: reportsRequests(server), status: "201"}
	defer all.close()
	for _, s := range []side{all, rawSide{child: raw, work: reportsWork}} {
		for n := 0; n < usageCustomers/reportsAtOnce; {
			done, err := s.round(ctx, 4, b.round/2)
			if err != nil {
				return err
			}
			n += done.Ops
		}
	}
	if engine == postgres {
		return b.analyze(ctx)
	}
	return nil
}

// reportRequests are made beforehand: one report of one unit for each customer.
func reportRequests(server *child) func(int64) []byte {
	list := make([][]byte, usageCustomers)
	for i := range list {
		list[i] = request(server, "POST", "/api/v1/usage", `{"usages":[`+reportOf(i)+`]}`)
	}
	return func(n int64) []byte { return list[n*7919%usageCustomers] }
}

// reportsRequests are made beforehand: each reports for customers of its own.
func reportsRequests(server *child) func(int64) []byte {
	list := make([][]byte, usageCustomers/reportsAtOnce)
	for i := range list {
		reports := make([]string, reportsAtOnce)
		for k := range reports {
			reports[k] = reportOf(i*reportsAtOnce + k)
		}
		list[i] = request(server, "POST", "/api/v1/usage", `{"usages":[`+strings.Join(reports, ",")+`]}`)
	}
	return func(n int64) []byte { return list[n%int64(len(list))] }
}

func reportOf(customer int) string {
	return fmt.Sprintf(`{"customerId":"%s","featureId":"%s","value":1}`, customerRef("plan-basic", int64(customer)), metered)
}

// eventsRequests send new events, of which ten have come before.
func eventsRequests(server *child) func(int64) []byte {
	list := make([]string, eventsAtOnce)
	at := eventTime().Format(time.RFC3339)
	for i := range list {
		list[i] = fmt.Sprintf(`{"customerId":"%s","eventName":"%s","idempotencyKey":"`+eventKey+`","timestamp":"%s","dimensions":%s}`,
			eventCustomer(i), eventName, 0, at, eventDimensions)
	}
	whole := request(server, "POST", "/api/v1/events", `{"events":[`+strings.Join(list, ",")+`]}`)
	zero := fmt.Appendf(nil, eventKey, 0)
	var keys []int // where they are in the request
	for from := 0; len(keys) < eventsAtOnce; {
		from += bytes.Index(whole[from:], zero)
		keys = append(keys, from)
		from += len(zero)
	}
	return func(n int64) []byte {
		next := bytes.Clone(whole)
		for i, at := range keys {
			for k, number := at+len(zero)-1, eventNumber(n, i); number > 0; k-- {
				next[k] = byte('0' + number%10)
				number /= 10
			}
		}
		return next
	}
}

// The last ten events of a request are the first ten of one long before, which has been answered.
const (
	eventsFresh  = eventsAtOnce - 10
	eventsRepeat = 64
)

// eventNumber is what tells the events of all requests apart.
func eventNumber(n int64, i int) int64 {
	if i < eventsFresh {
		return n*eventsFresh + int64(i)
	}
	return max(n-eventsRepeat, 0)*eventsFresh + int64(i-eventsFresh)
}

func eventCustomer(i int) string { return customerRef("plan-basic", int64(i%eventsFresh)) }

// eventTime is when events happened: the same for all of a day, so that repeats are equal.
func eventTime() time.Time { return time.Now().UTC().Truncate(24 * time.Hour) }
