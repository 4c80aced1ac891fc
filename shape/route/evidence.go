package route

import (
	"math"
)

// Evidence is weighed sibling by sibling: what follows a segment and how large the answers are, against the
// values that are already certain. The constants were chosen on logs of known routes.
const (
	capObs       = 100.0 // requests of one sibling that count: heterogeneity below 1/capObs is not held against a value
	ownMix       = 30.0  // concentration of one value's mix around that of all values
	otherMix     = 2.0   // the same for a resource of its own
	stray        = 0.03  // share of disfigured requests that is forgiven
	nearDepth    = 3     // levels below a sibling that are looked at
	farDepth     = 7     // the same for an enumeration
	minSizeVar   = 0.01  // variance of log sizes below which nothing is believed
	wordSpread   = 0.5   // of the siblings that a keyword would reach if spread as the traffic is
	mostKeywords = 128   // at one place; more are values that several siblings share, such as user names
	minHeavy     = 5.0   // requests that it must have
	heavyWord    = 0.1   // of what one candidate of an enumeration holds at a level: the others must have it too
	levelShare   = 0.7   // of a level that must be keywords, or all of it is values
	keywordKids  = 3     // siblings that a keyword must be seen under
)

// kid is one sibling under judgement: a word, a stand-in, or a group of words with one affix.
type kid struct {
	name     string
	pat      *pattern // set for groups
	kind     Kind
	ids      []int32
	n        float64
	distinct float64 // values that it stands for
	cells    []cell
	value    bool
	crowded  bool // among many words that are as common
	family   bool // a value of an enumeration beside the pool
	forced   bool // by a rule, by its kind, or a stand-in
	members  []*kid
	ev       Evidence
}

// typed reports whether the kid is a value in any case.
func (k *kid) typed() bool { return k.kind != Any || k.forced && k.value }

// weight is the factor that lets at most capObs requests of each value count.
func (k *kid) weight() float64 { return math.Min(1, capObs*k.distinct/math.Max(k.n, 1)) }

// judge holds what is known of all siblings at a position.
type judge struct {
	base  []float64 // by key: sum over siblings of the share of it
	kids  float64
	keys  float64 // continuations seen
	all   spread  // of log sizes over the URLs of the whole log
	pool  []float64
	total float64
	sizes []spread // by key; n 0: unknown
	tight float64  // unless 0, what the variance of sizes between values is held to be
}

// spread is a normal law of log sizes: mean, variance between values, variance within one.
type spread struct{ n, mean, between, within float64 }

func newJudge(ks []*kid, keys int, all spread) *judge {
	j := &judge{base: make([]float64, keys), all: all, kids: float64(len(ks))}
	for _, k := range ks {
		for _, c := range k.cells {
			if j.base[c.key] == 0 {
				j.keys++
			}
			j.base[c.key] += c.n / k.n
		}
	}
	return j
}

// fill makes the pool from the kids that are in it.
func (j *judge) fill(ks []*kid, in func(*kid) bool) {
	j.pool = make([]float64, len(j.base))
	j.total = 0
	acc := make([]sizeSum, len(j.base))
	for _, k := range ks {
		if !in(k) {
			continue
		}
		f := k.weight()
		for _, c := range k.cells {
			j.pool[c.key] += c.n * f
			j.total += c.n * f
			acc[c.key].add(c.size)
		}
	}
	j.sizes = make([]spread, len(j.base))
	for i := range acc {
		j.sizes[i] = acc[i].spread()
		if j.tight > 0 {
			j.sizes[i].between = j.tight
		}
	}
}

// sizeSum accumulates the means of several values.
type sizeSum struct{ w, sum, squares, values, inverse, within, freedom float64 }

func (a *sizeSum) add(m moments) {
	if m.k == 0 {
		return
	}
	mean := m.mean()
	if m.k > 1 {
		a.within += math.Max(0, float64(m.squares)/(sizeUnit*sizeUnit)-float64(m.k)*mean*mean)
		a.freedom += float64(m.k - 1)
	}
	w := math.Min(float64(m.k), 10)
	a.w += w
	a.sum += w * mean
	a.squares += w * mean * mean
	a.values++
	a.inverse += w / float64(m.k)
}

