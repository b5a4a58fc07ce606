package provisioning

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/subscription"
)

const (
	// migrationBatch is how many subscriptions one step moves: each writes its own row, those of its add-ons and two events.
	migrationBatch = 40
	// migrationPatience is how long a migration waits, in machine time, for writes that were under way when it began.
	migrationPatience = time.Minute
)

// Position is where a migration stands: subscriptions are gone through by plan, then by their internal id.
type Position struct {
	PlanID         string `json:"plan,omitempty"`
	SubscriptionID string `json:"subscription,omitempty"`
}

// Candidate is a running subscription that a publication may concern.
type Candidate struct {
	Position
	CustomerID  string
	CustomerRef string
}

// Parent says that a plan inherits, or inherited in some version, from another.
type Parent struct{ PlanID, PlanRef, ParentRef string }

type migrationStore interface {
	PackageByRef(ctx context.Context, env tenant.ID, kind catalog.Kind, ref string) (catalog.Package, error)
	// ParentsOfProduct are the parents that published versions of the product's plans name.
	ParentsOfProduct(ctx context.Context, env tenant.ID, productID string) ([]Parent, error)
	// VersionIDs are the versions of a package, published or not.
	VersionIDs(ctx context.Context, env tenant.ID, packageID string) ([]string, error)
	// SubscribersOf are the started subscriptions of plans, or those with an add-on, that have not ended, after a position.
	SubscribersOf(ctx context.Context, env tenant.ID, s Subscribers, after Position, limit int) ([]Candidate, error)
	// CountSubscribers counts them, and their customers.
	CountSubscribers(ctx context.Context, env tenant.ID, s Subscribers) (subscriptions, customers int64, err error)
	// SampleSubscribers are n of them, spread evenly over all.
	SampleSubscribers(ctx context.Context, env tenant.ID, s Subscribers, of, n int64) ([]Candidate, error)
	// SubscriptionsByID are subscriptions with their add-ons and without their prices.
	SubscriptionsByID(ctx context.Context, env tenant.ID, ids []string) ([]subscription.Subscription, error)
	// WritesBegun is a mark of all writes of the database that have begun; WritesEnded tells whether they have ended.
	WritesBegun(ctx context.Context) (int64, error)
	WritesEnded(ctx context.Context, mark int64) (bool, error)
}

// Subscribers are subscriptions of some plans, or with an add-on, by internal ids.
type Subscribers struct {
	Plans []string
	Addon string
}

// migrationInput is what a task of type SUBSCRIPTION_MIGRATION was asked for: the package that was published.
type migrationInput struct {
	Kind      catalog.Kind `json:"kind"`
	PackageID string       `json:"package"` // internal
}

// migrationCursor is how far it is.
type migrationCursor struct {
	Begun bool `json:"begun,omitempty"`
	// Writes that were under way at the beginning may have read the catalog before the publication: what they make comes
	// first, or it would be passed over.
	Mark  int64     `json:"mark,omitempty"`
	Since time.Time `json:"since,omitzero"`
	Quiet bool      `json:"quiet,omitempty"`
	Position
}

// StartMigration makes the task that moves the subscriptions of a package to its latest version, in the transaction that
// publishes it. Call RunTask with its id once that has committed (domain-catalog-provisioning §4.1, §4.2).
func (s *Service) StartMigration(st Store, env tenant.ID, kind catalog.Kind, packageID string) (taskID string) {
	return s.startJob(st, env, TaskMigration, migrationInput{kind, packageID}, 0).ID
}

// RunTask begins with a task in the background.
func (s *Service) RunTask(env tenant.ID, taskID string) { s.kick(env, taskID) }

// migrate is a step of a SUBSCRIPTION_MIGRATION: it moves the next subscriptions to what is latest now.
func (s *Service) migrate(ctx context.Context, st Store, now time.Time, t *Task) (done bool, err error) {
	var in migrationInput
	var at migrationCursor
	if err := t.read(&in, &at); err != nil {
		return false, err
	}
	defer func() {
		if err == nil {
			t.Cursor, err = json.Marshal(at)
		}
	}()
	m, err := s.migrationOf(ctx, st, t.Environment, in)
	if err != nil {
		return false, err
	}
	if !at.Begun {
		at.Begun, at.Since = true, st.MachineNow()
		if at.Mark, err = st.WritesBegun(ctx); err == nil {
			t.Total, _, err = st.CountSubscribers(ctx, m.env, m.subscribers)
		}
		return false, err
	}
	if !at.Quiet {
		if at.Quiet, err = st.WritesEnded(ctx, at.Mark); err != nil {
			return false, err
		}
		if !at.Quiet && st.MachineNow().Sub(at.Since) < migrationPatience {
			t.idle = true
			return false, nil
		}
		at.Quiet = true
	}
	limit := cmp.Or(s.jobs.Batch, migrationBatch)
	list, err := st.SubscribersOf(ctx, m.env, m.subscribers, at.Position, limit)
	if err != nil || len(list) == 0 {
		return err == nil, err
	}
	at.Position = list[len(list)-1].Position
	if err := m.move(list, now, t); err != nil {
		return false, err
	}
	t.Done += int64(len(list))
	t.Total = max(t.Total, t.Done)
	return len(list) < limit, nil
}

// migration moves subscriptions to the latest version of one package.
type migration struct {
	*Service
	ctx         context.Context
	st          Store
	env         tenant.ID
	cat         *catalog.Snapshot
	pkg         *catalog.Package
	subscribers Subscribers
	versions    []string // all of the package's
}

