package event

import (
	"strconv"
	"strings"

	"github.com/purserhq/purser/internal/base/errs"
)

// Cursor is a place in the feed as the outside sees it: GENERATION.POSITION. A restored backup starts a new
// generation, so that a reader of the old one cannot silently miss what was undone.
type Cursor struct {
	Generation string
	Position   int64
}

// String gives the opaque form.
func (c Cursor) String() string { return c.Generation + "." + strconv.FormatInt(c.Position, 10) }

// ParseCursor reads the opaque form; anything else is BadUserInput naming path.
func ParseCursor(path, s string) (Cursor, error) {
	gen, pos, ok := strings.Cut(s, ".")
	n, err := strconv.ParseInt(pos, 10, 64)
	if !ok || err != nil || n < 0 || gen == "" || len(s) > 64 || strconv.FormatInt(n, 10) != pos {
		return Cursor{}, errs.BadUserInput.At(path, "is not a position of this feed")
	}
	return Cursor{gen, n}, nil
}
