package catalog

import (
	"iter"
	"maps"
	"slices"

	"github.com/purserhq/purser/internal/core/journey"
)

// Snapshot is an environment's catalog as provisioning, checks and the pricing table need it: every product, every
// feature, and of each package the latest published version. It is immutable and shared; Version is the environment's
// catalog version.
type Snapshot struct {
	Version  int64
	products map[string]*Product // by refId
	features map[string]*Feature
	feature  map[string]*Feature // by internal id
	packages map[packageRef]*Package
	byID     map[string]*Package // by internal id
	product  map[string]*Product
	versions map[string]*Version   // those in force, by internal id
	plansOf  map[string][]*Package // plans by the product's internal id
}

type packageRef struct {
	kind Kind
	ref  string
}

// NewSnapshot makes a snapshot of what it is given; the slices are the caller's no more.
func NewSnapshot(version int64, products []Product, features []Feature, packages []Package) *Snapshot {
	s := &Snapshot{
		Version:  version,
		products: make(map[string]*Product, len(products)), product: make(map[string]*Product, len(products)),
		features: make(map[string]*Feature, len(features)), feature: make(map[string]*Feature, len(features)),
		packages: make(map[packageRef]*Package, len(packages)), byID: make(map[string]*Package, len(packages)),
		versions: make(map[string]*Version, len(packages)), plansOf: make(map[string][]*Package, len(products)),
	}
	for i := range products {
		s.products[products[i].RefID] = &products[i]
		s.product[products[i].ID] = &products[i]
	}
	for i := range features {
		s.features[features[i].RefID] = &features[i]
		s.feature[features[i].ID] = &features[i]
	}
	for i := range packages {
		p := &packages[i]
		s.packages[packageRef{p.Kind, p.RefID}] = p
		s.byID[p.ID] = p
		if p.Latest != nil {
			s.versions[p.Latest.ID] = p.Latest
		}
		if p.Kind == KindPlan {
			s.plansOf[p.ProductID] = append(s.plansOf[p.ProductID], p)
		}
	}
	return s
}

// Product finds a product by refId.
func (s *Snapshot) Product(ref string) (*Product, bool) { p, ok := s.products[ref]; return p, ok }

// ProductByID finds a product by its internal id.
func (s *Snapshot) ProductByID(id string) (*Product, bool) { p, ok := s.product[id]; return p, ok }

// DefaultProduct is the product that is used when none is named.
func (s *Snapshot) DefaultProduct() (*Product, bool) {
	for _, p := range s.products {
		if p.IsDefault {
			return p, true
		}
	}
	return nil, false
}

// Feature finds a feature by refId.
func (s *Snapshot) Feature(ref string) (*Feature, bool) { f, ok := s.features[ref]; return f, ok }

// Features are all features, in no order.
func (s *Snapshot) Features() iter.Seq[*Feature] { return maps.Values(s.features) }

// FeatureByID finds a feature by its internal id.
func (s *Snapshot) FeatureByID(id string) (*Feature, bool) { f, ok := s.feature[id]; return f, ok }

// Plan finds a plan by refId, drafts and archived ones included.
func (s *Snapshot) Plan(ref string) (*Package, bool) {
	p, ok := s.packages[packageRef{KindPlan, ref}]
	return p, ok
}

// Addon finds an add-on by refId, drafts and archived ones included.
func (s *Snapshot) Addon(ref string) (*Package, bool) {
	p, ok := s.packages[packageRef{KindAddon, ref}]
	return p, ok
}

// PackageByID finds a plan or an add-on by its internal id.
func (s *Snapshot) PackageByID(id string) (*Package, bool) { p, ok := s.byID[id]; return p, ok }

// VersionByID finds a published version in force by its internal id.
func (s *Snapshot) VersionByID(id string) (*Version, bool) { v, ok := s.versions[id]; return v, ok }

// maxDepth bounds how far inheritance is followed, should a circle get in against all checks.
const maxDepth = 100

// Bases are the published versions that a version inherits from: its parent's, that one's parent's, and so on. They are
// looked up now, so that a base plan's later versions show (domain-catalog-provisioning §3.5).
func (s *Snapshot) Bases(v *Version) []*Version {
	var list []*Version
	for v.ParentID != "" && len(list) < maxDepth {
		p, ok := s.Plan(v.ParentID)
		if !ok || p.Latest == nil {
			break
		}
		v = p.Latest
		list = append(list, v)
	}
	return list
}

// ForJourney is what the journey's rules need to know of a plan.
func (p Package) ForJourney() journey.Plan {
	j := journey.Plan{ID: p.RefID, ProductID: p.ProductRefID, Published: p.Available()}
	if v := p.Latest; v != nil {
		j.PricingType, j.HasTrial = v.PricingType, v.Trial != nil
		if v.Trial != nil {
			j.TrialText = v.Trial.String()
		}
		j.BillingPeriods = slices.Clone(v.BillingPeriods())
	}
	return j
}
