package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// What is asked about one customer costs as much as that customer has, however many others there are.
func TestQueriesOfOneCustomerDoNotGoThroughAll(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.New(t, storetest.SQLite))
	environment(t, db, 1)
	for text, n := range store.CustomerQueries {
		args := []any{1, "x", "y"}[:n]
		found := false
		err := db.Read(t.Context(), 1, func(st *store.Tx, _ time.Time) error {
			return st.Plan(t.Context(), func(step string) {
				if strings.HasPrefix(step, "SEARCH s ") {
					found = true
					if !strings.Contains(step, "customer_id=?") {
						t.Errorf("%s in\n%s", step, text)
					}
				}
			}, text, args...)
		})
		if err != nil || !found {
			t.Errorf("no search of subscriptions, %v, in\n%s", err, text)
		}
	}
}

// A history of usage is read in the order of an index: nothing is sorted, and nobody else's rows are looked at.
func TestHistoryIsReadInTheOrderOfAnIndex(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.New(t, storetest.SQLite))
	environment(t, db, 1)
	for table, q := range store.HistoryQueries {
		found := false
		err := db.Read(t.Context(), 1, func(st *store.Tx, _ time.Time) error {
			return st.Plan(t.Context(), func(step string) {
				if strings.HasPrefix(step, "SEARCH "+table+" ") {
					found = strings.Contains(step, "_by_time") && strings.Contains(step, "at>? AND at<?")
				}
				if strings.Contains(step, "TEMP B-TREE") || strings.HasPrefix(step, "SCAN ") && step != "SCAN CONSTANT ROW" {
					t.Errorf("%s in\n%s", step, q.Text)
				}
			}, q.Text, q.Args...)
		})
		if err != nil || !found {
			t.Errorf("no search by time, %v, in\n%s", err, q.Text)
		}
	}
}