func (s *Service) migrationOf(ctx context.Context, st Store, env tenant.ID, in migrationInput) (migration, error) {
	m := migration{Service: s, ctx: ctx, st: st, env: env}
	var err error
	if m.cat, err = st.Catalog(ctx, env); err != nil {
		return m, err
	}
	var ok bool
	if m.pkg, ok = m.cat.PackageByID(in.PackageID); !ok || m.pkg.Latest == nil {
		return m, fmt.Errorf("the %s %s has no published version", in.Kind.Word(), in.PackageID)
	}
	m.subscribers, m.versions, err = subscribersOf(ctx, st, env, *m.pkg)
	return m, err
}

// subscribersOf are the subscriptions that a new version of a package concerns: those of the plan and of every plan that
// has ever inherited from it, or those with the add-on. versions are the package's.
func subscribersOf(ctx context.Context, st Store, env tenant.ID, pkg catalog.Package) (s Subscribers, versions []string, err error) {
	if pkg.Kind == catalog.KindAddon {
		return Subscribers{Addon: pkg.ID}, nil, nil
	}
	parents, err := st.ParentsOfProduct(ctx, env, pkg.ProductID)
	if err != nil {
		return s, nil, err
	}
	s.Plans = append([]string{pkg.ID}, heirs(pkg.RefID, parents)...)
	if versions, err = st.VersionIDs(ctx, env, pkg.ID); err != nil {
		return s, nil, err
	}
	return s, versions, nil
}

// heirs are the plans that inherit from one, from its heirs, and so on.
func heirs(ref string, parents []Parent) (ids []string) {
	seen := map[string]bool{ref: true}
	for found := true; found; {
		found = false
		for _, p := range parents {
			if seen[p.ParentRef] && !seen[p.PlanRef] {
				seen[p.PlanRef], found = true, true
				ids = append(ids, p.PlanID)
			}
		}
	}
	return ids
}

// move moves a batch. Customers are locked in the order of their ids, so that two migrations do not wait for each other.
func (m migration) move(list []Candidate, now time.Time, t *Task) error {
	held, err := m.hold(list, now)
	if err != nil {
		return err
	}
	ids := make([]string, 0, len(list))
	for _, c := range list {
		ids = append(ids, c.SubscriptionID)
	}
	subs, err := m.st.SubscriptionsByID(m.ctx, m.env, ids)
	if err != nil {
		return err
	}
	for _, sub := range subs {
		if sub.Status.Ended() || sub.Status == subscription.NotStarted {
			continue
		}
		to, why := m.target(sub, m.pkg.Latest, m.cat.Bases)
		if why != "" {
			t.fail(sub.RefID, why)
			continue
		}
		ch, moved := subscription.Migrate(sub, to, now)
		if !moved {
			continue
		}
		m.st.UpdateSubscription(m.env, ch.Subscription)
		m.st.ReplaceAddons(m.env, ch.Subscription)
		told := append(ch.Events,
			subscription.EntitlementsUpdated(sub.CustomerRef, sub.Resource, "subscription_migrated", held[sub.CustomerID].Version, now))
		for i := range told {
			told[i].Actor = byJob
		}
		m.st.Append(m.env, told...)
	}
	return nil
}

// hold locks the customers of a batch and settles what is due for them.
func (m migration) hold(list []Candidate, now time.Time) (map[string]customer.Customer, error) {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Candidate) int { return cmp.Compare(a.CustomerRef, b.CustomerRef) })
	held := make(map[string]customer.Customer, len(list))
	for _, c := range list {
		if _, ok := held[c.CustomerID]; ok {
			continue
		}
		locked, err := m.st.LockCustomer(m.ctx, m.env, c.CustomerRef)
		if err != nil {
			return nil, fmt.Errorf("customer %s: %w", c.CustomerRef, err)
		}
		if err := m.settle(m.ctx, m.st, m.env, &locked, now); err != nil {
			return nil, err
		}
		held[c.CustomerID] = locked
	}
	return held, nil
}

// target is what the subscription moves to when latest is in force. why says in words why it cannot move.
func (m migration) target(sub subscription.Subscription, latest *catalog.Version, basesOf func(*catalog.Version) []*catalog.Version) (to subscription.Move, why string) {
	to.Bases = sub.Bases
	switch {
	case m.pkg.Kind == catalog.KindAddon:
		to.Addons = map[string]string{m.pkg.ID: latest.ID}
	case sub.PlanID == m.pkg.ID:
		if latest.PricingType != "" && !subscription.Movable(sub.PricingType, latest.PricingType) { // a draft may not say yet
			return to, fmt.Sprintf("It is %s, and the plan %s is %s now: a new subscription is needed.", sub.PricingType, sub.PlanRef, latest.PricingType)
		}
		to.Version, to.Bases = latest, idsOf(basesOf(latest))
	default:
		// Of a plan that inherits, only the part of the chain that begins with this plan moves.
		if i := slices.IndexFunc(sub.Bases, func(id string) bool { return slices.Contains(m.versions, id) }); i >= 0 {
			to.Bases = append(append(slices.Clone(sub.Bases[:i]), latest.ID), idsOf(basesOf(latest))...)
		}
	}
	return to, ""
}

func idsOf(list []*catalog.Version) []string {
	ids := []string{}
	for _, v := range list {
		ids = append(ids, v.ID)
	}
	return ids
}
