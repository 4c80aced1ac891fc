package route

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Evidence is why a word was taken for a value (sum above 0) or for a route of its own, in nats.
type Evidence struct {
	Requests     float64
	Continuation float64 // what follows it, against what follows the values
	Size         float64 // its answers' sizes, against theirs
	Frequency    float64 // values expected to be this common, against routes
	Asset        float64 // a file such as style.css among others
	Reason       string  // when it was not weighed: its kind, an affix, one continuation shared by many, a rule
}

// Decision is the verdict on one word at one position.
type Decision struct {
	Path     string // the template down to this position, and the word
	Siblings int    // words at the position
	Values   int    // of which are values
	Value    bool
	Evidence
}

const (
	rare          = 2 // requests of a word that may be a value for that alone
	fewRare       = 4 // rare words that make a pool
	maxDecisions  = 4000
	smallPosition = 40  // requests below which every word is rare
	manyRare      = 12  // rare words that make a pool even then
	crowded       = 64  // words of one position within a factor e of requests
	assetOdds     = 5.0 // that the name of a file is a value, for its extension alone
)

// decider works from the root down and collects templates.
type decider struct {
	s         *store
	all       spread
	rules     rules
	leaves    []leaf
	decisions []Decision
}

// leaf is a learnt template with all that ends there.
type leaf struct {
	segs []string
	ids  []int32
	many bool // what is below ids ends here too
}

// decide judges the children of the union of nodes, which stands at the template path.
func (d *decider) decide(ids []int32, path []string, depth int) {
	path = path[:len(path):len(path)]
	if d.ends(ids) {
		d.leaves = append(d.leaves, leaf{segs: path, ids: ids})
	}
	bs := d.s.branches(ids)
	if len(bs) == 0 {
		return
	}
	ks := d.kids(bs)
	if !d.rules.apply(path, ks) && d.catchall(ids) {
		d.leaves = append(d.leaves, leaf{segs: append(path, "{path...}"), ids: ids, many: true})
		return
	}
	p := &position{d: d, path: path}
	p.kids = p.group(d.capitals(ks))
	p.judge()
	d.explain(p)
	var pool, family []*kid
	for _, k := range p.kids {
		switch {
		case k.family:
			family = append(family, k)
		case k.value:
			pool = append(pool, k)
		default:
			d.decide(k.ids, append(path, k.segment()), depth+1)
		}
	}
	for _, ks := range [][]*kid{pool, family} {
		if len(ks) > 0 {
			var all []int32
			for _, k := range ks {
				all = append(all, k.ids...)
			}
			d.decide(all, append(path, parameter(ks)), depth+1)
		}
	}
}

func (k *kid) segment() string {
	if k.pat != nil {
		return k.pat.text
	}
	return k.name
}

func (d *decider) ends(ids []int32) bool {
	return slices.ContainsFunc(ids, func(id int32) bool { return d.s.nodes[id].end != 0 })
}

func (d *decider) kids(bs []branch) []*kid {
	ks := make([]*kid, len(bs))
	for i, b := range bs {
		ks[i] = &kid{name: d.s.names[b.word], kind: d.s.kinds[b.word], ids: b.ids, n: float64(b.n), distinct: float64(b.distinct)}
		if d.s.standIn(b.word) {
			ks[i].forced, ks[i].value = true, true
		}
	}
	return ks
}

// capitals joins a word in capitals to a sibling that is far more common.
func (d *decider) capitals(ks []*kid) []*kid {
	best := map[string]*kid{}
	for _, k := range ks {
		l := strings.ToLower(k.name)
		if b := best[l]; b == nil || k.n > b.n {
			best[l] = k
		}
	}
	return slices.DeleteFunc(ks, func(k *kid) bool {
		b := best[strings.ToLower(k.name)]
		if b == k || k.kind != Any || k.forced || b.name == strings.ToUpper(b.name) || !capitals([]byte(k.name)) || b.n < 5*k.n {
			return false
		}
		b.ids = slices.Concat(b.ids, k.ids)
		b.n += k.n
		return true
	})
}

// position is where siblings are judged.
type position struct {
	d    *decider
	path []string
	kids []*kid
	h    *shaper
	j    *judge

	assets int // words that name a file of a page
}

