package provisioning

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/subscription"
)

const (
	// TaskImport is the type of a task that imports subscriptions.
	TaskImport = "SUBSCRIPTION_IMPORT"
	// importStepBatch is how many subscriptions one step imports.
	importStepBatch = 25
	// maxImport is how many subscriptions one import may have.
	maxImport = 1000
)

// ErrImporting refuses an import while another is under way.
var ErrImporting = errs.New(errs.Conflict, "ImportAlreadyInProgress", "An import is under way. Wait for its task to end.")

// ImportedSubscription is a subscription as it is known elsewhere (domain-catalog-provisioning §9.11).
type ImportedSubscription struct {
	Params
	CustomerID string `json:"customerId"`
	// EndDate is when it ended, or ends without renewing; nil for a subscription that goes on.
	EndDate *time.Time `json:"endDate,omitempty"`
	// UpdatedAt is how old the imported state is: a subscription that was changed here later is left alone.
	UpdatedAt *time.Time `json:"updatedAt,omitempty"`
}

type importInput struct {
	Subscriptions []ImportedSubscription `json:"subscriptions"`
}

type importCursor struct {
	Next int `json:"next"`
}

// ImportSubscriptions takes subscriptions over from elsewhere, in the background: nothing is charged, no trial begins, no
// journey applies. What cannot be imported is left out and listed by the task. Importing the same twice changes nothing.
func (s *Service) ImportSubscriptions(ctx context.Context, env tenant.ID, list []ImportedSubscription, integrationID string) (Task, error) {
	if err := checkImport(list); err != nil {
		return Task{}, err
	}
	if integrationID != "" {
		return Task{}, customer.ErrIntegrationNotFound.At("integrationId", "There is no integration %s.", integrationID)
	}
	t, err := tx.Do(ctx, s.db, env, func(st Store, _ time.Time) (Task, error) {
		if _, err := st.LockEnvironment(ctx, env); err != nil {
			return Task{}, err
		}
		if _, running, err := st.RunningTask(ctx, env, TaskImport); err != nil || running {
			return Task{}, cmp.Or[error](err, ErrImporting)
		}
		return s.startJob(st, env, TaskImport, importInput{list}, int64(len(list))), nil
	})
	if err == nil {
		s.kick(env, t.ID)
	}
	return t, err
}

func checkImport(list []ImportedSubscription) error {
	var c errs.Checks
	if n := len(list); n == 0 || n > maxImport {
		c.Shape("subscriptions", "must have from 1 to %d subscriptions", maxImport)
	}
	seen := map[string]bool{}
	for i, in := range list {
		path := fmt.Sprintf("subscriptions[%d].", i)
		if issue := id.CustomerRefIssue(in.CustomerID); issue != "" {
			c.Shape(path+"customerId", "%s", issue)
		}
		if in.ID == nil {
			c.Shape(path+"id", "is required")
		} else if seen[*in.ID] {
			c.Rule(path+"id", "is there twice")
		} else {
			seen[*in.ID] = true
		}
		in.Path = path
		in.check(&c)
		checkDate(&c, path+"endDate", in.EndDate)
		if in.EndDate != nil && in.StartDate != nil && !in.EndDate.After(*in.StartDate) {
			c.Rule(path+"endDate", "must lie after startDate")
		}
	}
	return c.Err()
}

// importStep imports the next subscriptions of a task.
func (s *Service) importStep(ctx context.Context, st Store, now time.Time, t *Task) (done bool, err error) {
	var in importInput
	var at importCursor
	if err := t.read(&in, &at); err != nil {
		return false, err
	}
	batch := in.Subscriptions[min(at.Next, len(in.Subscriptions)):]
	batch = batch[:min(len(batch), cmp.Or(s.jobs.Batch, importStepBatch))]
	books, err := s.importBooks(ctx, st, t.Environment, batch, now)
	if err != nil {
		return false, err
	}
	for _, item := range batch {
		if err := s.importInto(books[item.CustomerID], item); err != nil {
			e, ok := errs.As(err)
			if !ok || e.Kind == errs.Internal || e.Kind == errs.Unavailable {
				return false, err
			}
			t.fail(*item.ID, e.Code+": "+e.Message)
		}
	}
	for _, b := range books {
		if b != nil {
			b.save()
		}
	}
	at.Next += len(batch)
	t.Done = int64(at.Next)
	done = at.Next >= len(in.Subscriptions)
	if done {
		t.Input = json.RawMessage(`{}`) // it may hold metadata
	}
	t.Cursor, err = json.Marshal(at)
	return done, err
}

