package fidelity

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"trafficreplay/shape/arrival"
	"trafficreplay/shape/stat"
)

// view is a part of a traffic: the groups of a set.
type view struct {
	m   *Meter
	set uint8
}

const everything = 1<<groups - 1

// aspect is a part that is assessed by halves.
type aspect struct {
	name             string
	weight, ok, fail float64
	measured         func(*Meter) bool // there is something to compare
	missing          string            // why there is not
	distance         func(a, b view) float64
}

// The levels: distances that nobody has to mind, and those at which a part counts as missed.
var aspects = []aspect{
	{"mix", 0.15, 0.02, 0.10, some, "no requests", mixDistance},
	{"mix over time", 0.05, 0.04, 0.15, func(m *Meter) bool { return len(m.mixAt) > 1 }, "less than ten minutes", mixOverTime},
	{"gaps", 0.05, 0.02, 0.10, resolved, "stamps are coarser than the gaps", gapDistance},
	{"params", 0.15, 0.03, 0.10, some, "no requests", targetDistance},
	{"sessions", 0.10, 0.05, 0.20, some, "no requests", sessionDistance},
	{"sizes", 0.05, 0.05, 0.20, func(m *Meter) bool { return everyone(m).spread(&m.sizes).N > 0 }, "no request has a known size", sizeDistance},
	{"outcome", 0.05, 0.01, 0.05, answered, "no statuses", outcomeDistance},
}

func some(m *Meter) bool { return m.all > 0 }

// resolved reports whether the mean gap is longer than a tick of the clock.
func resolved(m *Meter) bool { return m.all > 1 && m.window/m.all >= m.o.Resolution }

func answered(m *Meter) bool {
	n := everyone(m).counts(&m.status)
	return slices.ContainsFunc(n[1:], func(x float64) bool { return x > 0 })
}

func everyone(m *Meter) view { return view{m, everything} }

// Compare says how far a traffic is from a reference. Both are over then: nothing may be added any more.
func Compare(reference, traffic *Meter) Card {
	reference.close()
	traffic.close()
	if limit := min(reference.sampling, traffic.sampling); limit < ^uint64(0) {
		reference.sample(limit)
		traffic.sample(limit)
	}
	c := Card{Reference: reference.all, Traffic: traffic.all}
	for _, x := range aspects {
		if !x.measured(reference) {
			c.NotAssessed = append(c.NotAssessed, x.name+" ("+x.missing+")")
			continue
		}
		c.add(Part{
			Name: x.name, Weight: x.weight, OK: x.ok, Fail: x.fail,
			Distance: x.distance(everyone(reference), everyone(traffic)), Floor: x.floor(reference),
		})
	}
	if p := c.Part("params"); p != nil && reference.sampling < ^uint64(0) {
		p.Note = fmt.Sprintf("of one target in %d", 1<<bits.LeadingZeros64(reference.sampling))
	}
	c.rate(reference, traffic)
	c.burst(reference, traffic)
	c.NotAssessed = append(c.NotAssessed, "connections (no figures)")
	c.judge()
	return c
}

// floor is the distance that noise alone gives: the 95th percentile of that between halves, divided by √2 since halves
// vary twice as much as wholes do.
func (x *aspect) floor(m *Meter) float64 {
	if f, known := m.floors[x.name]; known {
		return f
	}
	var d []float64
	for set := range uint8(everything) {
		if bits.OnesCount8(set) == groups/2 && set&1 == 1 { // each halving once
			d = append(d, x.distance(view{m, set}, view{m, everything &^ set}))
		}
	}
	slices.Sort(d)
	if m.floors == nil {
		m.floors = map[string]float64{}
	}
	m.floors[x.name] = d[(len(d)*95-1)/100] / math.Sqrt2
	return m.floors[x.name]
}

// counts adds up a tally.
func (v view) counts(t *tally) []float64 {
	sum := make([]float64, len(t[0]))
	for g := range groups {
		if v.set>>g&1 == 1 {
			for i, n := range t[g] {
				sum[i] += float64(n)
			}
		}
	}
	return sum
}

// number adds up the counts of one thing.
func (v view) number(n *[groups]int64) float64 {
	var sum int64
	for g, x := range n {
		if v.set>>g&1 == 1 {
			sum += x
		}
	}
	return float64(sum)
}

// spread adds up histograms.
func (v view) spread(s *spread) *stat.Histogram {
	sum := new(stat.Histogram)
	for g := range s {
		if v.set>>g&1 == 1 {
			sum.Merge(&s[g])
		}
	}
	return sum
}

