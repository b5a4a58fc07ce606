package store_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/store"
)

// tailModel is the database as the tailer sees it: transactions take an id, then positions, then end; the tailer reads
// the head and later the open ids.
type tailModel struct {
	seq   int64
	next  int
	open  map[string][]int64 // positions of each open transaction
	marks []store.Mark
	final int64
	head  int64 // what a poll under way has read
	polls bool
}

func (m *tailModel) begin(*rapid.T) {
	m.next++
	m.open[fmt.Sprint(m.next)] = nil
}

func (m *tailModel) pick(t *rapid.T) string {
	if len(m.open) == 0 {
		t.Skip("nothing is open") // rapid draws another step; the test goes on
	}
	ids := make([]string, 0, len(m.open))
	for id := 1; id <= m.next; id++ {
		if _, ok := m.open[fmt.Sprint(id)]; ok {
			ids = append(ids, fmt.Sprint(id))
		}
	}
	return rapid.SampledFrom(ids).Draw(t, "transaction")
}

func (m *tailModel) position(t *rapid.T) {
	id := m.pick(t)
	m.seq++
	m.open[id] = append(m.open[id], m.seq)
}

func (m *tailModel) end(t *rapid.T) { delete(m.open, m.pick(t)) }

func (m *tailModel) readHead(*rapid.T) { m.head, m.polls = m.seq, true }

func (m *tailModel) readOpen(t *rapid.T) {
	if !m.polls {
		t.Skip("no poll is under way") // rapid draws another step; the test goes on
	}
	m.polls = false
	open := map[string]bool{}
	for id := range m.open {
		open[id] = true
	}
	before := m.final
	m.marks, m.final = store.SettleMarks(m.marks, m.head, open, m.final)
	if m.final < before || m.final > m.seq {
		t.Fatalf("final went from %d to %d at head %d", before, m.final, m.seq)
	}
	if len(m.marks) > store.MarkCount {
		t.Fatalf("%d marks", len(m.marks))
	}
}

func (m *tailModel) check(t *rapid.T) {
	for id, list := range m.open {
		for _, p := range list {
			if p <= m.final {
				t.Fatalf("position %d of open transaction %s is below the final %d", p, id, m.final)
			}
		}
	}
}

func TestSettleMarks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &tailModel{open: map[string][]int64{}}
		t.Repeat(map[string]func(*rapid.T){
			"begin": m.begin, "position": m.position, "end": m.end, "read head": m.readHead, "read open": m.readOpen, "": m.check,
		})
		// When everybody has ended, one more look makes everything final.
		clear(m.open)
		m.readHead(t)
		m.readOpen(t)
		if m.final != m.seq || len(m.marks) != 0 {
			t.Fatalf("at the end final is %d of %d, %d marks wait", m.final, m.seq, len(m.marks))
		}
	})
}

func TestSettleMarksBehindOneLongTransaction(t *testing.T) {
	t.Parallel()
	var marks []store.Mark
	final := int64(0)
	long := func() map[string]bool { return map[string]bool{"long": true} }
	for head := range int64(1000) {
		marks, final = store.SettleMarks(marks, head, long(), final)
	}
	if final != 0 || len(marks) != store.MarkCount {
		t.Errorf("final %d, %d marks; want 0 and the bound %d", final, len(marks), store.MarkCount)
	}
	if _, final = store.SettleMarks(marks, 1000, map[string]bool{"new": true}, final); final == 0 {
		t.Error("the end of the long transaction settled nothing")
	}
}