func (p *position) judge() {
	total := 0.0
	for _, k := range p.kids {
		total += k.n
	}
	p.h = newShaper(p.d.s, nearDepth)
	p.h.keywords(p.kids, total)
	for _, k := range p.kids {
		p.h.shapes(k)
	}
	p.j = newJudge(p.kids, len(p.h.keyword), p.d.all)
	tail, typed := 0, 0
	for _, k := range p.kids {
		if p.d.asset(k) {
			p.assets++
		}
	}
	for _, k := range p.kids {
		switch {
		case k.typed():
			k.value, k.forced = true, true
			if k.ev.Reason == "" {
				k.ev.Reason = k.kind.String()
			}
			typed++
		case k.pat == nil && k.n <= rare:
			tail++
		}
	}
	if total < smallPosition && tail < manyRare {
		tail = 0
	}
	if tail < fewRare && typed == 0 {
		tail += p.crowd()
	}
	files := p.assets >= groupKids
	if tail >= fewRare || files {
		for _, k := range p.kids {
			if !k.forced && (tail >= fewRare && (k.n <= rare || k.pat != nil) || k.crowded || files && p.d.asset(k)) {
				k.value = true
			}
		}
	}
	if tail >= fewRare || typed > 0 || files {
		p.refine()
	}
	p.saturated()
	p.family()
}

// crowd marks the words that are about equally common as so many others that they cannot all be routes.
func (p *position) crowd() int {
	var ks []*kid
	for _, k := range p.kids {
		if !k.forced && k.pat == nil {
			ks = append(ks, k)
		}
	}
	slices.SortStableFunc(ks, func(a, b *kid) int { return cmp.Compare(a.n, b.n) })
	marked, from := 0, 0
	for to := range ks {
		for ks[to].n > math.E*ks[from].n {
			from++
		}
		if to-from+1 < crowded {
			continue
		}
		for _, k := range ks[from : to+1] {
			if !k.crowded {
				k.crowded = true
				marked++
			}
		}
	}
	return marked
}

func isValue(k *kid) bool { return k.value }

// refine weighs every untyped sibling against the pool without it, until nothing changes.
func (p *position) refine() {
	for range 4 {
		p.j.fill(p.kids, isValue)
		values, n := 0.0, 0.0
		for _, k := range p.kids {
			if k.value {
				values += k.distinct
				n += k.n
			}
		}
		// values by rank r have C/r requests; C from the number of values or, when all have been seen, from their requests
		c := math.Max(values, n/math.Log(values+3))
		changed := false
		for _, k := range p.kids {
			if k.forced {
				continue
			}
			v := p.weigh(k, c)
			changed = changed || v != k.value
			k.value = v
		}
		if !changed {
			return
		}
	}
}

func (p *position) weigh(k *kid, c float64) bool {
	e := &k.ev
	*e = Evidence{}
	e.Continuation, e.Size = p.j.odds(k, k.value)
	e.Frequency = 3
	if k.pat == nil {
		e.Frequency = math.Max(-4, math.Min(8, math.Log(c/(3*k.n))))
	}
	if p.assets >= groupKids && k.pat == nil && p.d.asset(k) {
		e.Asset = assetOdds
	}
	return e.Continuation+e.Size+e.Frequency+e.Asset > 0
}

// saturated finds a parameter of few values, each of them common: one continuation shared by many siblings.
func (p *position) saturated() {
	var open []*kid
	untyped := 0
	for _, k := range p.kids {
		if k.forced {
			continue
		}
		untyped++
		if !k.value {
			open = append(open, k)
		}
	}
	if untyped < 5 || 2*len(open) < untyped {
		return
	}
	var seeds []*kid
	for _, k := range p.kids {
		if !k.forced {
			seeds = append(seeds, k)
		}
	}
	slices.SortStableFunc(seeds, func(a, b *kid) int { return cmp.Compare(b.n, a.n) })
	var best map[*kid]bool
	most := 10.0
	for _, s := range seeds[:min(6, len(seeds))] {
		in, score := p.grow(s, func(*kid) bool { return true }, 8, 1)
		n := 0
		for _, k := range p.kids {
			if in[k] && !k.forced {
				n++
			}
		}
		if len(in) >= 6 && 2*n >= untyped && score > most {
			best, most = in, score
		}
	}
	if best == nil {
		return
	}
	for _, k := range p.kids {
		if !k.forced && k.n > rare {
			k.value = false
		}
		if best[k] && !k.forced {
			k.value = true
		}
	}
	p.refine()
}

