package apitest

import (
	"fmt"
	"path"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/app"
	"github.com/purserhq/purser/internal/store/storetest"
)

// gate lets the steps of jobs through until one, which waits.
type gate struct {
	mu      sync.Mutex
	steps   int
	at      int  // the step that waits; 0 for none
	dies    bool // it does not wait, its process is gone
	reached chan struct{}
	open    chan struct{}
}

func newGate(at int) *gate {
	return &gate{at: at, reached: make(chan struct{}), open: make(chan struct{})}
}

func (g *gate) config(batch int) func(*app.Config) {
	return func(c *app.Config) { c.Jobs = app.Jobs{Batch: batch, Before: g.before} }
}

func (g *gate) before(string) {
	g.mu.Lock()
	g.steps++
	here := g.steps == g.at
	g.mu.Unlock()
	if !here {
		return
	}
	close(g.reached)
	if g.dies {
		runtime.Goexit()
	}
	<-g.open
}

func (g *gate) taken() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.steps
}

// eachGated is each with a gate at a step of the server's jobs, which move one subscription at a time: the first two steps
// move none.
func eachGated(t *testing.T, at int, dies bool, fn func(t *testing.T, s *server, g *gate)) {
	t.Helper()
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			g := newGate(at)
			g.dies = dies
			s := start(t, engine, g.config(1))
			s.fill()
			fn(t, s, g)
		})
	}
}

const subscribers = 6

// subscribe makes customers of gold and gives its draft 20 seats.
func (s *server) subscribe() {
	s.t.Helper()
	for i := range subscribers {
		s.post(customers, provision(fmt.Sprintf("c-%d", i), "gold")).want(201)
	}
	s.edit(plans+"/gold", "")
	s.include(plans+"/gold", "seats", 20)
}

// moved are the customers of gold who have 20 seats.
func (s *server) moved() (n int) {
	s.t.Helper()
	for i := range subscribers {
		if v, _ := s.check(fmt.Sprintf("c-%d", i), "seats").at("data.usageLimit"); v == 20.0 {
			n++
		}
	}
	return n
}

// movedOnce checks that every subscription was moved, and told of, exactly once since a position.
func (s *server) movedOnce(since string) {
	s.t.Helper()
	if n := s.moved(); n != subscribers {
		s.t.Errorf("%d customers have what the new version gives, want %d", n, subscribers)
	}
	told := map[string]int{}
	for _, e := range s.happenedAtAll(since) {
		if e.Type == "subscription.updated" {
			told[e.Entity.ID]++
		}
	}
	for i := range subscribers {
		if id := s.subscriptionOf(fmt.Sprintf("c-%d", i)); told[id] != 1 {
			s.t.Errorf("%d events tell that %s was moved", told[id], id)
		}
	}
	s.sound()
}

func TestTaskIsStoppedAndResumed(t *testing.T) {
	eachGated(t, 5, false, func(t *testing.T, s *server, g *gate) {
		s.subscribe()
		since := s.here()
		task := s.forAll(plans + "/gold")
		<-g.reached
		done, _ := s.get(tasks+"/"+task).want(200).has("data.status", "IN_PROGRESS", "data.total", subscribers, "data.error", nil).at("data.done")
		at := int(done.(float64))
		if at == 0 || at == subscribers || s.moved() != at {
			t.Errorf("%d done, %d moved before the stop", at, s.moved())
		}
		for range 2 {
			s.post(tasks+"/"+task+"/stop", "").want(200).has("data.status", "STOPPED", "data.done", at)
		}
		close(g.open)
		s.ended(task).has("data.status", "STOPPED", "data.done", at)
		if n := s.moved(); n != at {
			t.Errorf("%d moved after the stop, want %d", n, at)
		}
		s.get(tasks+"?status=STOPPED").want(200).has("data.0.id", task, "data.1", absent)
		s.client.post(tasks+"/"+task+"/resume", "").refused(403, "IdentityForbidden")
		s.production.post(tasks+"/"+task+"/resume", "").refused(404, "TaskNotFound")
		s.post(tasks+"/"+task+"/resume", "").want(200).has("data.status", "PENDING")
		s.ended(task).has("data.status", "COMPLETED", "data.done", subscribers, "data.total", subscribers)
		for _, what := range []string{"stop", "resume"} {
			s.post(tasks+"/"+task+"/"+what, "").refused(409, "TaskEnded")
			s.post(tasks+"/none/"+what, "").refused(404, "TaskNotFound")
		}
		s.movedOnce(since)
	})
}

// A task that is being worked on is left alone by whoever resumes it, and waiting for it ends in time.
func TestResumeOfARunningTask(t *testing.T) {
	eachGated(t, 4, false, func(t *testing.T, s *server, g *gate) {
		s.subscribe()
		since := s.here()
		task := s.forAll(plans + "/gold")
		<-g.reached
		s.get(tasks+"/"+task+"?wait=1").want(200).has("data.status", "IN_PROGRESS")
		s.get(tasks+"/"+task+"?wait=26").refused(400, "BadUserInput", "wait")
		for range 3 {
			s.post(tasks+"/"+task+"/resume", "").want(200).has("data.status", "IN_PROGRESS")
		}
		close(g.open)
		s.ended(task).has("data.status", "COMPLETED", "data.done", subscribers)
		s.movedOnce(since)
	})
}

