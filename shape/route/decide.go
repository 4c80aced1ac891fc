package route

import (
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
	l := laws{s: d.s, words: [3]map[int32]float64{1: {}, 2: {}}}
	for _, id := range ids {
		l.walk(id, 0)
	}
	all, depths := 0.0, 0
	for _, e := range l.ends {
		all += e
	}
	for _, e := range l.ends {
		if e > 0 && e >= 0.03*all {
			depths++
		}
	}
	return depths >= 3 && l.shared() || depths >= 4 && l.drowned()
}

// laws are how often each word comes one and two levels below some nodes, and at which depth paths end.
type laws struct {
	s        *store
	ends     [12]float64
	words    [3]map[int32]float64
	total    [3]float64
	mass     [5]float64 // requests by depth
	standIns [5]float64 // of which by words that nobody knows any more
}

func (l *laws) walk(id int32, depth int) {
	x := &l.s.nodes[id]
	for e := x.end; depth > 0 && e != 0; e = l.s.ends[e].next {
		l.ends[min(depth, len(l.ends)-1)] += float64(l.s.ends[e].n)
	}
	for c := x.first; c != 0; c = l.s.nodes[c].next {
		w, n := l.s.nodes[c].word, float64(l.s.nodes[c].n)
		stands := l.s.standIn(w)
		if depth < len(l.mass) {
			l.mass[depth] += n
			if stands {
				l.standIns[depth] += n
			}
		}
		if depth < 2 && !stands {
			l.words[depth+1][w] += n
			l.total[depth+1] += n
		}
		l.walk(c, depth+1)
	}
}

// shared reports whether the words of the two levels are the same, and not one word alone: /watch/pods
// beside /pods makes no vocabulary.
func (l *laws) shared() bool {
	if len(l.words[2]) < 5 {
		return false
	}
	order := make([]int32, 0, len(l.words[2]))
	for w := range l.words[2] {
		order = append(order, w)
	}
	slices.Sort(order)
	shared, top := 0.0, 0.0
	for _, w := range order {
		m := math.Min(l.words[1][w]/l.total[1], l.words[2][w]/l.total[2])
		shared += m
		top = math.Max(top, m)
	}
	return shared >= 0.4 && shared-top >= 0.2
}

// drowned reports whether there were too many words to remember on every level: a flood, without routes below.
func (l *laws) drowned() bool {
	for i, n := range l.mass {
		if l.standIns[i] < 0.8*n {
			return false
		}
	}
	return true
}
