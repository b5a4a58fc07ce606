package apitest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// sent is one server-sent event.
type sent struct {
	id, event, data string
}

// listener is one connection to the stream.
type listener struct {
	t    testing.TB
	body *bufio.Reader
	end  func()
	last string // the last id
}

func (s *server) listen(url, query string, head ...string) *listener {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v1/stream?"+query, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("X-API-KEY", s.key)
	for i := 0; i < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
	}
	a, err := http.DefaultClient.Do(r) //nolint:bodyclose // end closes it
	if err != nil {
		s.t.Fatal(err)
	}
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "text/event-stream" {
		s.t.Fatalf("%d %v", a.StatusCode, a.Header)
	}
	l := &listener{t: s.t, body: bufio.NewReader(a.Body), end: func() { cancel(); _ = a.Body.Close() }}
	s.t.Cleanup(l.end)
	return l
}

// read returns the next event; heartbeats are left out.
func (l *listener) read() (sent, error) {
	var e sent
	for {
		line, err := l.body.ReadString('\n')
		if err != nil {
			return e, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			e.id, l.last = value, value
		case "event":
			e.event = value
		case "data":
			e.data = value
		case "":
			if e.event != "" && e.event != "heartbeat" {
				return e, nil
			}
			e = sent{}
		}
	}
}

// want reads the next event and checks it; what is empty is not looked at.
func (l *listener) want(event string, parts ...string) sent {
	l.t.Helper()
	e, err := l.read()
	if err != nil || e.event != event {
		l.t.Fatalf("got %+v, %v; want %s", e, err, event)
	}
	for _, p := range parts {
		if !strings.Contains(e.data, p) {
			l.t.Errorf("%s: %s has no %s", e.event, e.data, p)
		}
	}
	return e
}

func TestStreamTells(t *testing.T) {
	eachRunning(t, func(t *testing.T, s *server, url string) {
		s.demo()
		position, _ := s.post(customers, `{"id":"before"}`).want(201).position()
		s.get(customers+"/before/entitlements", minPosition, position).want(200)
		all, some := s.listen(url, ""), s.listen(url, "customers=a,b")
		other := s.with(prodServer)
		all.want("clock", `"now":"`+stamp(begin)+`"`, `"mode":"real"`)
		some.want("clock")
		other.post(customers, `{"id":"a"}`).want(201) // of another environment
		for _, id := range []string{"x", "a", "y", "b"} {
			position, number := s.post(customers, fmt.Sprintf(`{"id":%q}`, id)).want(201).position()
			want := fmt.Sprintf(`{"customerId":%q,"resourceId":null,"version":%d}`, id, number)
			skipOlder(all, want)
			if all.last != position {
				t.Errorf("id %s, want %s", all.last, position)
			}
			if id < "c" {
				some.want("snapshot", want)
			}
		}
		s.moveTo(begin.Add(day))
		for _, l := range []*listener{all, some} {
			if e := l.want("clock", `"now":"`+stamp(begin.Add(day))+`"`, `"mode":"test"`); e.id != "" {
				t.Errorf("the clock has the id %s: who goes on after it would miss the resync", e.id)
			}
			if e := l.want("resync", "{}"); e.id == "" {
				t.Error("the resync has no id")
			}
		}
		s.listen(url, "").want("clock", `"mode":"test"`)
	})
}

// skipOlder reads until a message that may come after what happened before the stream began.
func skipOlder(l *listener, want string) {
	l.t.Helper()
	for {
		e, err := l.read()
		if err != nil {
			l.t.Fatalf("%v before %s", err, want)
		}
		if e.data == want {
			return
		}
	}
}

func TestStreamRefuses(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		const path = "/api/v1/stream?"
		many := strings.TrimSuffix(strings.Repeat("c,", 101), ",")
		s.get(path+"customers="+many).refused(400, "BadUserInput", "customers")
		s.get(path+"customers=").refused(400, "BadUserInput", "customers")
		s.get(path+"customer=a").refused(400, "BadUserInput", "customer")
		s.client.get(path).refused(403, "IdentityForbidden")
	})
}

