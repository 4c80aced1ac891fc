package stat

import (
	"math"
	"math/bits"
)

// Histogram counts whole numbers in log-linear buckets: exact below 128, then 64 buckets for each
// doubling, so that a quantile is off by at most 0.8% of its value. The zero value is empty and takes up to 30
// KiB once filled. Histograms of parts add up to that of the whole. It is not safe for concurrent use.
type Histogram struct {
	N      int64
	counts []int64
}

const subBuckets = 64

func bucketOf(v uint64) int {
	if v < 2*subBuckets {
		return int(v)
	}
	e := bits.Len64(v) - 7 // v>>e is in [64, 128)
	return e*subBuckets + int(v>>e)
}

// bucketMid is the middle of bucket i.
func bucketMid(i int) float64 {
	if i < 2*subBuckets {
		return float64(i)
	}
	e := i/subBuckets - 1
	lo := uint64(i-e*subBuckets) << e
	return float64(lo) + float64(uint64(1)<<e-1)/2
}

// Add counts v once. A negative v counts as zero.
func (h *Histogram) Add(v int64) {
	i := bucketOf(uint64(max(v, 0)))
	if i >= len(h.counts) {
		h.counts = append(h.counts, make([]int64, i+1-len(h.counts))...)
	}
	h.counts[i]++
	h.N++
}

// Quantile is the value below or at which a share p of the numbers lies; 0 when empty.
func (h *Histogram) Quantile(p float64) float64 {
	need := int64(p * float64(h.N))
	if float64(need) < p*float64(h.N) {
		need++
	}
	need = max(need, 1)
	for i, c := range h.counts {
		if need -= c; need <= 0 && c > 0 {
			return bucketMid(i)
		}
	}
	return 0
}

// Merge adds what o counted.
func (h *Histogram) Merge(o *Histogram) {
	if more := len(o.counts) - len(h.counts); more > 0 {
		h.counts = append(h.counts, make([]int64, more)...)
	}
	for i, c := range o.counts {
		h.counts[i] += c
	}
	h.N += o.N
}

// HistogramKS is the Kolmogorov-Smirnov distance of what two histograms counted, as far as the buckets tell. It is 1 when
// one of them is empty.
func HistogramKS(a, b *Histogram) float64 {
	if a.N == 0 || b.N == 0 {
		return 1
	}
	var d float64
	var m, n int64
	for i := range max(len(a.counts), len(b.counts)) {
		if i < len(a.counts) {
			m += a.counts[i]
		}
		if i < len(b.counts) {
			n += b.counts[i]
		}
		d = max(d, math.Abs(float64(m)/float64(a.N)-float64(n)/float64(b.N)))
	}
	return d
}
