package subscription

// Quantity is how many units of a charge that is paid in advance a subscription has ordered.
type Quantity struct {
	Type     string `json:"type"`     // FEATURE or CREDIT
	ID       string `json:"id"`       // refId of the feature, or of the custom currency
	Quantity int64  `json:"quantity"` // in the charge's units, 0 or more
}
