// Package id makes and checks ids. Every entity has two: an internal UUIDv7,
// which orders lists and is their cursor, and the caller's refId.
package id

import (
	"crypto/rand"
	"encoding/hex"
	"strings"

	"github.com/google/uuid"
)

// MaxRef is the longest refId in bytes.
const MaxRef = 255

// Source makes internal ids.
type Source struct{}

// New returns a UUIDv7. Ids of one process ascend.
func (Source) New() string { return New() }

// New returns a UUIDv7.
func New() string { return uuid.Must(uuid.NewV7()).String() }

// Generated returns a refId for an entity that came without one: "plan-6e24b4c09a31f2d7" (domain-catalog-provisioning §0.3, with more digits: at ten million
// subscriptions six would collide).
func Generated(kind string) string {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err)
	}
	return kind + "-" + hex.EncodeToString(b[:])
}

// IsUUID reports whether s is a UUID in its canonical form.
func IsUUID(s string) bool {
	u, err := uuid.Parse(s)
	return err == nil && len(s) == 36 && u.String() == strings.ToLower(s)
}

// RefIssue says what is wrong with a refId, or "" (domain-catalog-provisioning §0.3).
func RefIssue(s string) string { return refIssue(s, "_|.-") }

// CustomerRefIssue is RefIssue for customers, whose ids may also contain @ + and : (contract §1.1).
func CustomerRefIssue(s string) string { return refIssue(s, "_|.-@+:") }

func refIssue(s, extra string) string {
	switch {
	case s == "":
		return "must not be empty"
	case len(s) > MaxRef:
		return "must not be longer than 255 characters"
	case !alphanumeric(s[0]):
		return "must begin with a letter or a digit"
	}
	for i := 0; i < len(s); i++ {
		if !alphanumeric(s[i]) && strings.IndexByte(extra, s[i]) < 0 {
			return "may contain letters, digits and " + strings.Join(strings.Split(extra, ""), " ") + " only"
		}
	}
	return ""
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
