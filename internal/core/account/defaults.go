package account

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/event"
)

// Where the billing periods of a new subscription begin (domain-catalog-provisioning §2.1).
const (
	SubscriptionStart = "SUBSCRIPTION_START"
	StartOfTheMonth   = "START_OF_THE_MONTH"
)

// What a change in the middle of a billing period does (domain-catalog-provisioning §2.1).
const (
	InvoiceImmediately = "INVOICE_IMMEDIATELY"
	CreateProrations   = "CREATE_PRORATIONS"
	NoProration        = "NONE"
)

var (
	anchors    = []string{SubscriptionStart, StartOfTheMonth}
	prorations = []string{InvoiceImmediately, CreateProrations, NoProration}
)

// BillingDefaults are the account's terms for subscriptions that say nothing else (domain-catalog-provisioning §2.1).
type BillingDefaults struct {
	Timezone  string // of the calendar: "Europe/Berlin"
	Anchor    string // SubscriptionStart or StartOfTheMonth
	Proration string // InvoiceImmediately, CreateProrations or NoProration
}

// newDefaults are those of a new account.
var newDefaults = BillingDefaults{Timezone: "UTC", Anchor: SubscriptionStart, Proration: InvoiceImmediately}

// Update is a partial change of the account (contract §4.3); nil leaves a field alone.
type Update struct {
	DisplayName *string
	Timezone    *string
	Anchor      *string
	Proration   *string
}

const maxName = 255

// Validate names every bad field.
func (u Update) Validate() error {
	var c errs.Checks
	if n := u.DisplayName; n != nil {
		switch {
		case *n == "" || utf8.RuneCountInString(*n) > maxName:
			c.Shape("displayName", "must have from 1 to %d characters", maxName)
		case !utf8.ValidString(*n) || strings.ContainsRune(*n, 0):
			c.Shape("displayName", "must be text without zero bytes")
		}
	}
	if z := u.Timezone; z != nil {
		if issue := clock.ZoneIssue(*z); issue != "" {
			c.Shape("timezone", "%s", issue)
		} else if *z == "" {
			c.Shape("timezone", "must not be empty")
		}
	}
	among(&c, "subscriptionBillingAnchor", u.Anchor, anchors)
	among(&c, "subscriptionProrationBehavior", u.Proration, prorations)
	return c.Err()
}

func among(c *errs.Checks, path string, v *string, values []string) {
	if v != nil && !slices.Contains(values, *v) {
		c.Shape(path, "must be one of %s", strings.Join(values, ", "))
	}
}

// apply changes the account and returns the names of the fields that differ now.
func (u Update) apply(a *Account) (changed []string) {
	for _, f := range []struct {
		name string
		to   *string
		in   *string
	}{
		{"displayName", u.DisplayName, &a.DisplayName},
		{"timezone", u.Timezone, &a.Timezone},
		{"subscriptionBillingAnchor", u.Anchor, &a.Anchor},
		{"subscriptionProrationBehavior", u.Proration, &a.Proration},
	} {
		if f.to != nil && *f.to != *f.in {
			*f.in = *f.to
			changed = append(changed, f.name)
		}
	}
	return changed
}

// updated tells the terms in force from now on.
func (a Account) updated(changed []string) event.Event {
	return event.Event{
		Type: "account.updated", Entity: event.Entity{Type: "account", ID: a.ID},
		Payload: map[string]any{
			"changed": changed, "timezone": a.Timezone,
			"subscriptionBillingAnchor": a.Anchor, "subscriptionProrationBehavior": a.Proration,
		},
	}
}
