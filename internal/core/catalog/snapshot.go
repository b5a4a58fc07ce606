package catalog

import (
	"slices"

	"github.com/purserhq/purser/internal/core/journey"
)

// Snapshot is an environment's catalog as provisioning and checks need it: every product, every feature, and of each
// plan the latest published version. It is immutable and shared; Version is the environment's catalog version.
type Snapshot struct {
	Version  int64
	products map[string]*Product // by refId
	features map[string]*Feature
	plans    map[string]*Plan
	byID     map[string]*Plan // by internal id
	product  map[string]*Product
}

// NewSnapshot makes a snapshot of what it is given; the slices are the caller's no more.
func NewSnapshot(version int64, products []Product, features []Feature, plans []Plan) *Snapshot {
	s := &Snapshot{
		Version:  version,
		products: make(map[string]*Product, len(products)), product: make(map[string]*Product, len(products)),
		features: make(map[string]*Feature, len(features)),
		plans:    make(map[string]*Plan, len(plans)), byID: make(map[string]*Plan, len(plans)),
	}
	for i := range products {
		s.products[products[i].RefID] = &products[i]
		s.product[products[i].ID] = &products[i]
	}
	for i := range features {
		s.features[features[i].RefID] = &features[i]
	}
	for i := range plans {
		s.plans[plans[i].RefID] = &plans[i]
		s.byID[plans[i].ID] = &plans[i]
	}
	return s
}

// Product finds a product by refId.
func (s *Snapshot) Product(ref string) (*Product, bool) { p, ok := s.products[ref]; return p, ok }

// ProductByID finds a product by its internal id.
func (s *Snapshot) ProductByID(id string) (*Product, bool) { p, ok := s.product[id]; return p, ok }

// Feature finds a feature by refId.
func (s *Snapshot) Feature(ref string) (*Feature, bool) { f, ok := s.features[ref]; return f, ok }

// Plan finds a plan by refId, drafts and archived ones included.
func (s *Snapshot) Plan(ref string) (*Plan, bool) { p, ok := s.plans[ref]; return p, ok }

// PlanByID finds a plan by its internal id.
func (s *Snapshot) PlanByID(id string) (*Plan, bool) { p, ok := s.byID[id]; return p, ok }

// ForJourney is what the journey's rules need to know of a plan.
func (p Plan) ForJourney() journey.Plan {
	j := journey.Plan{ID: p.RefID, ProductID: p.ProductRefID, Published: p.Status == Published && p.Latest != nil}
	if v := p.Latest; v != nil {
		j.PricingType, j.HasTrial = v.PricingType, v.Trial != nil
		if v.Trial != nil {
			j.TrialText = v.Trial.String()
		}
		for _, price := range v.Prices {
			if !slices.Contains(j.BillingPeriods, price.BillingPeriod) {
				j.BillingPeriods = append(j.BillingPeriods, price.BillingPeriod)
			}
		}
	}
	return j
}
