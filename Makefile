# Purser's commands. `make` lists them.

GO_MIN   := 1.26
NODE_MIN := 20.19
LINT     := v2.15.0
OPENFGA  := v1.22.1

VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64

TOOLS      := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/purser/tools
LINTER     := $(TOOLS)/golangci-lint-$(LINT)/golangci-lint
PEER       := $(TOOLS)/openfga-$(OPENFGA)/openfga
GO_BUILD   := go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)'
# Starts one PostgreSQL for all test binaries of a run. Built, not `go run`, so that signals reach it.
PGRUN      := bin/pgrun --
# The Go SDK is a module of its own, which ./... does not reach.
IN_SDK     := cd sdk/go &&
# Packages that test nothing but the handling of PostgreSQL itself.
PG_ONLY    := /storetest/pg(server|run)$$
# Packages whose tests write checked-in files when they are given -update.
GENERATING   = $(sort $(dir $(shell grep -rlE --include='*_test.go' "func TestGenerated" cmd internal sdk bench test 2>/dev/null)))

export CGO_ENABLED := 0
# Somebody's PGHOST or PGSERVICE is none of the tests' business.
unexport $(filter PG%,$(.VARIABLES))

.DEFAULT_GOAL := help
.PHONY: help run build test test-sqlite test-slow lint fmt generate guarantees verify bench bench-peers newcomer release clean go-version node-version

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

run: build ## build and start the demo on 127.0.0.1:8080, data in ./data
	@exec bin/purser demo

build: go-version ## build bin/purser
	@$(GO_BUILD) -o bin/purser ./cmd/purser

test: go-version node-version bin/pgrun ## all tests, on SQLite and on PostgreSQL
	@$(PGRUN) go test -timeout 30m ./...
	@$(IN_SDK) go test ./...

test-sqlite: go-version ## all tests, on SQLite alone
	@PURSER_TEST_ENGINES=sqlite go test $$(go list ./... | grep -vE '$(PG_ONLY)')
	@$(IN_SDK) go test ./...

test-slow: go-version node-version bin/pgrun ## simulations and kill -9 rounds, on both engines
	@$(PGRUN) go test -tags slow -run Slow -timeout 30m ./...

lint: go-version $(LINTER) ## golangci-lint and the formatting
	@$(LINTER) run ./...
	@$(IN_SDK) $(LINTER) run ./...
	@$(LINTER) fmt --diff ./...

fmt: go-version $(LINTER) ## format the Go code
	@$(LINTER) fmt ./...

generate: go-version ## rewrite what is generated from the code and checked in
	@go generate ./...
	$(if $(GENERATING),@go test -count=1 -run '^TestGenerated' $(addprefix ./,$(GENERATING)) -update)

guarantees: go-version node-version bin/pgrun ## run the tests that keep the promises and write docs/guarantees.md
	@$(PGRUN) go run ./test/guarantees

verify: go-version ## fail when generated files or go.mod are not current
	@scripts/verify.sh

bench: go-version node-version ## ratios against raw baselines, both engines
	@go run ./bench $(ARGS)

# A module of its own: what it needs of the server's changes with the server's go.mod.
bench-peers: build $(PEER) ## ratios of others that answer the check's question, to Purser
	@cd bench/peers && go run -mod=mod . -purser ../../bin/purser -openfga '$(PEER)' $(ARGS)

newcomer: go-version node-version ## do what the README says, in a fresh clone, and print the seconds
	@go run ./test/newcomer $(ARGS)

release: go-version ## static binaries for every platform, in dist/
	@VERSION='$(VERSION)' PLATFORMS='$(PLATFORMS)' scripts/release.sh

clean: ## remove what was built; data/ stays
	@rm -rf bin dist

# Always asked for: the Go build cache knows better than make whether there is work.
.PHONY: bin/pgrun
bin/pgrun: go-version
	@go build -o $@ ./internal/store/storetest/pgrun

$(LINTER): | go-version
	@echo 'golangci-lint $(LINT): building it once, this takes minutes' >&2
	@GOBIN='$(@D)' go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT)

$(PEER): | go-version
	@echo 'OpenFGA $(OPENFGA): building it once, this takes minutes' >&2
	@GOBIN='$(@D)' go install github.com/openfga/openfga/cmd/openfga@$(OPENFGA)

go-version:
	@scripts/require.sh go $(GO_MIN)

node-version:
	@scripts/require.sh node $(NODE_MIN)
