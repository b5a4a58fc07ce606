package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/event"
)

// Kind is what a key may do, by and large (domain-catalog-provisioning §2.3).
type Kind string

// The kinds.
const (
	ServerKey Kind = "SERVER" // full access
	ClientKey Kind = "CLIENT" // publishable: narrow and read-only
)

// prefix begins every secret of the kind.
func (k Kind) prefix() string { return strings.ToLower(string(k)) + "-" }

const (
	minSecret = 32
	maxSecret = 200
	shown     = 4 // characters of a secret that are kept at each end
)

// Errors about keys.
var (
	ErrKeyNotFound = errs.New(errs.NotFound, "ApiKeyNotFound", "There is no API key with this id.")
	errSystemKey   = errs.IntegrityViolation.Because(
		"Every environment has one server and one client key of its own. They can be rotated, not revoked.")
	errKeyEnded = errs.IntegrityViolation.Because("The key is expired, revoked or being replaced already.")
)

// Key is an API key without its secret. It belongs to one environment.
type Key struct {
	Environment tenant.ID
	ID          string
	Kind        Kind
	Name        string
	System      bool   // made with the environment: one of each kind
	Hash        string // SHA-256 of the secret, in hex
	Prefix      string // the beginning of the secret, to be recognised by
	Last4       string
	CreatedAt   time.Time
	ExpiresAt   *time.Time // set when it was replaced
	RevokedAt   *time.Time // set when it ended; equal to ExpiresAt when it expired
}

// Issued is a new key and its secret, which is never shown again.
type Issued struct {
	Key
	Secret string
}

// Status says in one word whether the key works at now.
func (k Key) Status(now time.Time) string {
	switch {
	case k.expired(now):
		return "EXPIRED"
	case k.RevokedAt != nil:
		return "REVOKED"
	case k.ExpiresAt != nil:
		return "EXPIRING"
	}
	return "ACTIVE"
}

func (k Key) expired(now time.Time) bool {
	return k.ExpiresAt != nil && !now.Before(*k.ExpiresAt) && (k.RevokedAt == nil || k.RevokedAt.Equal(*k.ExpiresAt))
}

// version counts what happened to the key: made, given an end, ended.
func (k Key) version() int64 {
	v := int64(1)
	if k.ExpiresAt != nil {
		v++
	}
	if k.RevokedAt != nil {
		v++
	}
	return v
}

func (k Key) event(typ string) event.Event {
	payload := map[string]any{"id": k.ID, "kind": k.Kind, "prefix": k.Prefix}
	if k.ExpiresAt != nil {
		payload["expiresAt"] = *k.ExpiresAt
	}
	return event.Event{Type: typ, Entity: event.Entity{Type: "api_key", ID: k.ID}, Version: k.version(), Payload: payload}
}

// CheckSecret says what is wrong with a secret that is to become a key of the kind, or "".
func CheckSecret(kind Kind, secret string) string {
	switch {
	case !strings.HasPrefix(secret, kind.prefix()):
		return fmt.Sprintf("must begin with %s", kind.prefix())
	case len(secret) < minSecret || len(secret) > maxSecret:
		return fmt.Sprintf("must have from %d to %d characters", minSecret, maxSecret)
	}
	for i := range len(secret) {
		if secret[i] <= ' ' || secret[i] > '~' {
			return "must have letters, digits and punctuation only"
		}
	}
	return ""
}

// NewSecret makes a secret of 256 random bits.
func NewSecret(kind Kind) string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // it never fails
	return kind.prefix() + base64.RawURLEncoding.EncodeToString(b[:])
}

// issue makes a key of a secret.
func issue(k Key, secret string) Issued {
	sum := sha256.Sum256([]byte(secret))
	k.Hash = hex.EncodeToString(sum[:])
	k.Prefix = secret[:len(k.Kind.prefix())+shown]
	k.Last4 = secret[len(secret)-shown:]
	return Issued{k, secret}
}

// Keeps are the names of how long a replaced secret goes on working, in order.
var Keeps = []string{"now", "1h", "24h", "3d", "7d"}

var keeps = map[string]time.Duration{
	"now": 0, "1h": time.Hour, "24h": 24 * time.Hour, "3d": 3 * 24 * time.Hour, "7d": 7 * 24 * time.Hour,
}

func parseKeep(s string) (time.Duration, error) {
	d, ok := keeps[s]
	if !ok {
		return 0, errs.BadUserInput.At("keep", "must be one of %s", strings.Join(Keeps, ", "))
	}
	return d, nil
}
