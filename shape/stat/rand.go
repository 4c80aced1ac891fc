package stat

import "math/bits"

// Random is the frozen source of randomness: Philox4x32-10 (Salmon et al., "Parallel random numbers: as
// easy as 1, 2, 3", 2011) with seed as its key, and counter and stream as the two halves of its block.
// Each value is a pure function of its arguments, so any value can be had at any time in any order; the
// golden vectors in the tests are part of the plan's promise and never change.
func Random(seed, stream, counter uint64) uint64 {
	lo, _ := philox([4]uint32{uint32(counter), uint32(counter >> 32), uint32(stream), uint32(stream >> 32)},
		[2]uint32{uint32(seed), uint32(seed >> 32)})
	return lo
}

func philox(c [4]uint32, k [2]uint32) (lo, hi uint64) {
	for range 10 {
		h0, l0 := bits.Mul32(0xD2511F53, c[0])
		h1, l1 := bits.Mul32(0xCD9E8D57, c[2])
		c = [4]uint32{h1 ^ c[1] ^ k[0], l1, h0 ^ c[3] ^ k[1], l0}
		k[0] += 0x9E3779B9
		k[1] += 0xBB67AE85
	}
	return uint64(c[0]) | uint64(c[1])<<32, uint64(c[2]) | uint64(c[3])<<32
}

// Hash mixes its parts into one 64-bit number, equal for equal parts in equal order and spread evenly
// otherwise: the finaliser of SplitMix64 (Steele, Lea and Flood 2014) over each part in turn. Use it to
// name streams and to order things; it is frozen like [Random].
func Hash(parts ...uint64) uint64 {
	h := uint64(0x9E3779B97F4A7C15)
	for _, p := range parts {
		h = mix64(h ^ mix64(p+0x9E3779B97F4A7C15))
		h += 0x9E3779B97F4A7C15
	}
	return mix64(h)
}

func mix64(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// Uniform turns 64 random bits into a number in the open interval (0, 1).
func Uniform(r uint64) float64 { return (float64(r>>12) + 0.5) * (1.0 / (1 << 52)) }

// Exponential turns 64 random bits into an exponential variable of mean 1, the same one on every CPU.
func Exponential(r uint64) float64 { return -Log(Uniform(r)) }

// Below turns 64 random bits into a number in [0, n), even to one part in 2^64/n.
func Below(r, n uint64) uint64 {
	hi, _ := bits.Mul64(r, n)
	return hi
}
