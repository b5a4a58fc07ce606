package catalog

import (
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/metadata"
	"github.com/purserhq/purser/internal/base/opt"
)

// NewFeature is a feature to be made. An empty ID lets one be made; an empty MeterType is None.
type NewFeature struct {
	ID          string
	DisplayName string
	Description *string
	Type        string
	MeterType   string
	Units       *string
	UnitsPlural *string
	Metadata    map[string]string
	Unsupported []string // paths of members without a meaning yet
}

// Validate names every bad field.
func (n NewFeature) Validate() error {
	var c errs.Checks
	checkRef(&c, "id", n.ID)
	checkName(&c, n.DisplayName)
	checkText(&c, "description", n.Description)
	checkText(&c, "featureUnits", n.Units)
	checkText(&c, "featureUnitsPlural", n.UnitsPlural)
	metadata.Check(&c, "metadata", n.Metadata)
	n.checkKind(&c)
	checkUnsupported(&c, n.Unsupported)
	return c.Err()
}

func (n NewFeature) checkKind(c *errs.Checks) {
	checkOneOf(c, "featureType", n.Type, Boolean, Number, Enum)
	checkOneOf(c, "meterType", n.meter(), NoMeter, Fluctuating, Incremental)
	switch {
	case n.Type == Enum:
		c.Named(ErrUnsupportedType, "featureType", "ENUM is not supported yet")
	case n.Type == Boolean && n.meter() != NoMeter:
		c.Named(ErrMeteringNotAvailable, "meterType", "must be None for a BOOLEAN feature")
	}
}

func (n NewFeature) meter() string {
	if n.MeterType == "" {
		return NoMeter
	}
	return n.MeterType
}

func (n NewFeature) feature(now time.Time) Feature {
	return Feature{
		ID: id.New(), RefID: refOr(n.ID, "feature"), DisplayName: n.DisplayName, Description: n.Description,
		Type: n.Type, MeterType: n.meter(), Status: FeatureNew, Units: n.Units, UnitsPlural: n.UnitsPlural,
		Metadata: metadata.Given(n.Metadata), Version: 1, CreatedAt: now, UpdatedAt: now,
	}
}

// FeatureUpdate is a partial change (contract §1.4). Type and meter type were fixed at creation.
type FeatureUpdate struct {
	DisplayName *string
	Description opt.Of[string]
	Units       opt.Of[string]
	UnitsPlural opt.Of[string]
	Metadata    opt.Of[map[string]*string]
	Unsupported []string // paths of members without a meaning yet
}

// Validate names every bad field.
func (u FeatureUpdate) Validate() error {
	var c errs.Checks
	if u.DisplayName != nil {
		checkName(&c, *u.DisplayName)
	}
	checkOpt(&c, "description", u.Description)
	checkOpt(&c, "featureUnits", u.Units)
	checkOpt(&c, "featureUnitsPlural", u.UnitsPlural)
	metadata.CheckPatch(&c, "metadata", u.Metadata.Value)
	checkUnsupported(&c, u.Unsupported)
	return c.Err()
}

func (u FeatureUpdate) apply(f *Feature) error {
	var c errs.Checks
	if u.DisplayName != nil {
		f.DisplayName = *u.DisplayName
	}
	u.Description.Apply(&f.Description)
	u.Units.Apply(&f.Units)
	u.UnitsPlural.Apply(&f.UnitsPlural)
	f.Metadata = patchMetadata(&c, f.Metadata, u.Metadata)
	return c.Err()
}
