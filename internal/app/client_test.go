package app

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/purserhq/purser/internal/api/auth"
)

// The demo's key goes to the demo alone.
func TestClientOr(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := demoEnv{url: "http://127.0.0.1:8080", keys: Bootstrap{"s", "c", "ps", "pc"}}
	if err := env.write(filepath.Join(dir, demoFile)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		data  string
		given Client
		want  Client
		fails string
	}{
		{"nothing given", dir, Client{}, Client{env.url, "s"}, ""},
		{"its URL", dir, Client{URL: env.url}, Client{env.url, "s"}, ""},
		{"its URL with a slash", dir, Client{URL: env.url + "/"}, Client{env.url + "/", "s"}, ""},
		{"its URL and another key", dir, Client{env.url, "k"}, Client{env.url, "k"}, ""},
		{"a key", dir, Client{Key: "k"}, Client{env.url, "k"}, ""},
		{"another URL", dir, Client{URL: "https://purser.example"}, Client{URL: "https://purser.example"}, "give --key"},
		{"another port", dir, Client{URL: "http://127.0.0.1:80801"}, Client{URL: "http://127.0.0.1:80801"}, "give --key"},
		{"another URL and its key", dir, Client{"https://purser.example", "k"}, Client{"https://purser.example", "k"}, ""},
		{"a URL without a demo", t.TempDir(), Client{URL: env.url}, Client{URL: env.url}, "give --key"},
		{"no demo", t.TempDir(), Client{}, Client{}, "give --url and --key"},
	} {
		got, err := tt.given.Or(tt.data)
		if got != tt.want {
			t.Errorf("%s: got %+v", tt.name, got)
		}
		if (err == nil) != (tt.fails == "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestClientFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			t.Errorf("%d: the other server was asked, with key %q", status, r.Header.Get(auth.Header))
		}))
		s := httptest.NewServer(http.RedirectHandler(other.URL+"/elsewhere", status))
		_, err := Client{URL: s.URL, Key: "k"}.Clock(t.Context())
		if err == nil || !strings.Contains(err.Error(), other.URL+"/elsewhere") || !strings.Contains(err.Error(), "--url") {
			t.Errorf("%d: %v", status, err)
		}
		s.Close()
		other.Close()
	}
}