func TestStreamSaysWhenItCannotGoOn(t *testing.T) {
	eachRunning(t, func(t *testing.T, s *server, url string) {
		position, number := s.post(customers, `{"id":"acme"}`).want(201).position()
		generation, _, _ := strings.Cut(position, ".")
		for _, last := range []string{"other.1", "nonsense", fmt.Sprintf("%s.%d", generation, number+1_000_000)} {
			l := s.listen(url, "", "Last-Event-ID", last)
			if e := l.want("clock"); e.id != "" {
				t.Errorf("%s: the clock has the id %s", last, e.id)
			}
			if e := l.want("resync"); !strings.HasPrefix(e.id, generation+".") {
				t.Errorf("%s: the resync has the id %q", last, e.id)
			}
		}
	})
}

// Readers that come and go while others write miss nothing: from the ring, and from the database where it does not reach.
func TestStreamGoesOnWithoutGap(t *testing.T) {
	eachRunning(t, func(t *testing.T, s *server, url string) {
		const writers, each = 4, 25
		first := s.listen(url, "")
		first.want("clock")
		position := first.last
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					if a := s.send("POST", customers, fmt.Sprintf(`{"id":"c-%d-%d"}`, w, i)); a.status != 201 {
						t.Errorf("%s: %d", a.call, a.status)
					}
				}
			})
		}
		keep := s.listen(url, "customers=nobody") // so that there is a ring
		keep.want("clock")
		first.end()
		seen := map[string]bool{}
		for round := 0; len(seen) < writers*each; round++ {
			l := s.listen(url, "lastEventId="+position)
			l.want("clock")
			for range 7 {
				if len(seen) == writers*each {
					break
				}
				e, err := l.read()
				if err != nil {
					t.Fatal(err)
				}
				if e.event == "resync" && round == 0 { // the start of the server, which may be final only now
					continue
				}
				var d struct{ CustomerID string }
				if e.event != "snapshot" || json.Unmarshal([]byte(e.data), &d) != nil {
					t.Fatalf("got %+v", e)
				}
				if strings.HasPrefix(d.CustomerID, "c-") {
					if seen[d.CustomerID] {
						t.Errorf("%s was told twice", d.CustomerID)
					}
					seen[d.CustomerID] = true
				}
			}
			position = l.last
			l.end()
			if round == 3 {
				keep.end() // from here on the ring begins anew with each reader
			}
		}
		wg.Wait()
	})
}

func TestStreamEndsWithTheServer(t *testing.T) {
	t.Parallel()
	s := start(t, "sqlite", anyPort)
	url, stop := s.run()
	l := s.listen(url, "")
	l.want("clock")
	began := time.Now() //nolint:forbidigo // how long a shutdown really takes
	stop()
	if _, err := l.read(); err == nil {
		t.Error("the stream goes on")
	}
	if d := time.Since(began); d > 10*time.Second { //nolint:forbidigo // the same
		t.Errorf("the shutdown took %s", d)
	}
}

// A connection costs little however many customers it names: most of this are the buffers of net/http, and the first line
// of the request, which it keeps.
func TestStreamMemory(t *testing.T) {
	s := start(t, "sqlite", anyPort)
	url, _ := s.run()
	const connections, named = 100, 100
	var ids []string
	for i := range named {
		ids = append(ids, fmt.Sprintf("cus-%016d", i))
	}
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	s.listen(url, "").want("clock") // what is there once
	request := []byte("GET /api/v1/stream?customers=" + strings.Join(ids, ",") + " HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: " + s.key + "\r\n\r\n")
	buf := make([]byte, 4096)
	before := heap()
	list := make([]net.Conn, 0, connections)
	t.Cleanup(func() {
		for _, c := range list {
			_ = c.Close()
		}
	})
	for range connections {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
		if _, err := c.Write(request); err != nil {
			t.Fatal(err)
		}
		for got := ""; !strings.Contains(got, "event: clock"); {
			n, err := c.Read(buf)
			if err != nil {
				t.Fatalf("%v after %s", err, got)
			}
			got += string(buf[:n])
		}
	}
	per := (heap() - before) / (connections * named)
	t.Logf("%d bytes per watched customer", per)
	if per > 200 {
		t.Errorf("%d bytes per watched customer, want at most 200", per)
	}
}
