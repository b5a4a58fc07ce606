// Package auth says who is calling and what they may do.
//
// A key belongs to one environment (domain-catalog-provisioning §2.3). Keys are found
// through the port Keys; the one permission table is in permission.go.
package auth

import (
	"context"
	"net/http"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
)

// Header carries the key. Header names are case-insensitive.
const Header = "X-Api-Key"

const maxSecret = 256

// Kind is what sort of key is calling.
type Kind uint8

// The kinds. The zero Kind may do nothing.
const (
	Server Kind = iota + 1 // full access
	Client                 // publishable, narrow and read-only
)

// String gives the prefix of the kind's secrets.
func (k Kind) String() string {
	switch k {
	case Server:
		return "server"
	case Client:
		return "client"
	}
	return "unknown"
}

// Identity is who calls: one key of one environment.
type Identity struct {
	Environment     tenant.ID
	EnvironmentSlug string
	Production      bool
	KeyID           string
	Kind            Kind
}

// PublishedOnly reports whether the caller sees the published, visible catalog only: no drafts, nothing hidden or
// archived.
func (i Identity) PublishedOnly() bool { return i.Kind != Server }

// Keys finds the identity behind a secret: errs.NoKey for one that is unknown, expired or revoked. It is asked on every
// request, so it answers from memory.
type Keys interface {
	Authenticate(ctx context.Context, secret string) (Identity, error)
}

// Request identifies the caller of a request: errs.NoKey without exactly one key.
func Request(ctx context.Context, keys Keys, h http.Header) (Identity, error) {
	v := h[Header]
	if len(v) != 1 || v[0] == "" || len(v[0]) > maxSecret {
		return Identity{}, errs.NoKey
	}
	return keys.Authenticate(ctx, v[0])
}

type identityKey struct{}

// With stores who is calling.
func With(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// From returns what With stored. Without it the zero Identity comes back, which may do nothing.
func From(ctx context.Context) Identity {
	id, _ := ctx.Value(identityKey{}).(Identity)
	return id
}
