package catalog

import "github.com/purserhq/purser/internal/base/errs"

// Nothing has the id that was given (domain-catalog-provisioning §10). Paths to one name the id in their message.
var (
	ErrProductNotFound     = errs.New(errs.NotFound, "ProductNotFound", "There is no product with this id.")
	ErrFeatureNotFound     = errs.New(errs.NotFound, "FeatureNotFound", "There is no feature with this id.")
	ErrGroupNotFound       = errs.New(errs.NotFound, "FeatureGroupNotFound", "There is no feature group with this id.")
	ErrPlanNotFound        = errs.New(errs.NotFound, "PlanNotFound", "There is no plan with this id.")
	ErrAddonNotFound       = errs.New(errs.NotFound, "AddonNotFound", "There is no add-on with this id.")
	ErrCouponNotFound      = errs.New(errs.NotFound, "CouponNotFound", "There is no coupon with this id.")
	ErrPriceNotFound       = errs.New(errs.NotFound, "PriceNotFound", "There is no price for this billing period, country or currency.")
	ErrEntitlementNotFound = errs.New(errs.NotFound, "EntitlementNotFound", "The package has no entitlement to this feature.")
)

// Features and entitlements.
var (
	ErrMeteringNotAvailable = errs.New(errs.Invalid, "MeteringNotAvailableForFeatureType", "Only features of type NUMBER can be metered.")
	ErrUnsupportedType      = errs.New(errs.Invalid, "UnsupportedFeatureType", "The type of the feature does not allow this.")
	ErrDeleteFeature        = errs.New(errs.Conflict, "CannotDeleteFeatureError", "The feature is in use.")
	ErrUnitTransformation   = errs.New(errs.Conflict, "CannotUpdateUnitTransformationError", "The feature is charged for in these units.")
	ErrResetPeriod          = errs.New(errs.Invalid, "InvalidEntitlementResetPeriod", "The reset period or its configuration does not fit.")
	ErrOverrideOnPlan       = errs.New(errs.Invalid, "CannotAddOverrideEntitlementToPlan", "Only add-ons can override entitlements; a plan's increment.")
	ErrOtherPackage         = errs.New(errs.Invalid, "EntitlementsMustBelongToSamePackage", "The entitlements must be of the same package.")
)

// Prices.
var (
	ErrPriceUnitAmount   = errs.New(errs.Invalid, "InvalidUpdatePriceUnitAmountError", "The charge has no quantity that could have a minimum or maximum.")
	ErrPricingTypeNotSet = errs.New(errs.Invalid, "PackagePricingTypeNotSet", "Set the pricing type before publishing.")
	ErrAddonNeedsPrice   = errs.New(errs.Invalid, "AddonHasToHavePriceError", "A paid add-on needs a price.")
)

// Drafts and publishing (domain-catalog-provisioning §4.1).
var (
	ErrUnpublished          = errs.New(errs.Conflict, "UnPublishedPackage", "The package is not published.")
	ErrAlreadyPublished     = errs.New(errs.Conflict, "PackageAlreadyPublished", "The package is published and has no draft.")
	ErrNoDraft              = errs.New(errs.Conflict, "CannotEditPackageInNonDraftMode", "The package has no draft. Create one first.")
	ErrEntitlementsNotDraft = errs.New(errs.Conflict, "EditAllowedOnDraftPackageOnlyError", "Entitlements are edited on a draft. Create one first.")
	ErrDraftChanged         = errs.New(errs.Conflict, "DraftChanged", "Somebody else changed the draft meanwhile. Read it again.")
	ErrDraftArchived        = errs.New(errs.Conflict, "DraftPlanCantBeArchived", "What was never published cannot be archived.")
	ErrDefaultStartPlan     = errs.New(errs.Conflict, "PlanIsUsedAsDefaultStartPlan", "The product's customer journey starts with this plan.")
	ErrDowngradePlan        = errs.New(errs.Conflict, "PlanIsUsedAsDowngradePlan", "The product's customer journey ends with this plan.")
)

// Inheritance (domain-catalog-provisioning §3.5).
var (
	ErrAlreadyExtends = errs.New(errs.Conflict, "PlanAlreadyExtended", "The plan inherits from another plan already. Clear its parent first.")
	ErrCircular       = errs.New(errs.Invalid, "PlansCircularDependencyError", "The plans would inherit from each other in a circle.")
	ErrHasChildren    = errs.New(errs.Conflict, "PlanWithChildCantBeDeleted", "Other plans inherit from this plan.")
)

// ErrCouponArchived is a coupon that can no longer be given.
var ErrCouponArchived = errs.New(errs.Invalid, "ArchivedCouponCantBeApplied", "The coupon is archived.")

// ErrDrift is a catalog file that would undo what others did.
var ErrDrift = errs.New(errs.Conflict, "CatalogDrift", "The catalog was changed by others since this file was written or last applied.")
