package stat

// The golden values of TestFrozen, beside their test so that a change to them stands out in a review.
const (
	goldenRandom = 0x663eff4fde08bf52
	goldenHash   = 0xfcc1e395dd8df109
	goldenExp    = 0x3fed5e9387006c44
)
