package apitest

import (
	"context"
	"testing"

	"github.com/purserhq/purser/internal/app"
	"github.com/purserhq/purser/internal/store/storetest"
)

// eachRunning is each with servers that run: they listen, and their workers follow the feed.
func eachRunning(t *testing.T, fn func(t *testing.T, s *server, url string)) {
	t.Helper()
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := start(t, engine, anyPort)
			url, _ := s.run()
			fn(t, s, url)
		})
	}
}

func anyPort(c *app.Config) { c.Listen = "127.0.0.1:0" }

// run listens and starts the workers. stop shuts the server down and waits for the end.
func (s *server) run() (url string, stop func()) {
	s.t.Helper()
	url, _, err := s.app.Listen()
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.app.Run(ctx); err != nil {
			s.t.Errorf("run: %v", err)
		}
	}()
	stop = func() {
		cancel()
		<-done
		s.app = nil
	}
	s.t.Cleanup(stop)
	return url, stop
}
