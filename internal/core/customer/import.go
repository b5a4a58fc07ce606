package customer

import (
	"strconv"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/metadata"
	"github.com/purserhq/purser/internal/base/opt"
)

// MaxImport is how many customers one import may have.
const MaxImport = 1000

// Import brings customers over from somewhere else (domain-catalog-provisioning §8.2).
type Import struct {
	Rows          []Row
	IntegrationID string // where payment methods are kept; "" for none
}

// Row is one customer of an Import. Name and Email are what they are now; the rest is left alone when nil.
type Row struct {
	ID              string
	Name            *string
	Email           *string
	BillingID       *string
	SalesforceID    *string
	PaymentMethodID *string
	Metadata        map[string]string // merged into what is there; an empty text deletes
	UpdatedAt       *time.Time        // when the row was true: a customer who was changed later keeps what it has
}

// Validate names every bad field of every row.
func (in Import) Validate() error {
	var c errs.Checks
	if n := len(in.Rows); n < 1 || n > MaxImport {
		c.Shape("customers", "must have from 1 to %d items", MaxImport)
		return c.Err()
	}
	seen := make(map[string]int, len(in.Rows))
	for i, r := range in.Rows {
		var own errs.Checks
		r.New().Check(&own)
		if r.PaymentMethodID != nil {
			checkText(&own, "paymentMethodId", r.PaymentMethodID)
			if in.IntegrationID == "" {
				own.Rule("paymentMethodId", "needs the integrationId of where it is kept")
			}
		}
		if first, twice := seen[r.ID]; twice {
			own.Rule("id", "is the id of customers[%d] already", first)
		} else {
			seen[r.ID] = i
		}
		c.Merge(RowPath(i), &own)
	}
	return c.Err()
}

// RowPath is what the paths of a row's fields begin with.
func RowPath(i int) string { return "customers[" + strconv.Itoa(i) + "]." }

// New is the customer that the row becomes when there is none.
func (r Row) New() New {
	return New{
		ID: r.ID, Name: r.Name, Email: r.Email, Details: Details{BillingID: r.BillingID, SalesforceID: r.SalesforceID}, Metadata: r.Metadata,
	}
}

// Outdated reports whether a customer was changed after the row was true: then the row changes nothing.
func (r Row) Outdated(c Customer) bool { return r.UpdatedAt != nil && c.UpdatedAt.After(*r.UpdatedAt) }

// Apply changes a customer to what the row says and reports the names of the fields that differ now.
func (r Row) Apply(c *Customer, now time.Time) (changed []string, err error) {
	u := Update{Name: stated(r.Name), Email: stated(r.Email), Metadata: metadata.Patch(r.Metadata)}
	if r.BillingID != nil {
		u.BillingID = opt.Some(*r.BillingID)
	}
	if r.SalesforceID != nil {
		u.SalesforceID = opt.Some(*r.SalesforceID)
	}
	return u.Apply(c, now)
}

func stated(s *string) opt.Of[string] {
	if s == nil {
		return opt.Null[string]()
	}
	return opt.Some(*s)
}

// Check records what of the row does not fit beside what its customer has. path is the row's.
func (r Row) Check(c *errs.Checks, path string, old Customer) {
	if len(metadata.Merge(old.Metadata, metadata.Patch(r.Metadata))) > metadata.MaxKeys {
		c.Shape(path+"metadata", "must not have more than %d keys", metadata.MaxKeys)
	}
}
