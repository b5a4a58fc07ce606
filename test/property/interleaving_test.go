package property

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/journey"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/subscription"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// No interleaving of provisions, archivings, unarchivings, updates, changes of the journey and moves of the clock breaks
// a scope rule or loses an event.
func TestInterleavings(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) { t.Log(interleave(t, cfg, 4)) })
}

const (
	writers   = 12
	perWriter = 15
	perRound  = 5 // customers that the writers of a round fight about
	// maxMove lets the trials of a round end within it.
	maxMove = 4 * 24 * time.Hour
)

// interleave runs rounds of concurrent writers against one database, looks at everything after each and says how much
// that was.
func interleave(t *testing.T, cfg store.Config, rounds int) string {
	t.Helper()
	s := seed(t)
	nodes := open(t, cfg)
	look := newLook(t, cfg, nodes[0].db)
	all := &log{changes: map[change]bool{}, customers: map[string]string{}, firsts: map[string]int{}}
	for n := 0; n < rounds && !t.Failed(); n++ {
		now, err := nodes[0].Clock(context.Background(), env)
		must(t, err)
		run := &round{t: t, n: n, begin: now.Now, log: all}
		var wg sync.WaitGroup
		for w := range writers {
			r := rand.New(rand.NewPCG(s, uint64(n*writers+w)))
			at := nodes[w%len(nodes)]
			wg.Go(func() {
				for range perWriter {
					run.step(at, r)
				}
			})
		}
		wg.Wait()
		look.everything(all)
		if t.Failed() {
			t.Logf("round %d", n)
		}
	}
	return fmt.Sprintf("%d rounds of %d writers: %d writes, %d refusals, %d events", rounds, writers, all.done, all.refused, look.events)
}

// change is a write that was answered: the version that it left an entity at.
type change struct {
	entity, ref string
	version     int64
}

// log is what writers were told.
type log struct {
	mu            sync.Mutex
	done, refused int
	changes       map[change]bool
	customers     map[string]string // internal ids, by the caller's
	firsts        map[string]int    // provisions that made a customer
}

// note keeps the outcome of a write. A refusal is an answer as well, unless it is nobody's rule.
func (r *round) note(what string, err error, keep func(*log)) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	if err == nil {
		r.log.done++
		keep(r.log)
		return
	}
	r.log.refused++
	e, ok := errs.As(err)
	if !ok || e.Kind != errs.Conflict && e.Kind != errs.NotFound && e.Kind != errs.Invalid {
		r.t.Errorf("%s: %v", what, err)
	}
}

// round is one set of customers that writers fight about.
type round struct {
	t     *testing.T
	n     int
	begin time.Time // where the clock stood
	log   *log
}

func (r *round) ref(n int) string { return fmt.Sprintf("r%d-c%d", r.n, n) }

// step does one thing that was chosen at random.
func (r *round) step(at node, rnd *rand.Rand) {
	ctx := event.WithActor(context.Background(), event.System("test"))
	ref := r.ref(rnd.IntN(perRound))
	switch n := rnd.IntN(20); {
	case n < 9:
		r.provision(ctx, at, rnd, ref)
	case n < 11:
		r.archive(ctx, at, rnd, ref)
	case n < 13:
		c, err := at.Unarchive(ctx, env, ref)
		r.note("unarchive "+ref, err, func(l *log) { l.saw(c) })
	case n < 15:
		name := fmt.Sprint("Name ", rnd.IntN(100))
		c, err := at.Update(ctx, env, ref, customer.Update{Name: opt.Some(name)})
		r.note("update "+ref, err, func(l *log) { l.saw(c) })
	case n < 16:
		r.read(ctx, at, ref)
	case n < 17:
		r.journey(ctx, at, rnd)
	case n < 18:
		_, err := at.SettleDue(ctx, env)
		r.note("settle", err, func(*log) {})
	default:
		r.moveClock(ctx, at, rnd)
	}
}

