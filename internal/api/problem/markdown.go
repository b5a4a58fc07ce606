package problem

import (
	"fmt"
	"strings"

	"github.com/purserhq/purser/internal/base/errs"
)

// Markdown returns docs/errors.md: every code that the program declares. Codes of packages that the caller does not
// import are missing, so a test beside the composition root writes it.
func Markdown() []byte {
	var b strings.Builder
	b.WriteString(`# Error codes

Written by a test from the code. Codes are stable; messages are for people and may change. The body is
` + "`{\"error\":{\"code\",\"message\"},\"code\",\"message\",\"details\":[{\"path\",\"issue\"}],\"requestId\"}`" + ` on every route. A 409 that
cannot succeed when repeated carries ` + "`x-should-retry: false`" + `.

| code | status | meaning |
| --- | --- | --- |
`)
	for _, e := range errs.All() {
		fmt.Fprintf(&b, "| `%s` | %d | %s |\n", e.Code, Status(e), strings.ReplaceAll(e.Message, "|", `\|`))
	}
	return []byte(b.String())
}
