package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// block is a marked piece of the README: a script, and the answer that the README shows for it.
type block struct {
	name   string
	script string
	answer any // decoded JSON; nil when none is shown
}

type blocks []block

func (b blocks) get(name string) block {
	i := slices.IndexFunc(b, func(b block) bool { return b.name == name })
	return b[i] // readBlocks has seen to it
}

// order is that of the marks in the README.
func order() []string {
	names := []string{"run", "keys"}
	for _, s := range steps {
		names = append(names, s.name)
	}
	return names
}

func readBlocks(path string) (blocks, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	found, err := parseBlocks(string(b))
	if err != nil {
		return nil, fmt.Errorf("README.md: %w", err)
	}
	names := make([]string, 0, len(found))
	for _, b := range found {
		names = append(names, b.name)
	}
	if want := order(); !slices.Equal(names, want) {
		return nil, fmt.Errorf("README.md marks the blocks %q; this program knows %q", names, want)
	}
	return found, nil
}

var mark = regexp.MustCompile(`^<!-- newcomer: ([a-z-]+) -->$`)

// parseBlocks finds the marks. The next thing after a mark is a fenced sh block; a fenced json block after that, with or
// without words between, is the answer.
func parseBlocks(text string) (found blocks, err error) {
	lines := strings.Split(text, "\n")
	marked := false // a mark waits for its script
	for i := 0; i < len(lines); i++ {
		if m := mark.FindStringSubmatch(lines[i]); m != nil {
			found, marked = append(found, block{name: m[1]}), true
			continue
		}
		lang, fenced := strings.CutPrefix(lines[i], "```")
		if !fenced {
			if marked && strings.TrimSpace(lines[i]) != "" {
				return nil, fmt.Errorf("the mark %q is not followed by a code block", found[len(found)-1].name)
			}
			continue
		}
		end := slices.Index(lines[i+1:], "```")
		if end < 0 {
			return nil, errors.New("a code block has no end")
		}
		content := strings.Join(lines[i+1:i+1+end], "\n")
		i += end + 1
		if len(found) == 0 {
			continue
		}
		last := &found[len(found)-1]
		switch {
		case marked && lang == "sh":
			last.script, marked = content, false
		case marked:
			return nil, fmt.Errorf("the mark %q is not followed by a block of sh", last.name)
		case lang == "json" && last.answer == nil:
			if err := json.Unmarshal([]byte(content), &last.answer); err != nil {
				return nil, fmt.Errorf("the answer to %q: %w", last.name, err)
			}
		}
	}
	return found, nil
}
