package app

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestRequestsOfClosedConnectionsAreLeftUndone(t *testing.T) {
	t.Parallel()
	done := 0
	h := undisturbed(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { done++ }))
	ours, theirs := net.Pipe()
	defer func() { _ = theirs.Close() }()
	conn := &notingConn{Conn: ours}
	r := httptest.NewRequestWithContext(withConn(t.Context(), conn), http.MethodPost, "/", http.NoBody)

	h.ServeHTTP(httptest.NewRecorder(), r)
	if done != 1 {
		t.Fatalf("an open connection: %d requests were done", done)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) || done != 1 {
			t.Errorf("a closed connection: %v, %d requests were done", err, done)
		}
	}()
	h.ServeHTTP(httptest.NewRecorder(), r)
}