// The process dies in the middle: another one on the same database goes on where it was.
func TestTaskSurvivesItsProcess(t *testing.T) {
	eachGated(t, 5, true, func(t *testing.T, s *server, g *gate) {
		s.subscribe()
		since := s.here()
		task := s.forAll(plans + "/gold")
		<-g.reached
		if n := s.moved(); n == 0 || n == subscribers {
			t.Fatalf("%d were moved when the process died", n)
		}
		s.close()
		next := s.node()
		next.get(tasks+"/"+task).want(200).has("data.status", "IN_PROGRESS")
		next.post(tasks+"/"+task+"/resume", "").want(200).has("data.status", "IN_PROGRESS")
		if n := next.moved(); n == subscribers {
			t.Error("the lease of the one that died was not waited for")
		}
		s.clock.Add(time.Minute)
		next.work(1)
		next.ended(task).has("data.status", "COMPLETED", "data.done", subscribers)
		next.movedOnce(since)
		next.work(0)
	})
}

// A process that closes leaves its tasks to others, at once and at a step.
func TestTaskIsLeftWhenTheServerCloses(t *testing.T) {
	eachGated(t, 5, false, func(t *testing.T, s *server, g *gate) {
		s.subscribe()
		since := s.here()
		task := s.forAll(plans + "/gold")
		<-g.reached
		closed := make(chan struct{})
		go func() { defer close(closed); s.close() }()
		close(g.open)
		<-closed
		next := s.node()
		if a := next.get(tasks + "/" + task).want(200); a.text("data.status") == "IN_PROGRESS" {
			next.work(1)
		}
		next.ended(task).has("data.status", "COMPLETED", "data.done", subscribers)
		next.movedOnce(since)
	})
}

// Two servers on one database do not work on the same task.
func TestTwoNodesWorkOnOneTask(t *testing.T) {
	t.Parallel()
	if !slices.Contains(storetest.Engines(), storetest.Postgres) {
		return // one process has the embedded database for itself: there is nothing to test
	}
	g, other := newGate(4), newGate(0)
	a := start(t, storetest.Postgres, g.config(1))
	a.fill()
	a.subscribe()
	b := a.node(other.config(1))
	since := a.here()
	task := a.forAll(plans + "/gold")
	<-g.reached
	b.work(0)
	b.post(tasks+"/"+task+"/resume", "").want(200).has("data.status", "IN_PROGRESS")
	if n := other.taken(); n != 0 {
		t.Errorf("the other node took %d steps of a task that is held", n)
	}
	a.clock.Add(time.Minute) // the one that has it sleeps for too long
	b.work(1)
	b.ended(task).has("data.status", "COMPLETED", "data.done", subscribers)
	close(g.open)
	a.ended(task).has("data.status", "COMPLETED", "data.done", subscribers)
	a.movedOnce(since)
	if other.taken() == 0 {
		t.Error("the other node did nothing")
	}

	// Publishing on both, again and again, ends well.
	var list []string
	for i := range 4 {
		n := []*server{a, b}[i%2]
		n.edit(plans+"/gold", "")
		n.include(plans+"/gold", "seats", 30+i)
		list = append(list, n.forAll(plans+"/gold"))
	}
	for i, id := range list {
		[]*server{b, a}[i%2].ended(id).has("data.status", "COMPLETED", "data.failed", 0)
	}
	a.limit("c-0", "seats", 33)
	a.sound()
}

// Customers come while a version is published for all: in the end everybody has it.
func TestPublishForAllWhileCustomersCome(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		var wg sync.WaitGroup
		var list []string
		for round := range 4 {
			s.edit(plans+"/gold", "")
			s.include(plans+"/gold", "seats", 100*(round+2))
			for i := range 8 {
				wg.Go(func() {
					if a := s.send("POST", customers, provision(fmt.Sprintf("c-%d-%d", round, i), "gold")); a.status != 201 {
						t.Errorf("%s: %d\n%s", a.call, a.status, a.raw)
					}
				})
			}
			list = append(list, s.forAll(plans+"/gold"))
		}
		wg.Wait()
		for _, id := range list {
			s.ended(id).has("data.status", "COMPLETED")
		}
		for round := range 4 {
			for i := range 8 {
				s.limit(fmt.Sprintf("c-%d-%d", round, i), "seats", 500)
			}
		}
		s.sound()
	})
}

func TestClockMovesCannotBeStopped(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startTrial + "," + endFree)
		for i := range 40 {
			s.post(customers, provision(fmt.Sprintf("c-%d", i), "plan-free")).want(201)
		}
		s.moveTo(begin.Add(30 * day))
		list := s.get(tasks+"?type=TEST_CLOCK_MOVE").want(200).has("data.0.status", "COMPLETED", "data.0.failures", []any{})
		for _, what := range []string{"stop", "resume"} {
			s.post(path.Join(tasks, list.text("data.0.id"), what), "").refused(409, "TaskEnded")
		}
		s.get(tasks+"?type=OTHER").refused(400, "BadUserInput", "type[0]")
	})
}

// work is what the worker for jobs does now and then: it takes up the tasks that nobody works on, which are n.
func (s *server) work(n int) {
	s.t.Helper()
	if got, err := s.app.ResumeTasks(s.t.Context()); err != nil || got != n {
		s.t.Errorf("%d tasks were resumed, want %d; %v", got, n, err)
	}
}
