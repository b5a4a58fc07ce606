package meter

// Wanted is the quantity as a check asks for it: n units of 10^-scale.
func (q Quantity) Wanted() (n int64, scale uint8) { return q.n, q.scale }
