package client_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/purserhq/purser/bench/client"
)

func TestClientReadsAnswers(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/short":
			_, _ = w.Write([]byte("short"))
		case "/long":
			_, _ = w.Write(bytes.Repeat([]byte("long "), 20000))
		default:
			http.Error(w, "no such thing", http.StatusNotFound)
		}
	}))
	t.Cleanup(s.Close)
	c, err := client.Dial(t.Context(), s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	get := func(path string) error {
		return c.Do(fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path), "200")
	}
	for _, path := range []string{"/short", "/long", "/short", "/long"} {
		if err := get(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := get("/missing"); err == nil || !strings.Contains(err.Error(), "404") || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("/missing: %v", err)
	}
}
