package catalog

import "github.com/purserhq/purser/internal/base/errs"

// Nothing has the id that was given (domain-catalog-provisioning §10). Paths to one name the id in their message.
var (
	ErrProductNotFound     = errs.New(errs.NotFound, "ProductNotFound", "There is no product with this id.")
	ErrFeatureNotFound     = errs.New(errs.NotFound, "FeatureNotFound", "There is no feature with this id.")
	ErrPlanNotFound        = errs.New(errs.NotFound, "PlanNotFound", "There is no plan with this id.")
	ErrEntitlementNotFound = errs.New(errs.NotFound, "EntitlementNotFound", "The plan has no entitlement to this feature.")
)

// Features and entitlements.
var (
	ErrMeteringNotAvailable = errs.New(errs.Invalid, "MeteringNotAvailableForFeatureType", "Only features of type NUMBER can be metered.")
	ErrUnsupportedType      = errs.New(errs.Invalid, "UnsupportedFeatureType", "Features of this type are not supported yet.")
	ErrResetPeriod          = errs.New(errs.Invalid, "InvalidEntitlementResetPeriod", "The reset period or its configuration does not fit.")
	ErrOverrideOnPlan       = errs.New(errs.Invalid, "CannotAddOverrideEntitlementToPlan", "Only add-ons can override entitlements; a plan's increment.")
)

// Drafts and publishing (domain-catalog-provisioning §4.1).
var (
	ErrUnpublished          = errs.New(errs.Conflict, "UnPublishedPackage", "The plan is not published.")
	ErrAlreadyPublished     = errs.New(errs.Conflict, "PackageAlreadyPublished", "The plan is published and has no draft.")
	ErrPricingTypeNotSet    = errs.New(errs.Invalid, "PackagePricingTypeNotSet", "Set the pricing type before publishing.")
	ErrNoDraft              = errs.New(errs.Conflict, "CannotEditPackageInNonDraftMode", "The plan has no draft. Create one first.")
	ErrEntitlementsNotDraft = errs.New(errs.Conflict, "EditAllowedOnDraftPackageOnlyError", "Entitlements are edited on a draft. Create one first.")
	ErrDefaultStartPlan     = errs.New(errs.Conflict, "PlanIsUsedAsDefaultStartPlan", "The product's customer journey starts with this plan.")
	ErrDowngradePlan        = errs.New(errs.Conflict, "PlanIsUsedAsDowngradePlan", "The product's customer journey ends with this plan.")
)