const (
	familyKids   = 4    // words of an enumeration
	familyPaths  = 3    // continuations with a literal word that they share
	familyOdds   = 12.0 // sum over the words of their log-odds, familyEach taken off each
	familyEach   = 4.0
	familySizes  = 0.05 // variance of log sizes between them: 25%
	choiceSizes  = 0.01 // the same where nothing else is known
	choiceVaries = 0.02 // variance of log sizes that an endpoint must have
	choiceOdds   = 5.0
)

// family finds a parameter that is an enumeration, such as a locale: few common words with the same rich
// continuation. Resources that merely offer the same operations do not share words below them.
func (p *position) family() {
	var open, values []*kid
	for _, k := range p.kids {
		switch {
		case k.value:
			values = append(values, k)
		case k.pat == nil && !k.forced:
			open = append(open, k)
		}
	}
	if len(open) < familyKids || len(open) > 400 {
		return
	}
	slices.SortStableFunc(open, func(a, b *kid) int { return cmp.Compare(b.n, a.n) })
	var best []*kid
	p.j.tight = familySizes
	for _, s := range open[:min(6, len(open))] {
		in, _ := p.grow(s, func(k *kid) bool { return !k.value && k.pat == nil && !k.forced }, 0, 0)
		if f := p.confirm(in); len(f) > len(best) {
			best = f
		}
	}
	p.j.tight = 0
	if best == nil && len(values) == 0 {
		best = p.choices(open)
	}
	if best == nil {
		return
	}
	total, pool := 0.0, 0.0
	for _, k := range best {
		total += k.n
	}
	for _, k := range values {
		pool += k.n
	}
	apart := len(values) > 0 && !bare(parameter(values))
	if !apart && pool > total/20 {
		return
	}
	for _, k := range best {
		k.value, k.family = true, apart
		k.ev.Reason = "enumeration"
	}
}

// choices returns the siblings if all of them continue alike, with answers of one size: a sort order, a
// period. Little follows that could tell more, so all must agree, and sizes that never vary (an empty
// answer, a redirect) tell nothing.
func (p *position) choices(open []*kid) []*kid {
	if len(open) != len(p.kids) {
		return nil
	}
	p.j.fill(open, func(*kid) bool { return true })
	odds := 0.0
	for _, k := range open {
		if cont, _ := p.j.odds(k, true); cont < 0 {
			return nil
		}
		size, sized := 0.0, 0.0
		for _, c := range k.cells {
			s := p.j.sizes[c.key]
			if s.within < choiceVaries || c.size.k < 3 {
				continue
			}
			own := s.within / float64(c.size.k)
			m := c.size.mean()
			size += logNormal(m-s.mean, choiceSizes+own) - logNormal(m-p.d.all.mean, p.d.all.between+own)
			sized++
		}
		if sized == 0 {
			return nil
		}
		odds += size / sized // the cells of one sibling are no independent witnesses
	}
	if odds*float64(len(open)-1)/float64(len(open)) < choiceOdds {
		return nil
	}
	return open
}

// bare reports whether a segment is one parameter and nothing else.
func bare(seg string) bool { return seg[0] == '{' && strings.IndexByte(seg, '}') == len(seg)-1 }

// confirm judges the candidates among themselves, by all that follows them; nil if they are no enumeration.
func (p *position) confirm(in map[*kid]bool) []*kid {
	var ks []*kid
	for _, k := range p.kids {
		if in[k] {
			ks = append(ks, &kid{name: k.name, ids: k.ids, n: k.n, distinct: k.distinct})
		}
	}
	if len(ks) < familyKids {
		return nil
	}
	total := 0.0
	for _, k := range ks {
		total += k.n
		k.value = true
	}
	h := newShaper(p.d.s, farDepth)
	h.heavy = heavyWord
	h.keywords(ks, total)
	for _, k := range ks {
		h.shapes(k)
	}
	j := newJudge(ks, len(h.keyword), p.d.all)
	j.tight = familySizes
	score := 0.0
	for range 3 {
		j.fill(ks, isValue)
		score = 0
		for _, k := range ks {
			cont, size := j.alike(k, k.value)
			if k.value = cont+size > 0; k.value {
				score += math.Min(cont+size, 3*familyEach) - familyEach
			}
		}
	}
	ks = slices.DeleteFunc(ks, func(k *kid) bool { return !k.value })
	if len(ks) < familyKids || score < familyOdds || h.sharedPaths(ks) < familyPaths {
		return nil
	}
	names := map[string]bool{}
	for _, k := range ks {
		names[k.name] = true
	}
	return slices.DeleteFunc(slices.Clone(p.kids), func(k *kid) bool { return !in[k] || !names[k.name] })
}

