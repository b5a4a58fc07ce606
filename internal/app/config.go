package app

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/purserhq/purser/internal/core/subscription"

	"github.com/purserhq/purser/internal/api/rest"
	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/store"
)

// Place is where the data is. Every flag of a command also has an environment variable: PURSER_ and the flag in upper
// case; one tagged secret also a file that PURSER_…_FILE names (FileEnv).
type Place struct {
	Data     string `help:"Data directory of the embedded database; ${default} unless given." default:"data" placeholder:"DIR"`
	Database string `help:"PostgreSQL URL. The data directory is not used then." placeholder:"URL" secret:""`
}

// Postgres reports whether the data is in PostgreSQL.
func (p Place) Postgres() bool { return p.Database != "" }

// Logging says what is logged, on standard error.
type Logging struct {
	LogLevel  string `help:"Least severe level that is logged: debug, info, warn or error; ${default} unless given." enum:"debug,info,warn,error" default:"info" placeholder:"LEVEL"`
	LogFormat string `help:"Format of log lines: text or json; ${default} unless given." enum:"text,json" default:"text" placeholder:"FORMAT"`
}

// Bootstrap are the keys that the first start makes the account with. One that is empty is made up.
type Bootstrap struct {
	BootstrapServerKey           string `help:"Server key of the development environment, used at the first start only." placeholder:"KEY" secret:""`
	BootstrapClientKey           string `help:"Client key of the development environment, used at the first start only." placeholder:"KEY" secret:""`
	BootstrapProductionServerKey string `help:"Server key of the production environment, used at the first start only." placeholder:"KEY" secret:""`
	BootstrapProductionClientKey string `help:"Client key of the production environment, used at the first start only." placeholder:"KEY" secret:""`
}

// Config is everything that a server can be told.
type Config struct {
	Place
	Logging
	Bootstrap
	// Listen is HOST:PORT. On a loopback address only local names are accepted as Host header.
	Listen string `help:"Address to listen on, such as 127.0.0.1:8080 or :8080." placeholder:"ADDRESS"`
	// AdminListen is where /metrics and pprof are; "" for nowhere.
	AdminListen string `help:"Address for /metrics and profiles; off unless given." placeholder:"ADDRESS"`
	// FeedRetention is in machine time. Readers that stay away for longer have to start again.
	FeedRetention time.Duration `help:"How long events stay in the change feed." default:"2160h" placeholder:"DURATION"`

	NextFreePort bool        `kong:"-"` // when the port is busy take the next one that is free
	Version      string      `kong:"-"`
	Clock        clock.Clock `kong:"-"` // machine time; the system's when nil
	Account      string      `kong:"-"` // display name of the account; "Purser" when empty
	Jobs         Jobs        `kong:"-"` // of long tasks; for tests
	// Heartbeat is how often a stream on which nothing happens says so; for tests.
	Heartbeat time.Duration `kong:"-"`

	// Billing is a provider; nil for none: then nothing is charged.
	Billing subscription.Billing `kong:"-"`
}

// Jobs are what tests tell long tasks.
type Jobs struct {
	Batch  int                 // subscriptions of one step
	Sample int                 // subscriptions that a preview looks at
	Before func(taskID string) // called before each step
}

const (
	defaultAccount       = "Purser"
	defaultFeedRetention = 90 * 24 * time.Hour
)

func (c *Config) fill() {
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Account == "" {
		c.Account = defaultAccount
	}
	if c.FeedRetention <= 0 {
		c.FeedRetention = defaultFeedRetention
	}
}

// first turns the bootstrap keys into what account needs; every bad one is named.
func (b Bootstrap) first(name string) (account.First, error) {
	f := account.First{Name: name, Secrets: map[account.Slot]string{}}
	var bad []string
	seen := map[string]string{}
	for _, k := range []struct {
		env    string
		slot   account.Slot
		secret string
	}{
		{"PURSER_BOOTSTRAP_SERVER_KEY", account.Slot{Environment: account.Development, Kind: account.ServerKey}, b.BootstrapServerKey},
		{"PURSER_BOOTSTRAP_CLIENT_KEY", account.Slot{Environment: account.Development, Kind: account.ClientKey}, b.BootstrapClientKey},
		{"PURSER_BOOTSTRAP_PRODUCTION_SERVER_KEY", account.Slot{Environment: account.Production, Kind: account.ServerKey}, b.BootstrapProductionServerKey},
		{"PURSER_BOOTSTRAP_PRODUCTION_CLIENT_KEY", account.Slot{Environment: account.Production, Kind: account.ClientKey}, b.BootstrapProductionClientKey},
	} {
		if k.secret == "" {
			continue
		}
		if issue := account.CheckSecret(k.slot.Kind, k.secret); issue != "" {
			bad = append(bad, k.env+" "+issue)
		} else if other := seen[k.secret]; other != "" {
			bad = append(bad, k.env+" is the same as "+other)
		}
		seen[k.secret] = k.env
		f.Secrets[k.slot] = k.secret
	}
	if bad != nil {
		return f, fmt.Errorf("%s", strings.Join(bad, "; "))
	}
	return f, nil
}

// store says which database to open. The data directory is ready then.
func (p Place) store(dir *dataDir) store.Config {
	if p.Postgres() {
		return store.Config{DSN: p.Database}
	}
	return store.Config{Path: dir.file(databaseFile)}
}

// FileEnv reads a setting from the file that the environment variable name_FILE names. It is an error when the variable
// itself is set as well.
func FileEnv(name string) (value string, ok bool, err error) {
	path := os.Getenv(name + "_FILE")
	if path == "" {
		return "", false, nil
	}
	if os.Getenv(name) != "" {
		return "", false, fmt.Errorf("both %s and %s_FILE are set; unset one of them", name, name)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", false, fmt.Errorf("%s_FILE: %w", name, err)
	}
	return strings.TrimRight(string(b), "\r\n"), true, nil
}

// loopback reports whether an address can be reached from this machine only; "" counts, it is not listened on.
func loopback(address string) bool {
	return address == "" || rest.LocalHost(address)
}
