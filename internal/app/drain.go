package app

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
)

// A server that shuts down closes the connections on which nothing happens. net/http takes a connection for such a one
// until the head of its next request has been read and parsed, so that a request which arrives at that moment would be
// done and its answer lost. undisturbed leaves it undone.

// notingListener makes connections that know whether they were closed.
type notingListener struct{ net.Listener }

// Accept implements net.Listener.
func (l notingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &notingConn{Conn: c}, nil
}

type notingConn struct {
	net.Conn
	closed atomic.Bool
}

// Close implements net.Conn.
func (c *notingConn) Close() error {
	c.closed.Store(true)
	return c.Conn.Close()
}

type connKey struct{}

// withConn is a http.Server's ConnContext.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// undisturbed passes on requests whose connection is open: only they can be answered.
func undisturbed(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*notingConn); ok && c.closed.Load() {
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, r)
	})
}