// sharedPaths counts the continuations with a keyword that most of the kids have.
func (h *shaper) sharedPaths(in []*kid) int {
	with := make([]int, len(h.keyword))
	for _, k := range in {
		for _, c := range k.cells {
			with[c.key]++
		}
	}
	n := 0
	for key, c := range with {
		if 2*c > len(in) && h.literal[key] {
			n++
		}
	}
	return n
}

// grow collects the siblings that continue as the seed does.
func (p *position) grow(seed *kid, among func(*kid) bool, most, each float64) (in map[*kid]bool, score float64) {
	in = map[*kid]bool{seed: true}
	for range 4 {
		p.j.fill(p.kids, func(k *kid) bool { return in[k] })
		next := map[*kid]bool{}
		score = 0
		for _, k := range p.kids {
			if !among(k) {
				continue
			}
			cont, size := p.j.alike(k, in[k] && len(in) > 1)
			if l := cont + size; l > 0 {
				next[k] = true
				score += math.Min(l, most) - each
			}
		}
		if in = next; len(in) == 0 {
			break
		}
	}
	return in, score
}

func (d *decider) explain(p *position) {
	values := 0
	for _, k := range p.kids {
		if k.value {
			values++
		}
	}
	if len(p.kids) < 2 {
		return
	}
	for _, k := range p.kids {
		if k.n <= rare || k.kind != Any || len(d.decisions) >= maxDecisions {
			continue
		}
		k.ev.Requests = k.n
		d.decisions = append(d.decisions, Decision{
			Path: "/" + strings.Join(append(p.path[:len(p.path):len(p.path)], k.segment()), "/"), Siblings: len(p.kids), Values: values, Value: k.value, Evidence: k.ev})
	}
}

// catchall reports whether the nodes begin paths of varying depth made of one vocabulary, as files in folders are.
func (d *decider) catchall(ids []int32) bool {
	n := int64(0)
	for _, id := range ids {
		n += d.s.nodes[id].n
	}
	if n < 20 {
		return false
	}
	var ends [12]float64
	var words [3]map[int32]float64
	var total [3]float64
	for i := range words {
		words[i] = map[int32]float64{}
	}
	var walk func(id int32, depth int)
	walk = func(id int32, depth int) {
		x := &d.s.nodes[id]
		if depth > 0 {
			for e := x.end; e != 0; e = d.s.ends[e].next {
				ends[min(depth, 11)] += float64(d.s.ends[e].n)
			}
		}
		for c := x.first; c != 0; c = d.s.nodes[c].next {
			if depth < 2 {
				w := d.s.nodes[c].word
				if !d.s.standIn(w) { // nobody knows which words hide in it
					words[depth+1][w] += float64(d.s.nodes[c].n)
					total[depth+1] += float64(d.s.nodes[c].n)
				}
			}
			walk(c, depth+1)
		}
	}
	for _, id := range ids {
		walk(id, 0)
	}
	all, depths := 0.0, 0
	for _, e := range ends {
		all += e
	}
	for _, e := range ends {
		if e > 0 && e >= 0.03*all {
			depths++
		}
	}
	if depths < 3 || len(words[2]) < 5 {
		return false
	}
	order := make([]int32, 0, len(words[2]))
	for w := range words[2] {
		order = append(order, w)
	}
	slices.Sort(order)
	shared := 0.0
	for _, w := range order {
		shared += math.Min(words[1][w]/total[1], words[2][w]/total[2])
	}
	return shared >= 0.4
}
