package route

import "math"

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

// cell is the part of a kid's requests that continue in one way.
type cell struct {
	key  int32
	n    float64
	size moments
}

// shaper names continuations: a key is a prefix's key and a token, numbered as they come.
type shaper struct {
	s       *store
	keys    map[[2]int32]int32
	keyword []bool // by key
	literal []bool // by key: a keyword is on its way
	mark    []int32
	at      []int32
	stamp   int32
	depth   int     // levels to look at
	heavy   float64 // unless 0, the share of one sibling's level that makes a word a keyword in any case
}

const (
	tokenValue = -1 // a typed value
	tokenOther = -2 // a word that is no keyword
	tokenDeep  = -3 // cut here
	tokenEnd   = -4 // less the method's number
)

func newShaper(s *store, depth int) *shaper {
	return &shaper{s: s, depth: depth, keys: map[[2]int32]int32{}, keyword: make([]bool, 1), literal: make([]bool, 1), mark: make([]int32, 1), at: make([]int32, 1)}
}

func (h *shaper) key(prefix, token int32) int32 {
	k := [2]int32{prefix, token}
	if id, ok := h.keys[k]; ok {
		return id
	}
	id := int32(len(h.keyword))
	h.keys[k] = id
	h.keyword = append(h.keyword, false)
	h.literal = append(h.literal, h.literal[prefix] || h.keyword[prefix])
	h.mark = append(h.mark, 0)
	h.at = append(h.at, 0)
	return id
}

// step is the key of a child below a prefix.
func (h *shaper) step(prefix, word int32) int32 {
	if h.s.kinds[word] != Any {
		return h.key(prefix, tokenValue)
	}
	if id, ok := h.keys[[2]int32{prefix, word}]; ok && h.keyword[id] {
		return id
	}
	return h.key(prefix, tokenOther)
}

// shapes fills a kid's cells.
func (h *shaper) shapes(k *kid) {
	h.stamp++
	k.cells = k.cells[:0]
	for _, id := range k.ids {
		h.shape(k, id, 0, 1)
	}
}

func (h *shaper) shape(k *kid, id, prefix int32, depth int) {
	for e := h.s.nodes[id].end; e != 0; e = h.s.ends[e].next {
		c := h.cell(k, h.key(prefix, tokenEnd-h.s.ends[e].method))
		c.n += float64(h.s.ends[e].n)
		c.size.add(h.s.ends[e].size)
	}
	for c := h.s.nodes[id].first; c != 0; c = h.s.nodes[c].next {
		key := h.step(prefix, h.s.nodes[c].word)
		if depth >= h.depth {
			h.cell(k, h.key(key, tokenDeep)).n += float64(h.s.nodes[c].n)
			continue
		}
		h.shape(k, c, key, depth+1)
	}
}

func (h *shaper) cell(k *kid, key int32) *cell {
	if h.mark[key] != h.stamp {
		h.mark[key], h.at[key] = h.stamp, int32(len(k.cells))
		k.cells = append(k.cells, cell{key: key})
	}
	return &k.cells[h.at[key]]
}

// tally is how often and how widely a word was seen at one level below the siblings.
type tally struct {
	prefix, key, lastKid int32
	kids                 int32
	n                    float64
	most                 float64 // largest share of one sibling's requests at the level
}

// keywords finds, level by level below the siblings, the words that are spread over them as their traffic is.
// A level where much of the siblings' variety is something else holds values: all of it becomes "other".
func (h *shaper) keywords(ks []*kid, total float64) {
	if len(ks) < keywordKids {
		return
	}
	bySize := map[float64]float64{}
	var sizes []float64 // of siblings, distinct, in order of appearance
	for _, k := range ks {
		if bySize[k.n] == 0 {
			sizes = append(sizes, k.n)
		}
		bySize[k.n]++
	}
	need := max(keywordKids, int32(float64(len(ks))/100))
	for level := 1; level <= h.depth; level++ {
		words := h.tallyLevel(ks, level)
		good := map[int32]bool{}
		for _, w := range words {
			if w.kids >= need && float64(w.kids) >= wordSpread*reach(w.n/total, sizes, bySize) {
				good[w.key] = true
			}
		}
		h.accept(ks, level, words, good)
	}
}

// reach is the number of siblings expected to hold a word of this share, were it spread as the traffic is.
func reach(share float64, sizes []float64, count map[float64]float64) float64 {
	q := math.Log1p(-math.Min(0.999, share))
	e := 0.0
	for _, n := range sizes {
		e -= count[n] * math.Expm1(q*n)
	}
	return e
}

// visit calls f for every untyped word at a level below the node.
func (h *shaper) visit(id, prefix int32, depth, level int, f func(prefix, word int32, n float64)) {
	for c := h.s.nodes[id].first; c != 0; c = h.s.nodes[c].next {
		w := h.s.nodes[c].word
		if depth == level {
			if h.s.kinds[w] == Any {
				f(prefix, w, float64(h.s.nodes[c].n))
			}
			continue
		}
		if h.s.nodes[c].first != 0 {
			h.visit(c, h.step(prefix, w), depth+1, level, f)
		}
	}
}

func (h *shaper) tallyLevel(ks []*kid, level int) []tally {
	var words []tally
	index := map[int32]int{}
	for i, k := range ks {
		for _, id := range k.ids {
			h.visit(id, 0, 1, level, func(prefix, word int32, n float64) {
				if h.s.standIn(word) {
					return
				}
				key := h.key(prefix, word)
				j, ok := index[key]
				if !ok {
					j = len(words)
					index[key] = j
					words = append(words, tally{prefix: prefix, key: key})
				}
				words[j].n += n
				if words[j].lastKid != int32(i)+1 {
					words[j].lastKid = int32(i) + 1
					words[j].kids++
				}
			})
		}
	}
	return words
}

// accept makes the good words keywords where they are most of a level; every sibling counts alike.
func (h *shaper) accept(ks []*kid, level int, words []tally, good map[int32]bool) {
	type share struct{ good, all float64 }
	total := map[int32]*share{}
	for _, k := range ks {
		local, own := map[int32]*share{}, map[int32]float64{}
		var order []int32
		for _, id := range k.ids {
			h.visit(id, 0, 1, level, func(prefix, word int32, n float64) {
				l := local[prefix]
				if l == nil {
					l = &share{}
					local[prefix] = l
					order = append(order, prefix)
				}
				l.all += n
				if key, ok := h.keys[[2]int32{prefix, word}]; ok {
					if good[key] {
						l.good += n
					}
					own[key] += n
				}
			})
		}
		for i := range words {
			w := &words[i]
			if n := own[w.key]; n >= minHeavy {
				w.most = math.Max(w.most, n/local[w.prefix].all)
			}
		}
		for _, p := range order {
			if total[p] == nil {
				total[p] = &share{}
			}
			w := math.Min(local[p].all, 20)
			total[p].good += local[p].good / local[p].all * w
			total[p].all += w
		}
	}
	count := map[int32]int{}
	for _, w := range words {
		if good[w.key] {
			count[w.prefix]++
		}
	}
	for _, w := range words {
		t := total[w.prefix]
		if h.heavy > 0 && w.most >= h.heavy || good[w.key] && t.good >= levelShare*t.all && count[w.prefix] <= mostKeywords {
			h.keyword[w.key] = true
		}
	}
}

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