func mixDistance(a, b view) float64 {
	return stat.TotalVariation(a.counts(&a.m.mix), b.counts(&b.m.mix))
}

// mixOverTime is the mean distance of the mixes of each stretch of time, weighted by the reference's requests.
func mixOverTime(a, b view) float64 {
	var sum, all float64
	for i := range a.m.mixAt {
		p, q := a.counts(&a.m.mixAt[i]), b.counts(&b.m.mixAt[i])
		var n float64
		for _, x := range p {
			n += x
		}
		if n > 0 {
			sum, all = sum+n*stat.TotalVariation(p, q), all+n
		}
	}
	if all == 0 {
		return 1
	}
	return sum / all
}

// gapDistance is the larger of the distance of all gaps and of the mean one of the busiest endpoints'.
func gapDistance(a, b view) float64 {
	all := stat.HistogramKS(a.spread(&a.m.gaps[0]), b.spread(&b.m.gaps[0]))
	var sum, weights float64
	for i := 1; i < len(a.m.gaps); i++ {
		x := a.spread(&a.m.gaps[i])
		if x.N > 0 {
			sum += float64(x.N) * stat.HistogramKS(x, b.spread(&b.m.gaps[i]))
			weights += float64(x.N)
		}
	}
	return max(all, sum/max(weights, 1))
}

func sizeDistance(a, b view) float64 {
	return stat.HistogramKS(a.spread(&a.m.sizes), b.spread(&b.m.sizes))
}

func outcomeDistance(a, b view) float64 {
	return stat.TotalVariation(a.counts(&a.m.status)[1:], b.counts(&b.m.status)[1:])
}

// sessionDistance is the largest of the distances of lengths, of the times between requests, and of what follows what.
func sessionDistance(a, b view) float64 {
	lengths := stat.HistogramKS(a.spread(&a.m.lengths), b.spread(&b.m.lengths))
	return max(lengths, stat.HistogramKS(a.spread(&a.m.thinks), b.spread(&b.m.thinks)), pairDistance(a, b))
}

func pairDistance(a, b view) float64 {
	var p, q []float64
	none := new([groups]int64)
	at := func(m *Meter, pair uint64) *[groups]int64 {
		if n := m.pairs[pair]; n != nil {
			return n
		}
		return none
	}
	for _, pair := range union(a.m.pairs, b.m.pairs) {
		p, q = append(p, a.number(at(a.m, pair))), append(q, b.number(at(b.m, pair)))
	}
	return stat.TotalVariation(p, q)
}

