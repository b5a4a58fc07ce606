package guarantee

import (
	"fmt"
	"strings"
)

// File is where the guarantees are, from the root of the repository.
const File = "docs/guarantees.md"

const head = `# Guarantees

What Purser promises, the tests that keep each promise, and what they measured last. The list is
` + "`internal/guarantee/promises.go`; `make guarantees`" + ` runs the tests and writes this file. "4 cases" are tests and
subtests that passed, those of both engines together.

`

const tableHead = `
| promise | kept by | last measured |
| --- | --- | --- |
`

// Numbers are what was measured, by the promise's id, and where.
type Numbers struct {
	Where string // machine and day
	Of    map[string]string
}

const none = "not measured yet"

// Render writes the document.
func Render(n Numbers) string {
	var b strings.Builder
	b.WriteString(head)
	where := n.Where
	if where == "" {
		where = none
	}
	fmt.Fprintf(&b, "%s%s\n%s", whereIs, where, tableHead)
	for _, p := range Promises {
		of := n.Of[p.ID]
		if of == "" {
			of = none
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", cell(p.Says), "`"+strings.Join(p.Tests, "`<br>`")+"`", cell(of))
	}
	return b.String()
}

const whereIs = "Measured: "

func cell(s string) string { return strings.NewReplacer("|", "/", "\n", " ").Replace(s) }

// Parse reads the numbers of a document that Render wrote, as far as their promises still stand there word for word.
func Parse(doc string) Numbers {
	n := Numbers{Of: map[string]string{}}
	ids := map[string]string{}
	for _, p := range Promises {
		ids[cell(p.Says)] = p.ID
	}
	for line := range strings.Lines(doc) {
		line = strings.TrimSpace(line)
		if where, ok := strings.CutPrefix(line, whereIs); ok && where != none {
			n.Where = where
		}
		columns := strings.Split(line, " | ")
		if len(columns) != 3 {
			continue
		}
		id, ok := ids[strings.TrimPrefix(columns[0], "| ")]
		if of := strings.TrimSuffix(columns[2], " |"); ok && of != none {
			n.Of[id] = of
		}
	}
	return n
}
