// Package metadata is the string map that callers may attach to most entities
// (domain-catalog-provisioning §0.3).
package metadata

import (
	"unicode/utf8"

	"github.com/purserhq/purser/internal/base/errs"
)

// The limits, in characters.
const (
	MaxKeys  = 50
	MaxKey   = 40
	MaxValue = 500
)

// Check records what is wrong with a map at path.
func Check(c *errs.Checks, path string, m map[string]string) {
	if len(m) > MaxKeys {
		c.Shape(path, "must not have more than %d keys", MaxKeys)
	}
	for k, v := range m {
		if k == "" || utf8.RuneCountInString(k) > MaxKey {
			c.Shape(path, "keys must have 1 to %d characters", MaxKey)
		}
		if utf8.RuneCountInString(v) > MaxValue {
			c.Shape(path+"."+k, "must not be longer than %d characters", MaxValue)
		}
	}
}

// Given is what a new entity starts with: the map without its empty values, never nil.
func Given(m map[string]string) map[string]string { return Merge(nil, Patch(m)) }

// Merge applies a patch: given keys replace, null or "" deletes, others stay. The result is a new map, never nil.
func Merge(old map[string]string, patch map[string]*string) map[string]string {
	out := make(map[string]string, len(old)+len(patch))
	for k, v := range old {
		out[k] = v
	}
	for k, v := range patch {
		if v == nil || *v == "" {
			delete(out, k)
		} else {
			out[k] = *v
		}
	}
	return out
}

// CheckPatch records what is wrong with a patch at path, and with what would come of it.
func CheckPatch(c *errs.Checks, path string, patch map[string]*string) {
	given := make(map[string]string, len(patch))
	for k, v := range patch {
		if v != nil {
			given[k] = *v
		} else {
			given[k] = ""
		}
	}
	Check(c, path, given)
}

// Patch is a map as a patch: an empty value deletes its key.
func Patch(m map[string]string) map[string]*string {
	out := make(map[string]*string, len(m))
	for k, v := range m {
		out[k] = &v
	}
	return out
}
