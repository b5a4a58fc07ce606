package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// The time-outs of a server. A request has 30 s after its body was read, so that its answer may be written later.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 75 * time.Second
	idleTimeout   = 2 * time.Minute

	shutdownTime = 20 * time.Second
	// hurryAfter is when requests that still run at shutdown are told to end, with an answer.
	hurryAfter = 15 * time.Second
	portsTried = 100
)

// Listen opens the listeners, the data directory's socket too, and returns the URL of the API and of the admin listener ("" for none). Run does it by
// itself; call it first to know the port.
func (a *App) Listen() (url, admin string, err error) {
	if a.listener == nil {
		if a.listener, a.moved, err = listen(a.cfg.Listen, a.cfg.NextFreePort); err != nil {
			return "", "", err
		}
	}
	if a.admin == nil && a.cfg.AdminListen != "" {
		if a.admin, _, err = listen(a.cfg.AdminListen, false); err != nil {
			return "", "", err
		}
	}
	if a.admin != nil {
		admin = urlOf(a.admin)
	}
	if a.socket == nil && a.dir != nil {
		// A server without its socket works, so that a directory with a very long path is no obstacle.
		if a.socket, err = a.dir.listen(); err != nil {
			a.log.Warn("commands cannot reach this server through its data directory", "error", err)
		}
	}
	return urlOf(a.listener), admin, nil
}

// listen reports with moved that the port was busy and another one was taken.
func listen(address string, nextFree bool) (l net.Listener, moved bool, err error) {
	var lc net.ListenConfig
	l, err = lc.Listen(context.Background(), "tcp", address)
	for i := 0; nextFree && i < portsTried && errors.Is(err, syscall.EADDRINUSE); i++ {
		moved = true
		if address, err = nextPort(address); err == nil {
			l, err = lc.Listen(context.Background(), "tcp", address)
		}
	}
	if err != nil {
		return nil, false, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, moved, nil
}

func nextPort(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(port)
	return net.JoinHostPort(host, strconv.Itoa(n+1)), err
}

func urlOf(l net.Listener) string {
	tcp, ok := l.Addr().(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return "http://" + l.Addr().String()
	}
	return "http://" + net.JoinHostPort("localhost", strconv.Itoa(tcp.Port))
}

// Run serves until ctx ends, then answers what was accepted, stops the workers and closes everything.
func (a *App) Run(ctx context.Context) error {
	url, admin, err := a.Listen()
	if err != nil {
		return errors.Join(err, a.Close())
	}
	base, hurry := context.WithCancel(context.WithoutCancel(ctx))
	defer hurry()
	api := a.server(undisturbed(a.handler))
	api.BaseContext = func(net.Listener) context.Context { return base }
	api.ConnContext = withConn
	failed := make(chan error, 3)
	serve(api, notingListener{a.listener}, failed)
	servers := append(a.control(failed), a.administration(failed)...)
	stopWorkers := a.startWorkers(ctx)
	a.log.Info("serving", "url", url, "admin", admin, "version", a.cfg.Version)

	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	a.log.Info("shutting down")
	a.ready.stopping.Store(true)
	close(a.parts.stopping)
	time.AfterFunc(hurryAfter, hurry)
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	err = errors.Join(err, stop(deadline, append([]*http.Server{api}, servers...)...))
	stopWorkers(deadline)
	return errors.Join(err, a.Close())
}

func (a *App) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
}

func serve(s *http.Server, l net.Listener, failed chan<- error) {
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve %s: %w", l.Addr(), err)
		}
	}()
}

// control serves the socket in the data directory, for the commands.
func (a *App) control(failed chan<- error) []*http.Server {
	if a.socket == nil {
		return nil
	}
	s := a.server(controlHandler(a.operations()))
	s.WriteTimeout = 0 // a backup takes its time
	serve(s, a.socket, failed)
	return []*http.Server{s}
}

func (a *App) administration(failed chan<- error) []*http.Server {
	if a.admin == nil {
		return nil
	}
	s := a.server(adminHandler(a.metrics, loopback(a.cfg.AdminListen)))
	s.WriteTimeout = 0 // a profile takes as long as it was asked to
	serve(s, a.admin, failed)
	return []*http.Server{s}
}

// stop lets every server answer what it has accepted; what has no answer at the deadline is cut off.
func stop(ctx context.Context, servers ...*http.Server) error {
	list := make([]error, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Go(func() {
			if err := s.Shutdown(ctx); err != nil {
				list[i] = errors.Join(fmt.Errorf("requests were cut off: %w", err), s.Close())
			}
		})
	}
	wg.Wait()
	return errors.Join(list...)
}