func (m moments) mean() float64 { return float64(m.sum) / sizeUnit / float64(m.k) }

func (a *sizeSum) spread() spread {
	if a.values == 0 {
		return spread{}
	}
	s := spread{n: a.values, mean: a.sum / a.w, within: 0.25, between: 0.25}
	if a.freedom >= 5 {
		s.within = math.Max(a.within/a.freedom, minSizeVar)
	}
	if a.values >= 5 {
		s.between = math.Max(a.squares/a.w-s.mean*s.mean-s.within*a.inverse/a.w, minSizeVar)
	}
	return s
}

// odds returns the log-odds that the kid is a value of the pool rather than a route of its own: by what
// follows it (Dirichlet-multinomial around the pool's mix against a mix of its own), and by the size of the
// answers (normal around the pool's mean against the spread of the whole log).
func (j *judge) odds(k *kid, member bool) (cont, size float64) {
	f := 0.0
	if member {
		f = k.weight() // leave one out
	}
	const eps = 0.5
	rest := math.Max(0, j.total-f*k.n)
	uniform := 1 / (j.keys + 1)
	var pool, own dirichlet
	pool.start(ownMix, k.n)
	own.start(1, k.n)
	for _, c := range k.cells {
		b := j.base[c.key] / j.kids
		p := math.Max(0, j.pool[c.key]-f*c.n)
		pool.add(c.n, (1-stray)*(p+eps*b)/(rest+eps)+stray*uniform)
		own.add(c.n, 0.5*b+0.5*uniform)
		size += j.sizeOdds(c)
	}
	return pool.log - own.log, size
}

// alike returns the log-odds that the kid continues with the pool's own mix rather than with another mix of
// the same continuations, as a sibling resource with the same operations would. It is what tells an
// enumeration from a list of resources; where there is one continuation only it is 0.
func (j *judge) alike(k *kid, member bool) (cont, size float64) {
	f := 0.0
	if member {
		f = k.weight()
	}
	const eps = 0.5
	rest := math.Max(0, j.total-f*k.n)
	uniform := 1 / (j.keys + 1)
	var pool, own dirichlet
	pool.start(ownMix, k.n)
	own.start(otherMix, k.n)
	for _, c := range k.cells {
		b := j.base[c.key] / j.kids
		p := math.Max(0, j.pool[c.key]-f*c.n)
		p = (1-stray)*(p+eps*b)/(rest+eps) + stray*uniform
		pool.add(c.n, p)
		own.add(c.n, p)
		size += j.sizeOdds(c)
	}
	if j.tight == 0 { // sizes that agree by a loose measure are no proof, however many
		size = math.Min(3, size)
	}
	return pool.log - own.log, size
}

func (j *judge) sizeOdds(c cell) float64 {
	s := j.sizes[c.key]
	if s.n == 0 || c.size.k == 0 {
		return 0
	}
	own := s.within / math.Min(float64(c.size.k), capObs)
	m := c.size.mean()
	l := logNormal(m-s.mean, s.between+own) - logNormal(m-j.all.mean, math.Max(j.all.between, s.between)+own)
	return math.Max(-12, math.Min(3, l))
}

func logNormal(d, v float64) float64 { return -0.5*d*d/v - 0.5*math.Log(v) }

// dirichlet sums the log-likelihood of counts under a Dirichlet-multinomial, counts scaled to capObs at most.
type dirichlet struct{ log, conc, scale float64 }

func (d *dirichlet) start(conc, n float64) {
	d.conc, d.scale = conc, 1
	if n > capObs {
		d.scale = capObs / n
	}
	d.log = lgamma(conc) - lgamma(conc+n*d.scale)
}

func (d *dirichlet) add(n, p float64) {
	d.log += lgamma(d.conc*p+n*d.scale) - lgamma(d.conc*p)
}

func lgamma(x float64) float64 {
	r, _ := math.Lgamma(x)
	return r
}