// provision asks mostly for the content that belongs to the customer, and sometimes for another one. One kind of content
// wants a subscription id that other customers want as well.
func (r *round) provision(ctx context.Context, at node, rnd *rand.Rand, ref string) {
	q := provisioning.Request{New: customer.New{ID: ref}, DryRun: rnd.IntN(10) == 0}
	mine := int(ref[len(ref)-1]) // the customer's usual content
	if rnd.IntN(4) == 0 {
		mine++
	}
	switch mine % 6 {
	case 0:
	case 1:
		q.Subscription = &provisioning.Params{PlanID: "plan-basic"}
	case 2:
		q.Subscription = &provisioning.Params{PlanID: "plan-pro"}
	case 3:
		resource := "site-1"
		q.Subscription = &provisioning.Params{PlanID: "seat-pro", ResourceID: &resource}
	case 4:
		start := r.begin.AddDate(0, 0, 10) // ahead at first, and behind once the clock has moved enough
		q.Subscription = &provisioning.Params{PlanID: "plan-pro", StartDate: &start}
	case 5:
		shared := fmt.Sprintf("r%d-subscription", r.n)
		q.Subscription = &provisioning.Params{PlanID: "plan-pro", ID: &shared}
	}
	res, err := at.Provision(ctx, env, q)
	r.note("provision "+ref, err, func(l *log) {
		if q.DryRun {
			return
		}
		l.saw(res.Customer)
		if !res.Repeated {
			l.firsts[ref]++
		}
		if res.Subscription != nil {
			l.changes[change{"subscription", res.Subscription.RefID, res.Subscription.Version}] = true
		}
		if was := l.customers[ref]; was != "" && was != res.Customer.ID {
			r.t.Errorf("%s was answered as two customers, %s and %s", ref, was, res.Customer.ID)
		}
		l.customers[ref] = res.Customer.ID
	})
}

func (l *log) saw(c customer.Customer) { l.changes[change{"customer", c.RefID, c.Version}] = true }

func (r *round) archive(ctx context.Context, at node, rnd *rand.Rand, ref string) {
	c, err := at.Archive(ctx, env, ref, rnd.IntN(2) == 0)
	r.note("archive "+ref, err, func(l *log) { l.saw(c) })
}

// read looks at a customer and its subscriptions: what is due at that instant has happened.
func (r *round) read(ctx context.Context, at node, ref string) {
	c, err := at.Customer(ctx, env, ref, true)
	r.note("read "+ref, err, func(l *log) { l.saw(c) })
	subs, _, err := at.Subscriptions(ctx, env, subscription.Filter{CustomerRef: ref}, anyPage)
	r.note("list subscriptions", err, func(*log) {})
	for _, s := range subs.Items {
		v, err := at.Subscription(ctx, env, s.RefID)
		r.note("read subscription", err, func(l *log) { l.changes[change{"subscription", v.RefID, v.Version}] = true })
		if v.Status == subscription.InTrial && !v.TrialEndDate.After(v.At) || v.Status == subscription.NotStarted && !v.StartDate.After(v.At) {
			r.t.Errorf("%s of %s was read as %s at %s: starts %s, trial ends %v", v.RefID, ref, v.Status, v.At, v.StartDate, v.TrialEndDate)
		}
	}
}

// journey changes what later customers get, and how later trials end.
func (r *round) journey(ctx context.Context, at node, rnd *rand.Rand) {
	settings := journey.Settings{EndSetup: journey.DowngradeToFree, DowngradePlanID: "plan-free"}
	switch rnd.IntN(3) {
	case 0:
		settings.StartSetup = journey.PlanSelection
	case 1:
		settings.StartSetup, settings.StartPlanID = journey.FreePlan, "plan-free"
	case 2:
		settings.StartSetup, settings.StartPlanID = journey.TrialPeriod, "plan-pro"
		settings.EndSetup, settings.DowngradePlanID = journey.CancelSubscription, ""
	}
	settings = settings.Normalise()
	p, err := at.products.Update(ctx, env, "product-one", catalog.ProductUpdate{Settings: &settings})
	r.note("journey", err, func(l *log) { l.changes[change{"product", p.RefID, p.Version}] = true })
}

// moveClock moves by up to maxMove; one that comes too late would go back and is refused.
func (r *round) moveClock(ctx context.Context, at node, rnd *rand.Rand) {
	now, err := at.Clock(ctx, env)
	if err == nil {
		_, err = at.MoveClock(ctx, env, now.Now.Add(time.Duration(rnd.Int64N(int64(maxMove)))))
	}
	r.note("move the clock", err, func(*log) {})
}