// union is the keys of two maps in order, so that sums come out alike every time.
func union[T any](a, b map[uint64]T) []uint64 {
	keys := make([]uint64, 0, len(a))
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		if _, twice := a[k]; !twice {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// topTargets is how many targets of an endpoint are compared one by one; the others are compared as one.
const topTargets = 1000

// targetDistance is the mean over endpoints, weighted by requests, of how differently their targets are asked for: the distance of the most
// popular ones and the difference of the mass of those asked for once, which stand for what was never seen (Good 1953).
func targetDistance(a, b view) float64 {
	xs, ys := byEndpoint(a), byEndpoint(b)
	var sum, weights float64
	for e := range xs {
		x := &xs[e]
		if x.all == 0 {
			continue
		}
		var y popularity
		if e < len(ys) {
			y = ys[e]
		}
		sum, weights = sum+x.all*x.distance(&y), weights+x.all
	}
	if weights == 0 {
		return 1
	}
	return sum / weights
}

// popularity is how often the targets of one endpoint were asked for.
type popularity struct {
	n         map[uint64]float64
	all, once float64
}

func byEndpoint(v view) []popularity {
	out := make([]popularity, v.m.o.Endpoints)
	for name, t := range v.m.targets {
		n := v.number(&t.n)
		if n == 0 || int(t.endpoint) >= len(out) {
			continue
		}
		p := &out[t.endpoint]
		if p.n == nil {
			p.n = map[uint64]float64{}
		}
		p.n[name] = n
		p.all += n
		if n == 1 {
			p.once++
		}
	}
	return out
}

func (x *popularity) distance(y *popularity) float64 {
	if y.all == 0 {
		return 1
	}
	names := make([]uint64, 0, len(x.n))
	for name := range x.n {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b uint64) int {
		return cmp.Or(cmp.Compare(x.n[b], x.n[a]), cmp.Compare(a, b))
	})
	names = names[:min(len(names), topTargets)]
	restX, restY := x.all, y.all
	p, q := make([]float64, 0, len(names)+1), make([]float64, 0, len(names)+1)
	for _, name := range names {
		p, q = append(p, x.n[name]), append(q, y.n[name])
		restX, restY = restX-x.n[name], restY-y.n[name]
	}
	popular := stat.TotalVariation(append(p, max(restX, 0)), append(q, max(restY, 0)))
	return max(popular, math.Abs(x.once/x.all-y.once/y.all))
}

// rate compares the requests of each minute (in captures below half an hour of shorter stretches), and all of them: what is further
// beyond its noise counts. The floors are those of two traffics of the reference's dispersion, with Var N = IDC·N each: of the
// minutes the mean of |N₁-N₂|/N, as that of a normal variable, and 1.645 standard errors of it; of all 1.96 standard
// deviations of (N₁-N₂)/N.
func (c *Card) rate(reference, traffic *Meter) {
	const name = "rate curve"
	if len(reference.bins) < 2 || reference.all == 0 {
		c.NotAssessed = append(c.NotAssessed, name+" (too short)")
		return
	}
	var off, all, noise, worst float64
	at := 0
	idc, length := dispersion(reference.scales, reference.span), float64(reference.span)/float64(second)
	expected := reference.o.Curve.Rates(len(reference.bins))
	for i, n := range reference.bins {
		d := math.Abs(float64(traffic.bins[i] - n))
		off, all = off+d, all+float64(n)
		noise += min(math.Sqrt(4*idc*length*expected[i]/math.Pi), 2*length*expected[i])
		if d > worst {
			worst, at = d, i
		}
	}
	all = max(all, 1)
	p := Part{
		Name: name, Weight: 0.15, OK: 0.03, Fail: 0.15, Distance: off / all,
		Floor: noise / all * (1 + 1.645*math.Sqrt((math.Pi/2-1)/float64(len(reference.bins)))),
		Note: fmt.Sprintf("stretches of %s are off by %.1f%%; the worst, from %s on: %d of %d requests",
			span(reference.span), 100*off/all, span(int64(at)*reference.span), traffic.bins[at], reference.bins[at]),
	}
	d := math.Abs(float64(traffic.all-reference.all)) / float64(reference.all)
	floor := 1.96 * math.Sqrt(2*dispersion(reference.scales, math.MaxInt64)/float64(reference.all))
	if d-max(p.OK, floor) > p.Distance-max(p.OK, p.Floor) {
		p.Distance, p.Floor = d, floor
		p.Note = fmt.Sprintf("%d of %d requests in all", traffic.all, reference.all)
	}
	c.add(p)
}

// dispersion is the IDC at about a scale: that of the next one below or, if none is, the shortest; 1 where nothing is known.
func dispersion(scales []arrival.Scale, t int64) float64 {
	idc := 1.0
	for i, s := range scales {
		if i == 0 || s.T <= t {
			idc = max(s.IDC, 1)
		}
	}
	return idc
}

// burstZ is how many standard errors noise reaches at the worst of about nine scales that hang together, in 95% of cases.
const burstZ = 2.5

// burst compares the dispersion of counts at all scales, each against the standard errors of both.
func (c *Card) burst(reference, traffic *Meter) {
	const name = "burst"
	p := Part{Name: name, Weight: 0.20, OK: 0.18, Fail: 0.69}
	excess, found := math.Inf(-1), false
	for i := range min(len(reference.scales), len(traffic.scales)) {
		s, x := reference.scales[i], traffic.scales[i]
		if s.IDC <= 0 || x.IDC <= 0 {
			continue
		}
		floor := burstZ * math.Hypot(s.SE/s.IDC, x.SE/x.IDC)
		ratio := x.IDC / s.IDC
		d := math.Abs(math.Log(ratio))
		if floor >= p.Fail && d <= floor {
			continue
		}
		if over := d - max(p.OK, floor); over > excess {
			excess, found = over, true
			p.Distance, p.Floor = d, floor
			p.Note = fmt.Sprintf("IDC x%.2f at %s", ratio, span(s.T))
		}
	}
	if !found {
		c.NotAssessed = append(c.NotAssessed, name+" (too little traffic)")
		return
	}
	if first := reference.scales[0].T; first > 10e6 {
		c.NotAssessed = append(c.NotAssessed, "bursts below "+span(first)+" (stamps are coarser)")
	}
	c.add(p)
}
