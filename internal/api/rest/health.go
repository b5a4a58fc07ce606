package rest

import (
	"net/http"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/errs"
)

// health is the part of the table that is about this process. It needs no key.
type health struct{}

type healthBody struct {
	Status string `json:"status" enum:"live,ready"`
}

func (health) routes(api *API) {
	raw[struct{}, healthBody](api, op{
		ID: "live", Path: "/livez", Tag: "Operations", Summary: "Whether the process runs", Public: true, Own: true,
	}, func(w http.ResponseWriter, _ *http.Request, _ auth.Identity) error {
		return writeJSON(w, `{"data":{"status":"live"}}`)
	})
	raw[struct{}, healthBody](api, op{
		ID: "ready", Path: "/readyz", Tag: "Operations", Summary: "Whether requests can be answered now", Public: true, Own: true,
	}, func(w http.ResponseWriter, r *http.Request, _ auth.Identity) error {
		if api.cfg.Ready != nil {
			if err := api.cfg.Ready(r.Context()); err != nil {
				return errs.ServiceUnavailable.Wrap(err)
			}
		}
		return writeJSON(w, `{"data":{"status":"ready"}}`)
	})
	raw[struct{}, map[string]any](api, op{
		ID: "openapi", Path: "/api/v1/openapi.json", Tag: "Operations", Summary: "This description", Public: true, Own: true, Bare: true,
	}, func(w http.ResponseWriter, _ *http.Request, _ auth.Identity) error {
		api.finishSpec()
		return writeJSON(w, string(api.spec.json))
	})
}

func writeJSON(w http.ResponseWriter, body string) error {
	w.Header()["Content-Type"] = jsonType
	_, _ = w.Write([]byte(body))
	return nil
}
