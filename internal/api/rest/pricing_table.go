package rest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/country"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
)

// PricingTable is the route for pricing pages: everything that one needs, in one call, for client keys too.
type PricingTable struct{ Tables *catalog.PricingTables }

func (h PricingTable) routes(api *API) {
	raw[pricingTableInput, pricingTableBody](api, own(op{
		ID: "getPricingTable", Path: "/api/v1/pricing-table", Tag: "Pricing table", Permission: auth.CatalogRead,
		Summary: "Read what a pricing page shows: visible plans in order, with prices, entitlements and add-ons",
		Description: "Prices are those of the country where there are any, else the default ones. " +
			"The answer has an ETag; If-None-Match with it answers 304.",
	}), h.get)
}

type pricingTableInput struct {
	ProductID string `query:"productId" maxLength:"255" doc:"When absent: the only product that sells anything, else the default one."`
	Country   string `query:"country" doc:"ISO 3166-1 alpha-2: chooses among localised prices."`
	Currency  string `query:"currency" doc:"Chooses the prices in this currency where a plan has any."`
}

func (h PricingTable) get(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
	in, err := readPricingQuery(r)
	if err != nil {
		return err
	}
	table, err := h.Tables.Get(r.Context(), id.Environment, in.ProductID, in.Country, money.Currency(in.Currency))
	if err != nil {
		return err
	}
	b := buffers.Get().(*bytes.Buffer)
	defer freeBuffer(b)
	if err := json.NewEncoder(b).Encode(envelope{Data: pricingTableOf(table)}); err != nil {
		return errs.Unexpected.Wrap(err)
	}
	sum := sha256.Sum256(b.Bytes())
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	header := w.Header()
	header["Etag"], header["Cache-Control"] = []string{tag}, []string{"private, no-cache"}
	if matches(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	header["Content-Type"], header["Content-Length"] = jsonType, []string{strconv.Itoa(b.Len())}
	_, _ = w.Write(b.Bytes())
	return nil
}

func readPricingQuery(r *http.Request) (in pricingTableInput, err error) {
	var c errs.Checks
	for name, values := range r.URL.Query() {
		if len(values) > 1 {
			c.Shape(name, "is given more than once")
		}
		switch v := values[0]; name {
		case "productId":
			in.ProductID = v
		case "country":
			if in.Country = v; v != "" && !country.Valid(v) {
				c.Shape(name, "must be an ISO 3166-1 alpha-2 code such as DE")
			}
		case "currency":
			if in.Currency = v; v != "" && !money.Currency(v).Valid() {
				c.Shape(name, "is not a supported lower-case ISO 4217 code")
			}
		default:
			c.Shape(name, "is not known here")
		}
	}
	return in, c.Err()
}

// matches reports whether If-None-Match names the tag.
func matches(header, tag string) bool {
	for t := range strings.SplitSeq(header, ",") {
		if t = strings.TrimPrefix(strings.TrimSpace(t), "W/"); t == tag || t == "*" {
			return true
		}
	}
	return false
}

// pricingTableBody is a pricing table on the wire (contract §4.5).
type pricingTableBody struct {
	Product offeredProductBody `json:"product"`
	Plans   []planOfferBody    `json:"plans"`
}

type offeredProductBody struct {
	ID                    string            `json:"id"`
	DisplayName           string            `json:"displayName"`
	Description           Opt[string]       `json:"description"`
	MultipleSubscriptions bool              `json:"multipleSubscriptions"`
	Metadata              map[string]string `json:"metadata"`
}

type planOfferBody struct {
	PackageHead
	PlanFields
	OfferBody
	Addons []addonOfferBody `json:"addons" doc:"Those that go with the plan."`
}

type addonOfferBody struct {
	PackageHead
	AddonFields
	OfferBody
}

// OfferBody is what offers have besides their package. It is exported for huma.
type OfferBody struct {
	Prices       []chargeBody           `json:"prices"`
	Entitlements []offerEntitlementBody `json:"entitlements" doc:"Inherited ones included, without those that are hidden from the paywall."`
}

type offerEntitlementBody struct {
	PackageEntitlementBody
	Feature         Opt[offeredFeatureBody] `json:"feature" doc:"Null for credits."`
	InheritedFromID Opt[string]             `json:"inheritedFromPlanId"`
}

type offeredFeatureBody struct {
	ID                 string                   `json:"id"`
	DisplayName        string                   `json:"displayName"`
	Description        Opt[string]              `json:"description"`
	FeatureType        string                   `json:"featureType" enum:"BOOLEAN,NUMBER,ENUM"`
	MeterType          string                   `json:"meterType" enum:"None,FLUCTUATING,INCREMENTAL"`
	FeatureUnits       Opt[string]              `json:"featureUnits"`
	FeatureUnitsPlural Opt[string]              `json:"featureUnitsPlural"`
	EnumConfiguration  Opt[[]catalog.EnumValue] `json:"enumConfiguration"`
	UnitTransformation Opt[transformationBody]  `json:"unitTransformation"`
}

func pricingTableOf(t catalog.PricingTable) pricingTableBody {
	b := pricingTableBody{
		Product: offeredProductBody{
			t.Product.RefID, t.Product.DisplayName, FromPtr(t.Product.Description), t.Product.MultipleSubscriptions, t.Product.Metadata,
		},
		Plans: make([]planOfferBody, 0, len(t.Plans)),
	}
	for _, o := range t.Plans {
		plan := planOfferBody{offerHead(o), planFieldsOf(o.Latest), offerOf(o), make([]addonOfferBody, 0, len(o.Addons))}
		plan.CompatibleAddonIDs = make([]string, 0, len(o.Addons))
		for _, a := range o.Addons {
			plan.CompatibleAddonIDs = append(plan.CompatibleAddonIDs, a.RefID)
			plan.Addons = append(plan.Addons, addonOfferBody{offerHead(a), addonFieldsOf(a.Latest), offerOf(a)})
		}
		b.Plans = append(b.Plans, plan)
	}
	return b
}

func offerOf(o catalog.Offer) OfferBody {
	b := OfferBody{make([]chargeBody, 0, len(o.Prices)), make([]offerEntitlementBody, 0, len(o.Entitlements))}
	for _, p := range o.Prices {
		b.Prices = append(b.Prices, chargeOf(p))
	}
	for _, e := range o.Entitlements {
		row := offerEntitlementBody{packageEntitlementOf(e.Entitlement), Null[offeredFeatureBody](), orNull(e.InheritedFrom)}
		if f := e.Feature; f != nil {
			row.Feature = Some(offeredFeatureBody{
				f.RefID, f.DisplayName, FromPtr(f.Description), f.Type, f.MeterType, FromPtr(f.Units), FromPtr(f.UnitsPlural),
				featureOf(*f).EnumConfiguration, transformationOf(f.Transformation),
			})
		}
		b.Entitlements = append(b.Entitlements, row)
	}
	return b
}

// offerHead dates an offer by its version: the package itself also moves with drafts, of which nodes hear at different times.
func offerHead(o catalog.Offer) PackageHead {
	h := headOf(*o.Package, o.Latest)
	h.UpdatedAt = At(o.Latest.UpdatedAt)
	return h
}
