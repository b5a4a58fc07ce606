package main

import (
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// memoryLimit is how many customers are written into OpenFGA's store in memory at most.
const memoryLimit = 10_000

// openFGAModel says that members of a plan may use what is in the plan.
const openFGAModel = `{"schema_version":"1.1","type_definitions":[
	{"type":"customer"},
	{"type":"plan","relations":{"member":{"this":{}}},
		"metadata":{"relations":{"member":{"directly_related_user_types":[{"type":"customer"}]}}}},
	{"type":"feature","relations":{"plan":{"this":{}},
			"can_use":{"tupleToUserset":{"tupleset":{"relation":"plan"},"computedUserset":{"relation":"member"}}}},
		"metadata":{"relations":{"plan":{"directly_related_user_types":[{"type":"plan"}]}}}}]}`

// serveOpenFGA starts a server with its defaults but what its role says, and writes the model, plans and customers.
func (b *bench) serveOpenFGA(ctx context.Context, c contestant) (*server, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	grpc, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	args := []string{"run", "--http-addr", address, "--grpc-addr", grpc, "--playground-enabled=false", "--metrics-enabled=false"}
	if c.role == onSQLite || c.role == sqliteCached {
		store := []string{
			"--datastore-engine", "sqlite", "--datastore-uri",
			"file:" + filepath.Join(b.dir, fmt.Sprintf("%s-%d.db", c.file(), b.Customers)),
		}
		if out, err := exec.CommandContext(ctx, b.openfga, append([]string{"migrate"}, store...)...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("migrate: %w\n%s", err, out)
		}
		args = append(args, store...)
	}
	if c.role == memoryCached || c.role == sqliteCached {
		args = append(args, "--check-query-cache-enabled=true", "--check-query-cache-ttl=1h", "--check-iterator-cache-enabled=true",
			"--check-iterator-cache-ttl=1h", "--check-cache-limit=2000000")
	}
	s := &server{contestant: c, url: "http://" + address, granted: `"allowed":true`, denied: `"allowed":false`}
	if err := s.start(ctx, b.dir, "/healthz", b.openfga, args...); err != nil {
		return nil, err
	}
	if err := s.fill(ctx, address, b.Customers); err != nil {
		return nil, fmt.Errorf("fill: %w", errors.Join(err, s.stop()))
	}
	return s, nil
}

type tuple struct {
	User     string `json:"user"`
	Relation string `json:"relation"`
	Object   string `json:"object"`
}

func (s *server) fill(ctx context.Context, address string, customers int) error {
	var made struct {
		ID    string `json:"id"`
		Model string `json:"authorization_model_id"`
	}
	if err := call(ctx, http.MethodPost, s.url+"/stores", map[string]string{"name": "peers"}, &made); err != nil {
		return err
	}
	path := "/stores/" + made.ID
	if err := call(ctx, http.MethodPost, s.url+path+"/authorization-models", json.RawMessage(openFGAModel), &made); err != nil {
		return err
	}
	var tuples []tuple
	for _, plan := range plans {
		for _, feature := range features[:plan.features] {
			tuples = append(tuples, tuple{"plan:" + plan.id, "plan", "feature:" + feature})
		}
	}
	for i, id := range customerNames(customers) {
		tuples = append(tuples, tuple{"customer:" + id, "member", "plan:" + plans[planOf(i)].id})
	}
	for chunk := range slices.Chunk(tuples, 100) { // as many as one request may have
		body := map[string]any{"writes": map[string]any{"tuple_keys": chunk}, "authorization_model_id": made.Model}
		if err := call(ctx, http.MethodPost, s.url+path+"/write", body, nil); err != nil {
			return err
		}
	}
	s.question = func(buf []byte, customer, feature string) []byte {
		body := strings.Join([]string{
			`{"authorization_model_id":"`, made.Model, `","tuple_key":{"user":"customer:`, customer, `","relation":"can_use","object":"feature:`, feature, `"}}`,
		}, "")
		return fmt.Appendf(buf, "POST %s/check HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			path, address, len(body), body)
	}
	return nil
}

// openFGAVersion is what the program says about itself.
func openFGAVersion(program string) string {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return "of unknown version"
	}
	return info.Main.Version
}
