package app

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/purserhq/purser/internal/core/catalog"
)

// CatalogDrift is the code of a refusal: others changed the catalog meanwhile.
var CatalogDrift = catalog.ErrDrift.Code

// CatalogOutcome says what applying a catalog file does, or did.
type CatalogOutcome struct {
	Changes     []catalog.Step       `json:"changes"`
	Warnings    []catalog.Warning    `json:"warnings"`
	Drift       []catalog.StepEntity `json:"drift"`
	Fingerprint string               `json:"fingerprint"`
}

// ExportCatalog writes the catalog down, as a file.
func (c Client) ExportCatalog(ctx context.Context) ([]byte, error) {
	raw, err := data[json.RawMessage](ctx, c, http.MethodGet, "/api/v1/catalog", nil)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = json.Indent(&b, raw, "", "  ")
	b.WriteByte('\n')
	return b.Bytes(), err
}

// PlanCatalog says what applying a file would do.
func (c Client) PlanCatalog(ctx context.Context, file []byte) (CatalogOutcome, error) {
	return data[CatalogOutcome](ctx, c, http.MethodPost, "/api/v1/catalog/plan", json.RawMessage(file))
}

// ApplyCatalog makes the catalog what a file says; overwrite does it though others changed it meanwhile.
func (c Client) ApplyCatalog(ctx context.Context, file []byte, overwrite bool) (CatalogOutcome, error) {
	path := "/api/v1/catalog/apply"
	if overwrite {
		path += "?overwrite=true"
	}
	return data[CatalogOutcome](ctx, c, http.MethodPost, path, json.RawMessage(file))
}
