package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/purserhq/purser/internal/base/errs"
)

func TestAllow(t *testing.T) {
	t.Parallel()
	dev, prod := Identity{Kind: Client}, Identity{Kind: Client, Production: true}
	for p := Permission(1); p < permissions; p++ {
		if p.String() == "" {
			t.Errorf("permission %d has no row in the table", p)
		}
		for _, production := range []bool{false, true} {
			if err := Allow(Identity{Kind: Server, Production: production}, p); err != nil {
				t.Errorf("server key, %s: %v", p, err)
			}
		}
		want := map[Identity]bool{
			dev:  p == CatalogRead || p == EntitlementRead,
			prod: p == CatalogRead,
			{}:   false,
		}
		for id, ok := range want {
			err := Allow(id, p)
			if (err == nil) != ok {
				t.Errorf("%+v, %s: %v, want allowed %t", id, p, err, ok)
			}
			if err != nil && (!errors.Is(err, errs.IdentityForbidden) || !strings.Contains(err.Error(), p.String())) {
				t.Errorf("%+v, %s: %v does not name the permission", id, p, err)
			}
		}
	}
	for _, p := range []Permission{0, permissions, 255} {
		if Allow(Identity{Kind: Server}, p) == nil {
			t.Errorf("permission %d is allowed", p)
		}
	}
}

type oneKey string

func (k oneKey) Authenticate(_ context.Context, secret string) (Identity, error) {
	if secret != string(k) {
		return Identity{}, errs.NoKey
	}
	return Identity{Environment: 7, Kind: Server}, nil
}

func TestRequest(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		sent []string
		ok   bool
	}{
		{"right", []string{"server-1"}, true},
		{"none", nil, false},
		{"empty", []string{""}, false},
		{"wrong", []string{"server-2"}, false},
		{"two", []string{"server-1", "server-1"}, false},
		{"endless", []string{strings.Repeat("x", 257)}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			for _, v := range tc.sent {
				h.Add("x-api-KEY", v)
			}
			id, err := Request(t.Context(), oneKey("server-1"), h)
			if (err == nil) != tc.ok || tc.ok && id.Environment != 7 {
				t.Errorf("got %+v, %v", id, err)
			}
			if err != nil && !errors.Is(err, errs.NoKey) {
				t.Errorf("got %v, want %v", err, errs.NoKey)
			}
		})
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	id := Identity{Environment: 3, Kind: Client}
	if got := From(With(t.Context(), id)); got != id {
		t.Errorf("got %+v, want %+v", got, id)
	}
	if got := From(t.Context()); got != (Identity{}) || !got.PublishedOnly() {
		t.Errorf("nobody: %+v", got)
	}
	if (Identity{Kind: Server}).PublishedOnly() {
		t.Error("a server key sees the published catalog only")
	}
}
