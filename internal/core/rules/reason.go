package rules

// Reason says why access was denied; "" when it was granted. The values are wire names.
type Reason string

// All reasons (domain-entitlements-usage §1.2).
const (
	FeatureNotFound                    Reason = "FeatureNotFound"
	CustomerNotFound                   Reason = "CustomerNotFound"
	CustomerIsArchived                 Reason = "CustomerIsArchived"
	CustomerResourceNotFound           Reason = "CustomerResourceNotFound"
	NoActiveSubscription               Reason = "NoActiveSubscription"
	NoFeatureEntitlementInSubscription Reason = "NoFeatureEntitlementInSubscription"
	RequestedUsageExceedingLimit       Reason = "RequestedUsageExceedingLimit"
	RequestedValuesMismatch            Reason = "RequestedValuesMismatch"
	BudgetExceeded                     Reason = "BudgetExceeded"
	FeatureTypeMismatch                Reason = "FeatureTypeMismatch"
	InsufficientCredits                Reason = "InsufficientCredits"
	Revoked                            Reason = "Revoked"
	EntitlementNotFound                Reason = "EntitlementNotFound"
	Unknown                            Reason = "Unknown"
)