// importBooks holds the customers of a batch, in the order of their ids, so that two writers of several customers do not
// wait for each other; an unknown one has no book.
func (s *Service) importBooks(ctx context.Context, st Store, env tenant.ID, batch []ImportedSubscription, now time.Time) (map[string]*book, error) {
	var refs []string
	for _, item := range batch {
		refs = append(refs, item.CustomerID)
	}
	slices.Sort(refs)
	books := map[string]*book{}
	for _, ref := range slices.Compact(refs) {
		b, err := s.customer(ctx, st, env, ref, now, customer.ErrNotFound)
		switch {
		case errors.Is(err, customer.ErrNotFound):
			books[ref] = nil
		case err != nil:
			return nil, err
		default:
			books[ref] = b
		}
	}
	return books, nil
}

func (s *Service) importInto(b *book, in ImportedSubscription) error {
	if b == nil {
		return customer.ErrNotFound.Because("There is no customer %s.", in.CustomerID)
	}
	return b.attempt(func() error { return b.importOne(in) })
}

// importOne takes one subscription over.
func (b *book) importOne(in ImportedSubscription) error {
	known, err := b.imported(in)
	if known || err != nil {
		return err
	}
	cat, err := b.cat()
	if err != nil {
		return err
	}
	product, plan, err := requested(cat, in.Params)
	if err != nil {
		return err
	}
	t, err := b.terms(in.Params, plan, false)
	if err != nil {
		return err
	}
	in.Trial = &subscription.TrialOverride{}
	n, err := b.newSubscription(in.Params, product, t)
	if err != nil {
		return err
	}
	over := in.EndDate != nil && !in.EndDate.After(b.at)
	if over && in.StartDate == nil {
		return errs.InvalidArgument.Because("It has ended, so it needs a startDate.")
	}
	if in.EndDate != nil && !over {
		n.CancellationDate, n.Ends = business(in.EndDate), true
	}
	ch := subscription.Create(n, b.at)
	ch.Note(subscription.Note{Reason: "IMPORTED"})
	here, err := b.place(product.ID, n.Resource)
	if err != nil {
		return err
	}
	if over {
		e := b.insert(ch)
		b.write(e, subscription.Expire(e.Subscription, *business(in.EndDate), nil))
		return nil
	}
	taken := here.running
	if ch.Subscription.Status == subscription.NotStarted {
		taken = here.scheduled
	}
	if taken != nil {
		return errs.Duplicated.Because("The customer has the subscription %s in its place.", taken.RefID)
	}
	if err := b.lockCurrency(&ch.Subscription, ""); err != nil {
		return err
	}
	e := b.insert(ch)
	b.paysIn(&e.Subscription)
	if e.Status.Live() {
		b.entitled(e.Resource, "subscription_imported")
	}
	return nil
}

// imported reports whether the subscription is here already; one that is older than the import is brought up to date.
func (b *book) imported(in ImportedSubscription) (bool, error) {
	owner, err := b.st.OwnerOf(b.ctx, b.env, *in.ID)
	list, lerr := b.all()
	mine := slices.IndexFunc(list, func(e *entry) bool { return e.RefID == *in.ID })
	switch {
	case lerr != nil:
		return false, lerr
	case errors.Is(err, subscription.ErrNotFound):
		return mine >= 0, nil
	case err != nil:
		return false, err
	case owner.CustomerRef != in.CustomerID:
		return false, errs.Duplicated.Because("The subscription id %s is another customer's.", *in.ID)
	case mine < 0:
		return true, nil // it has ended
	}
	e := list[mine]
	if e.PlanRef != in.PlanID || in.UpdatedAt == nil || !e.UpdatedAt.Before(*in.UpdatedAt) {
		return true, nil
	}
	u := Update{
		BillingPeriod: in.BillingPeriod, Charges: in.Charges, UnitQuantity: in.UnitQuantity, Metadata: in.Metadata,
		ScheduleStrategy: subscription.AtOnce, Proration: subscription.NoProration,
	}
	if in.Addons != nil {
		u.Addons = &in.Addons
	}
	_, err = b.update(e, u)
	return true, err
}
