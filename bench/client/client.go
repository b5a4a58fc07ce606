// Package client is an HTTP client that costs as little as can be: the load shares the cores with what is measured.
package client

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Conn is one connection, of one client at a time.
type Conn struct {
	net.Conn
	r *bufio.Reader
}

// Dial connects to a server, such as http://127.0.0.1:8080.
func Dial(ctx context.Context, url string) (*Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		return nil, err
	}
	return &Conn{c, bufio.NewReaderSize(c, 16<<10)}, nil
}

// Do sends a request and reads its answer. status is the one that it must have, "" for any success.
func (c *Conn) Do(request []byte, status string) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return err
	}
	got := ""
	if len(line) > 12 {
		got = string(line[9:12])
	}
	length, err := c.head()
	if err != nil {
		return err
	}
	if got != status && (status != "" || got == "" || got[0] != '2') {
		body, _ := c.r.Peek(min(c.r.Buffered(), 500))
		return fmt.Errorf("answered %s, want %s: %s", got, status, body)
	}
	if length >= 0 {
		_, err = c.r.Discard(length)
		return err
	}
	return c.chunks()
}

// head reads the header and returns the length of the body, -1 for one in chunks.
func (c *Conn) head() (length int, err error) {
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			return length, nil
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(v)); err != nil {
				return 0, err
			}
		} else if bytes.Equal(line, []byte("Transfer-Encoding: chunked")) {
			length = -1
		}
	}
}

func (c *Conn) chunks() error {
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if _, err := c.r.Discard(int(n) + 2); err != nil || n == 0 {
			return err
		}
	}
}
