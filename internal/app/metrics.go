package app

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/purserhq/purser/internal/store"
)

// metrics is what /metrics shows. No label holds an id of a customer.
type metrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.HistogramVec
	series     sync.Map // series of requests by seriesKey: finding one by its labels is slower
	groups     prometheus.Histogram
	retries    prometheus.Counter
	roundTrips prometheus.Counter
}

type seriesKey struct {
	route  string
	status int
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "purser_http_request_duration_seconds", Help: "Requests and how long they took, by route and status.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30},
		}, []string{"route", "status"}),
		groups: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "purser_sqlite_group_size", Help: "Writes that were committed together.",
			Buckets: []float64{1, 2, 4, 8, 16, 32, 64},
		}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "purser_postgres_retries_total", Help: "Transactions that were run again after a conflict.",
		}),
		roundTrips: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "purser_postgres_round_trips_total", Help: "How often a write waited for the database.",
		}),
	}
	m.registry.MustRegister(m.requests, m.groups, m.retries, m.roundTrips,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Observe implements rest.Metrics.
func (m *metrics) Observe(route string, status int, d time.Duration) {
	key := seriesKey{route, status}
	o, ok := m.series.Load(key)
	if !ok {
		o, _ = m.series.LoadOrStore(key, m.requests.WithLabelValues(route, strconv.Itoa(status)))
	}
	o.(prometheus.Observer).Observe(d.Seconds())
}

// watch hands the store's measurements on.
func (m *metrics) watch() store.Watch {
	return store.Watch{
		Group:     func(n int) { m.groups.Observe(float64(n)) },
		Retry:     m.retries.Inc,
		RoundTrip: m.roundTrips.Inc,
	}
}

// gauge shows a number that is asked for at every scrape.
func (m *metrics) gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// counter shows a number that only grows and is asked for at every scrape.
func (m *metrics) counter(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value))
}

// scrapeTimeout bounds a query for a gauge.
const scrapeTimeout = 2 * time.Second

// asked is a gauge's value that takes a query; -1 when it cannot be had.
func asked(query func(ctx context.Context) (int64, error)) func() float64 {
	return func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
		defer cancel()
		n, err := query(ctx)
		if err != nil {
			return -1
		}
		return float64(n)
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}
