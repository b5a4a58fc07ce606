package e2e

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/guarantee"
	"github.com/purserhq/purser/internal/store/storetest"
)

// shutdownTime is what a graceful end may take.
const shutdownTime = 20 * time.Second

// 64 requests that the server has begun to read when it is told to stop are answered, all of them.
func TestShutdownAnswersSixtyFourInFlight(t *testing.T) {
	each(t, func(t *testing.T, at place) {
		s := serve(t, at)
		s.demo()
		conns := make([]net.Conn, clients)
		readers := make([]*bufio.Reader, clients)
		bodies := make([]string, clients)
		for i := range conns {
			bodies[i] = fmt.Sprintf(`{"id":"late-%d","subscriptionParams":{"planId":"plan-pro"}}`, i)
			conns[i], readers[i] = accepted(t, s.URL, len(bodies[i]))
		}
		s.terminate()
		until(t, "the server takes no more connections", func() bool {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://")) //nolint:noctx // loopback
			if err == nil {
				_ = conn.Close()
			}
			return err != nil
		})
		start := clock.System{}.Now()
		var wg sync.WaitGroup
		for i := range conns {
			wg.Go(func() {
				if _, err := conns[i].Write([]byte(bodies[i])); err != nil {
					t.Errorf("request %d: %v", i, err)
					return
				}
				res, err := http.ReadResponse(readers[i], nil)
				if err != nil {
					t.Errorf("request %d was accepted and got no answer: %v", i, err)
					return
				}
				_ = res.Body.Close()
				if res.StatusCode != http.StatusCreated {
					t.Errorf("request %d: %d, want 201", i, res.StatusCode)
				}
			})
		}
		wg.Wait()
		if code := s.ended(); code != 0 {
			t.Errorf("the server ended with %d:\n%s", code, s.errs)
		}
		took := clock.System{}.Now().Sub(start)
		if took > shutdownTime {
			t.Errorf("the server took %s to end", took)
		}
		guarantee.Measured(t, "shutdown", "%d of %d answered, ended %d ms later", clients, clients, took.Milliseconds())
	})
}

// accepted opens a connection, sends the head of a request and waits until the server asks for the body.
func accepted(t *testing.T, url string, length int) (net.Conn, *bufio.Reader) {
	t.Helper()
	address := strings.TrimPrefix(url, "http://")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "POST /api/v1/customers HTTP/1.1\r\nHost: %s\r\nX-API-KEY: %s\r\n"+
		"Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", address, serverKey, length)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	line, err := in.ReadString('\n')
	if err == nil {
		_, err = in.ReadString('\n') // the empty line after it
	}
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("the server did not take the request: %q, %v", line, err)
	}
	return conn, in
}

// While 64 clients send as fast as they can a server is stopped: it does nothing that it does not answer.
func TestShutdownUnderLoad(t *testing.T) {
	each(t, func(t *testing.T, at place) {
		rows := storetest.SQL(t, at.Config)
		s := serve(t, at)
		s.demo()
		c := newCrowd("load")
		c.until = 3 * clients
		done := make(chan struct{})
		go func() { c.run(context.Background(), s.URL); close(done) }()
		<-c.enough
		s.terminate()
		<-done
		if code := s.ended(); code != 0 {
			t.Errorf("the server ended with %d:\n%s", code, s.errs)
		}
		for _, err := range c.faults {
			t.Error(err)
		}
		there := holdings(t, rows, c.name)
		for id := range c.answers {
			if there[id] == nil {
				t.Errorf("%s was answered and is not there", id)
			}
		}
		for _, id := range c.unanswered() {
			if there[id] != nil {
				t.Errorf("%s is there and its request got no answer", id)
			}
		}
	})
}
