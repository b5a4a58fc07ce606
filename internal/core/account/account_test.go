package account_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// fixture is one database with its account service, and a clock that the test moves.
type fixture struct {
	*account.Service
	keys  *account.Authenticator
	db    *store.DB
	clock *clock.Manual
}

func newFixture(db *store.DB) fixture {
	c := clock.At(start)
	runner := store.As(db, func(t *store.Tx) account.Store { return t })
	f := fixture{account.NewService(runner, id.Source{}, c), account.NewAuthenticator(runner, c), db, c}
	db.OnCommit(f.keys.Observe)
	return f
}

// each runs fn on both engines with an account made.
func each(t *testing.T, fn func(t *testing.T, f fixture, made []account.Issued)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(db)
		made, err := f.Bootstrap(t.Context(), account.First{Name: "Acme"})
		if err != nil {
			t.Fatal(err)
		}
		fn(t, f, made)
	})
}

// events are the types of an environment's events about one entity type, in order.
func (f fixture) events(t *testing.T, env tenant.ID, entity string) []string {
	t.Helper()
	var types []string
	var head int64
	err := f.db.Read(t.Context(), env, func(st *store.Tx, _ time.Time) (err error) {
		head, err = st.FeedHead(t.Context())
		return err
	})
	if err == nil {
		err = f.db.AwaitFinal(t.Context(), head-1)
	}
	if err != nil {
		t.Fatal(err)
	}
	err = f.db.Read(t.Context(), env, func(st *store.Tx, _ time.Time) error {
		list, err := st.Events(t.Context(), env, 0, head, 1000)
		for _, e := range list {
			if e.Entity.Type == entity {
				types = append(types, e.Type)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func (f fixture) refused(t *testing.T, secret string) {
	t.Helper()
	if c, err := f.keys.Authenticate(t.Context(), secret); !errors.Is(err, errs.NoKey) {
		t.Errorf("a secret that must not work: %+v, %v", c, err)
	}
}

func (f fixture) accepted(t *testing.T, secret string) account.Caller {
	t.Helper()
	c, err := f.keys.Authenticate(t.Context(), secret)
	if err != nil {
		t.Errorf("a secret that must work: %v", err)
	}
	return c
}

func TestBootstrapMakesTwoEnvironments(t *testing.T) {
	each(t, func(t *testing.T, f fixture, made []account.Issued) {
		envs, err := f.Environments(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range envs {
			got = append(got, e.Slug)
			if e.Production != (e.ID == account.Production) {
				t.Errorf("%s: production is %t", e.Slug, e.Production)
			}
		}
		if diff := cmp.Diff([]string{"development", "production"}, got); diff != "" {
			t.Errorf("environments (-want +got):\n%s", diff)
		}
		if len(made) != 4 {
			t.Fatalf("%d keys were made, want 4", len(made))
		}
		for _, k := range made {
			c := f.accepted(t, k.Secret)
			if c.Environment.ID != k.Environment || c.Kind != k.Kind || c.KeyID != k.ID {
				t.Errorf("caller of %s in %d: %+v", k.Kind, k.Environment, c)
			}
			if issue := account.CheckSecret(k.Kind, k.Secret); issue != "" {
				t.Errorf("a secret that was made %s", issue)
			}
			if strings.Contains(k.Secret[len(k.Prefix):len(k.Secret)-4], k.Hash) || len(k.Prefix)+len(k.Last4) > 15 {
				t.Errorf("too much of a secret is kept: %+v", k.Key)
			}
		}
		for _, env := range []tenant.ID{account.Development, account.Production} {
			if diff := cmp.Diff([]string{"api_key.created", "api_key.created"}, f.events(t, env, "api_key")); diff != "" {
				t.Errorf("events of keys in %d (-want +got):\n%s", env, diff)
			}
			if diff := cmp.Diff([]string{"product.created"}, f.events(t, env, "product")); diff != "" {
				t.Errorf("events of products in %d (-want +got):\n%s", env, diff)
			}
		}
	})
}

func TestBootstrapHappensOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(db)
		given := map[account.Slot]string{
			{Environment: account.Development, Kind: account.ServerKey}: "server-" + strings.Repeat("a", 25),
		}
		var wg sync.WaitGroup
		made := make([][]account.Issued, 8)
		for i := range made {
			wg.Go(func() {
				var err error
				if made[i], err = f.Bootstrap(context.Background(), account.First{Name: "Acme", Secrets: given}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		total := 0
		for _, list := range made {
			total += len(list)
		}
		if total != 3 {
			t.Errorf("%d secrets were made up by 8 starts, want 3", total)
		}
		for slot, secret := range given {
			if c := f.accepted(t, secret); c.Environment.ID != slot.Environment || c.Kind != slot.Kind {
				t.Errorf("the given key is %+v", c)
			}
		}
		keys, err := f.ListKeys(t.Context(), 0)
		if err != nil || len(keys) != 4 {
			t.Errorf("%d keys, %v, want 4", len(keys), err)
		}
	})
}

func TestCheckSecret(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		kind   account.Kind
		secret string
		ok     bool
	}{
		{"made", account.ServerKey, account.NewSecret(account.ServerKey), true},
		{"shortest", account.ClientKey, "client-" + strings.Repeat("x", 25), true},
		{"too short", account.ServerKey, "server-" + strings.Repeat("x", 24), false},
		{"too long", account.ServerKey, "server-" + strings.Repeat("x", 194), false},
		{"of the other kind", account.ServerKey, account.NewSecret(account.ClientKey), false},
		{"without a kind", account.ServerKey, strings.Repeat("x", 40), false},
		{"with a space", account.ServerKey, "server-" + strings.Repeat("x y", 10), false},
		{"with a letter outside ASCII", account.ServerKey, "server-" + strings.Repeat("é", 20), false},
		{"empty", account.ServerKey, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if issue := account.CheckSecret(tt.kind, tt.secret); (issue == "") != tt.ok {
				t.Errorf("got %q, want ok %t", issue, tt.ok)
			}
		})
	}
}

func TestAuthenticateRefuses(t *testing.T) {
	each(t, func(t *testing.T, f fixture, made []account.Issued) {
		for _, secret := range []string{"", "server-", account.NewSecret(account.ServerKey), "x" + made[0].Secret, made[0].Secret + "x", made[0].Hash} {
			f.refused(t, secret)
		}
	})
}

func TestCreateKey(t *testing.T) {
	each(t, func(t *testing.T, f fixture, _ []account.Issued) {
		k, err := f.CreateKey(t.Context(), account.Production, "deploy")
		if err != nil {
			t.Fatal(err)
		}
		if c := f.accepted(t, k.Secret); c.Environment.Slug != "production" || c.Kind != account.ServerKey {
			t.Errorf("caller: %+v", c)
		}
		for _, name := range []string{"", strings.Repeat("n", 256)} {
			if _, err := f.CreateKey(t.Context(), account.Production, name); !errors.Is(err, errs.BadUserInput) {
				t.Errorf("a name of %d characters: %v", len(name), err)
			}
		}
	})
}

func TestRotateKeepsTheOldSecretForAWhile(t *testing.T) {
	each(t, func(t *testing.T, f fixture, made []account.Issued) {
		old := made[0]
		k, err := f.RotateKey(t.Context(), old.ID, "1h")
		if err != nil {
			t.Fatal(err)
		}
		if k.Kind != old.Kind || !k.System || k.Name != old.Name {
			t.Errorf("the new key is another: %+v", k.Key)
		}
		f.accepted(t, k.Secret)
		f.accepted(t, old.Secret) // now it is in memory, with its end
		if _, err := f.RotateKey(t.Context(), old.ID, "1h"); !errors.Is(err, errs.IntegrityViolation) {
			t.Errorf("a key was rotated twice: %v", err)
		}
		f.clock.Add(time.Hour)
		f.refused(t, old.Secret)
		f.accepted(t, k.Secret)
		for range 2 { // the second time there is nothing left to say
			if err := f.ExpireKeys(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		f.refused(t, old.Secret)
		want := []string{"api_key.created", "api_key.created", "api_key.rotated", "api_key.created", "api_key.expired"}
		if diff := cmp.Diff(want, f.events(t, account.Development, "api_key")); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		keys, err := f.ListKeys(t.Context(), account.Development)
		if err != nil || keys[0].Status(f.clock.Now()) != "EXPIRED" {
			t.Errorf("the old key is %s, %v", keys[0].Status(f.clock.Now()), err)
		}
	})
}

func TestRotateNow(t *testing.T) {
	each(t, func(t *testing.T, f fixture, made []account.Issued) {
		f.accepted(t, made[1].Secret)
		k, err := f.RotateKey(t.Context(), made[1].ID, "now")
		if err != nil {
			t.Fatal(err)
		}
		f.refused(t, made[1].Secret)
		f.accepted(t, k.Secret)
		if err := f.ExpireKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := f.events(t, account.Development, "api_key"); got[len(got)-1] != "api_key.created" {
			t.Errorf("a key that ended at once expired as well: %v", got)
		}
		if _, err := f.RotateKey(t.Context(), k.ID, "2h"); !errors.Is(err, errs.BadUserInput) {
			t.Errorf("keep 2h: %v", err)
		}
		if _, err := f.RotateKey(t.Context(), "nobody", "now"); !errors.Is(err, account.ErrKeyNotFound) {
			t.Errorf("an unknown key: %v", err)
		}
	})
}

func TestRevoke(t *testing.T) {
	each(t, func(t *testing.T, f fixture, made []account.Issued) {
		if _, err := f.RevokeKey(t.Context(), made[0].ID); !errors.Is(err, errs.IntegrityViolation) {
			t.Errorf("a system key was revoked: %v", err)
		}
		f.accepted(t, made[0].Secret)
		k, err := f.CreateKey(t.Context(), account.Development, "temporary")
		if err != nil {
			t.Fatal(err)
		}
		f.accepted(t, k.Secret)
		for range 2 {
			got, err := f.RevokeKey(t.Context(), k.ID)
			if err != nil || got.Status(f.clock.Now()) != "REVOKED" {
				t.Errorf("status %s, %v", got.Status(f.clock.Now()), err)
			}
			f.refused(t, k.Secret)
		}
		want := []string{"api_key.created", "api_key.created", "api_key.created", "api_key.revoked"}
		if diff := cmp.Diff(want, f.events(t, account.Development, "api_key")); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if _, err := f.RotateKey(t.Context(), made[0].ID, "7d"); err != nil {
			t.Fatal(err)
		}
		if _, err := f.RevokeKey(t.Context(), made[0].ID); err != nil {
			t.Errorf("a key that is being replaced cannot be ended early: %v", err)
		}
		f.refused(t, made[0].Secret)
	})
}

// Another node learns of a revoked key from the feed; what it reads meanwhile must not bring the key back.
func TestAnotherNodeForgets(t *testing.T) {
	each(t, func(t *testing.T, f fixture, _ []account.Issued) {
		k, err := f.CreateKey(t.Context(), account.Development, "temporary")
		if err != nil {
			t.Fatal(err)
		}
		other := account.NewAuthenticator(store.As(f.db, func(t *store.Tx) account.Store { return t }), f.clock)
		if _, err := other.Authenticate(t.Context(), k.Secret); err != nil {
			t.Fatal(err)
		}
		if _, err := f.RevokeKey(t.Context(), k.ID); err != nil {
			t.Fatal(err)
		}
		other.Observe([]event.Event{{Type: "customer.created"}, {Type: "api_key.revoked"}})
		if _, err := other.Authenticate(t.Context(), k.Secret); !errors.Is(err, errs.NoKey) {
			t.Errorf("the other node still accepts the key: %v", err)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	f := newFixture(storetest.Open(b, storetest.New(b, storetest.SQLite)))
	made, err := f.Bootstrap(b.Context(), account.First{Name: "Acme"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.keys.Authenticate(b.Context(), made[0].Secret); err != nil {
			b.Fatal(err)
		}
	}
}

// Every transaction brings the account's terms along, and sees a change once it is committed.
func TestBillingDefaults(t *testing.T) {
	each(t, func(t *testing.T, f fixture, _ []account.Issued) {
		seen := func() (d account.BillingDefaults) {
			t.Helper()
			err := f.db.Write(t.Context(), account.Production, func(st *store.Tx, _ time.Time) error {
				d = st.BillingDefaults()
				return nil
			})
			var read account.BillingDefaults
			if err == nil {
				err = f.db.Read(t.Context(), account.Development, func(st *store.Tx, _ time.Time) error {
					read = st.BillingDefaults()
					return nil
				})
			}
			if err != nil || d != read {
				t.Fatalf("a write sees %+v, a read %+v, %v", d, read, err)
			}
			return d
		}
		want := account.BillingDefaults{Timezone: "UTC", Anchor: account.SubscriptionStart, Proration: account.InvoiceImmediately}
		if got := seen(); got != want {
			t.Errorf("at first: %+v, want %+v", got, want)
		}
		zone, anchor, proration := "America/New_York", account.StartOfTheMonth, account.CreateProrations
		if _, err := f.UpdateAccount(t.Context(), account.Development, account.Update{Timezone: &zone, Anchor: &anchor, Proration: &proration}); err != nil {
			t.Fatal(err)
		}
		want = account.BillingDefaults{Timezone: zone, Anchor: anchor, Proration: proration}
		if got := seen(); got != want {
			t.Errorf("after the change: %+v, want %+v", got, want)
		}
		got, err := f.Account(t.Context())
		if err != nil || got.BillingDefaults != want || got.DisplayName != "Acme" {
			t.Errorf("the account: %+v, %v", got, err)
		}
	})
}

func TestUpdateNamesEveryBadField(t *testing.T) {
	t.Parallel()
	empty, long, local, wrong := "", strings.Repeat("ü", 256), "Local", "SOMETIMES"
	for name, u := range map[string]account.Update{
		"empty": {DisplayName: &empty, Timezone: &empty, Anchor: &empty, Proration: &empty},
		"wrong": {DisplayName: &long, Timezone: &local, Anchor: &wrong, Proration: &wrong},
	} {
		var e *errs.Error
		if err := u.Validate(); !errors.As(err, &e) || e.Code != "BadUserInput" || len(e.Fields) != 4 {
			t.Errorf("%s: %v", name, err)
		}
	}
	full := strings.Repeat("ü", 255)
	if err := (account.Update{DisplayName: &full}).Validate(); err != nil {
		t.Error(err)
	}
}
