package store_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

func TestCloseLeavesNothingBehind(t *testing.T) { // counts goroutines, so not parallel
	for _, engine := range storetest.Engines() {
		cfg := storetest.New(t, engine)
		before := goleak.IgnoreCurrent()
		db, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		write(t, db, func(st *store.Tx) error { st.Append(0, event.Event{Type: "x"}); return nil })
		_ = feed(t, db)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if err := goleak.Find(before); err != nil {
			t.Errorf("%s: %v", engine, err)
		}
	}
}

func TestFailedOpenLeavesNothingBehind(t *testing.T) { // counts goroutines, so not parallel
	before := goleak.IgnoreCurrent()
	for _, cfg := range []store.Config{
		{},
		{Path: t.TempDir()},
		{Path: t.TempDir() + "/none/purser.db"},
		{DSN: "postgres://nobody@127.0.0.1:1/none?sslmode=disable&connect_timeout=1"},
		{DSN: "postgres://x:y:z"},
	} {
		if db, err := store.Open(t.Context(), cfg); err == nil {
			t.Errorf("%+v opened: %v", cfg, db.Close())
		}
	}
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}
