package subscription

import "math/big"

// Net is what a proration charges before anything is rounded: below 0 when it gives back.
func Net(p Proration) *big.Rat {
	net := new(big.Rat)
	if p.Behavior == NoProration && p.Restart == nil {
		return net
	}
	for _, c := range p.changes(p.steps()) {
		line := new(big.Rat).Sub(c.amount, c.discount)
		net.Add(net, line.Mul(line, c.part))
	}
	return net
}
