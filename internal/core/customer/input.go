package customer

import (
	"encoding/json"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/metadata"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/opt"
)

// MaxText is the longest name, email or billing id, in characters.
const MaxText = 255

// New is a customer to be made. Empty texts count as not given.
type New struct {
	ID    string
	Name  *string
	Email *string
	Details
	CouponID              *string
	Metadata              map[string]string
	ExcludeFromExperiment bool
}

// Check records every bad field.
func (n New) Check(c *errs.Checks) {
	if issue := id.CustomerRefIssue(n.ID); issue != "" {
		c.Shape("id", "%s", issue)
	}
	checkText(c, "name", n.Name)
	checkEmail(c, n.Email)
	n.Details.check(c)
	checkText(c, "couponId", n.CouponID)
	metadata.Check(c, "metadata", n.Metadata)
}

func (d Details) check(c *errs.Checks) {
	checkText(c, "billingId", d.BillingID)
	checkText(c, "language", d.Language)
	checkText(c, "timezone", d.Timezone)
	checkText(c, "salesforceId", d.SalesforceID)
	if d.Timezone != nil {
		if issue := clock.ZoneIssue(*d.Timezone); issue != "" {
			c.Shape("timezone", "%s", issue)
		}
	}
	if d.BillingCurrency != nil && !money.Currency(*d.BillingCurrency).Valid() {
		c.Shape("billingCurrency", "is not a supported lower-case ISO 4217 code")
	}
}

func checkText(c *errs.Checks, path string, s *string) {
	if s == nil {
		return
	}
	if utf8.RuneCountInString(*s) > MaxText {
		c.Shape(path, "must not be longer than %d characters", MaxText)
	}
	if !utf8.ValidString(*s) || strings.ContainsRune(*s, 0) {
		c.Shape(path, "must be text without zero bytes")
	}
}

func checkEmail(c *errs.Checks, s *string) {
	checkText(c, "email", s)
	if s != nil {
		if issue := EmailIssue(*s); issue != "" {
			c.Shape("email", "%s", issue)
		}
	}
}

// EmailIssue says what is wrong with an email address, or "". An empty one counts as none.
func EmailIssue(s string) string {
	if s == "" {
		return ""
	}
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
		return "is not an email address"
	}
	return ""
}

// Customer makes the entity at now.
func (n New) Customer(internalID string, now time.Time) Customer {
	n.Details.tidy()
	c := Customer{
		ID: internalID, RefID: n.ID, Name: given(n.Name), Email: given(n.Email), Details: n.Details, CouponID: given(n.CouponID),
		Metadata: metadata.Given(n.Metadata), Trialed: []Trialed{}, ExcludeFromExperiment: n.ExcludeFromExperiment,
		Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	c.useCoupon(now)
	return c
}

// tidy makes empty texts none.
func (d *Details) tidy() {
	for _, s := range []**string{&d.BillingID, &d.BillingCurrency, &d.Language, &d.Timezone, &d.SalesforceID} {
		*s = given(*s)
	}
}

func given(s *string) *string {
	if s == nil || *s == "" {
		return nil
	}
	return s
}

// Update is a partial change (contract §1.4).
type Update struct {
	Name                 opt.Of[string]
	Email                opt.Of[string]
	BillingID            opt.Of[string]
	BillingCurrency      opt.Of[string]
	CouponID             opt.Of[string]
	Language             opt.Of[string]
	Timezone             opt.Of[string]
	SalesforceID         opt.Of[string]
	DefaultPaymentMethod opt.Of[json.RawMessage]
	Integrations         opt.Of[json.RawMessage]
	Passthrough          opt.Of[json.RawMessage]
	Metadata             map[string]*string
}

// Validate names every bad field.
func (u Update) Validate() error {
	var c errs.Checks
	checkText(&c, "name", ptr(u.Name))
	checkEmail(&c, ptr(u.Email))
	checkText(&c, "couponId", ptr(u.CouponID))
	Details{
		BillingID: ptr(u.BillingID), BillingCurrency: ptr(u.BillingCurrency),
		Language: ptr(u.Language), Timezone: ptr(u.Timezone), SalesforceID: ptr(u.SalesforceID),
	}.check(&c)
	metadata.CheckPatch(&c, "metadata", u.Metadata)
	return c.Err()
}

// Coupon is the coupon that the update wants to give; "" for none.
func (u Update) Coupon() string { return u.CouponID.Value }

// checkCoupon refuses a second coupon. Null or "" removes the one that is there.
func (u Update) checkCoupon(c *Customer) error {
	want := u.Coupon()
	switch {
	case want == "" || c.CouponID == nil:
		return nil
	case *c.CouponID == want:
		return ErrUsesCoupon.At("couponId", "The customer %s has the coupon %s already.", c.RefID, want)
	}
	return ErrHasCoupon.At("couponId", "The customer %s has the coupon %s. Set couponId to null first.", c.RefID, *c.CouponID)
}

func ptr(o opt.Of[string]) *string {
	if !o.Set || o.Null {
		return nil
	}
	return &o.Value
}

// Apply changes the customer and reports the names of the fields that differ now.
func (u Update) Apply(c *Customer, now time.Time) (changed []string, err error) {
	before := *c
	if err := u.checkCoupon(c); err != nil {
		return nil, err
	}
	u.CouponID.Apply(&c.CouponID)
	c.CouponID = given(c.CouponID)
	c.useCoupon(now)
	u.Name.Apply(&c.Name)
	u.Email.Apply(&c.Email)
	c.Name, c.Email = given(c.Name), given(c.Email)
	u.BillingID.Apply(&c.BillingID)
	u.BillingCurrency.Apply(&c.BillingCurrency)
	u.Language.Apply(&c.Language)
	u.Timezone.Apply(&c.Timezone)
	u.SalesforceID.Apply(&c.SalesforceID)
	c.Details.tidy()
	applyRaw(u.DefaultPaymentMethod, &c.DefaultPaymentMethod)
	applyRaw(u.Integrations, &c.Integrations)
	applyRaw(u.Passthrough, &c.Passthrough)
	if u.Metadata != nil {
		c.Metadata = metadata.Merge(c.Metadata, u.Metadata)
		if len(c.Metadata) > metadata.MaxKeys {
			return nil, errs.BadUserInput.At("metadata", "must not have more than %d keys", metadata.MaxKeys)
		}
	}
	changed = differing(before, *c)
	if len(changed) > 0 {
		c.Version++
		c.UpdatedAt = now
	}
	return changed, nil
}

func applyRaw(o opt.Of[json.RawMessage], field *json.RawMessage) {
	if o.Set {
		*field = nil
		if !o.Null {
			*field = o.Value
		}
	}
}
