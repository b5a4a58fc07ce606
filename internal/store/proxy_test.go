package store_test

import (
	"bytes"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/purserhq/purser/internal/store/storetest/pgserver"
)

// proxy stands between a pool and PostgreSQL. A connection that sends mark is armed: what happens to the next message
// from its client, which is the commit, is up to cut.
type proxy struct {
	mark []byte
	// cut gets the commit of the armed connection, which it may forward, and the two ends, which it may close.
	cut func(commit []byte, client, server net.Conn)

	network, address string
	listener         net.Listener
	wg               sync.WaitGroup
	mu               sync.Mutex
	conns            []net.Conn
}

// startProxy starts a proxy to the shared server and returns dsn with its address.
func startProxy(t *testing.T, dsn, mark string, cut func(commit []byte, client, server net.Conn)) string {
	t.Helper()
	server, err := pgserver.Shared()
	if err != nil {
		t.Fatal(err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{mark: []byte(mark), cut: cut, listener: l}
	p.network, p.address = server.Addr()
	p.wg.Go(p.accept)
	t.Cleanup(p.stop)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Host, u.RawQuery = l.Addr().String(), "sslmode=disable"
	return u.String()
}

func (p *proxy) stop() {
	_ = p.listener.Close()
	p.mu.Lock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(p.network, p.address) //nolint:noctx // a test's own server
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		p.wg.Go(func() { p.toServer(client, server) })
		p.wg.Go(func() {
			copyAll(client, server)
			_ = client.Close()
		})
	}
}

func (p *proxy) toServer(client, server net.Conn) {
	defer func() { _ = server.Close() }()
	buf := make([]byte, 1<<16)
	armed := false
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if armed {
			armed = false
			p.cut(buf[:n], client, server)
			continue
		}
		armed = bytes.Contains(buf[:n], p.mark)
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

func copyAll(dst, src net.Conn) {
	buf := make([]byte, 1<<16)
	for {
		n, err := src.Read(buf)
		if err != nil {
			return
		}
		if _, err := dst.Write(buf[:n]); err != nil {
			return
		}
	}
}
