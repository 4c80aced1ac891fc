package route

import (
	"bytes"
	"cmp"
	"math"
	"slices"
)

const (
	maxNodes   = 1 << 18 // nodes of a trie; reaching it makes room (see compact)
	maxMethods = 24      // distinct methods; the rest is counted as "other (write)"
	sizeUnit   = 1024    // fixed point of a log size, so that sums do not depend on the order of requests
)

// node is a path prefix. Children hang on first and next in order of arrival; nothing depends on that order.
type node struct {
	n           int64 // requests through it
	distinct    int32 // distinct values that it stands for: 1, more for a stand-in
	word        int32
	first, next int32 // child, sibling; 0 none
	end         int32 // requests that end here, by method; 0 none
	full        bool  // children were joined into stand-ins; new ones are admitted by sampling
}

// end is what ended at a node with one method.
type end struct {
	method int32
	next   int32
	n      int64
	size   moments
	query  *sketch
}

// moments of the log response size of 2xx answers, in 1/sizeUnit.
type moments struct{ k, sum, squares int64 }

func (m *moments) add(o moments) {
	m.k += o.k
	m.sum += o.sum
	m.squares += o.squares
}

func (m *moments) observe(status int, size int64) {
	if status/100 != 2 || size <= 0 {
		return
	}
	v := int64(math.Log(float64(size)) * sizeUnit)
	m.k++
	m.sum += v
	m.squares += v * v
}

// store is a trie of the paths seen, bounded in nodes: the children of a wide node are thinned out to its
// heaviest and to a hash sample, the others joined into one stand-in per kind, subtrees and all, so that
// every request stays counted.
type store struct {
	nodes   []node
	ends    []end
	words   map[string]int32
	names   []string
	kinds   []Kind
	hashes  []uint64
	kids    map[uint64]int32 // parent<<32 | word
	methods *methods
	limit   int // nodes
	sketch  sketches
	ticks   uint64 // requests for a new child of a full node
	tight   int    // step of roomAt that the last compact came to
}

const root = 1

func newStore(m *methods, limit int) *store {
	s := &store{words: map[string]int32{}, kids: map[uint64]int32{}, methods: m, limit: limit}
	s.nodes = make([]node, 2, 64)
	s.ends = make([]end, 1, 64)
	s.names, s.kinds, s.hashes = []string{""}, []Kind{Any}, []uint64{0} // word 0 is none
	s.nodes[root].distinct = 1
	return s
}

func (s *store) intern(w []byte) int32 {
	if id, ok := s.words[string(w)]; ok {
		return id
	}
	id := int32(len(s.names))
	name := string(w)
	s.words[name] = id
	s.names = append(s.names, name)
	s.kinds = append(s.kinds, kindOf(w))
	s.hashes = append(s.hashes, hash64(w))
	return id
}

// A stand-in is a word that many words of a node were joined to: a zero byte, their kind, and the extension
// that they share, if any. No path holds a zero byte.
func (s *store) standIn(word int32) bool { return isStandIn(s.names[word]) }

func isStandIn(name string) bool { return name != "" && name[0] == 0 }

// standInOf appends the name of the stand-in for a segment to dst.
func standInOf(dst, seg []byte) []byte {
	if len(seg) > 0 && seg[0] == 0 {
		return append(dst, seg...)
	}
	dst = append(dst, 0, '0'+byte(kindOf(seg)))
	i := bytes.LastIndexByte(seg, '.')
	if ext := seg[i+1:]; i > 0 && len(ext) >= 2 && len(ext) <= 5 && kindOf(seg) == Any && isToken(ext) {
		dst = append(dst, seg[i:]...)
	}
	return dst
}

// add counts one request.
func (s *store) add(method int32, p *path, status int, size int64) {
	x := int32(root)
	s.nodes[x].n++
	for i := range p.n {
		x = s.child(x, p.segment(i))
		s.nodes[x].n++
	}
	e := s.endOf(x, method)
	s.ends[e].n++
	s.ends[e].size.observe(status, size)
	s.sketch.add(&s.ends[e], p.query)
	if s.sketch.over() {
		s.sketch.shrink(s.ends)
	}
	if len(s.nodes) > s.limit {
		s.compact()
	}
}

func (s *store) child(x int32, seg []byte) int32 {
	w, known := s.words[string(seg)]
	if known {
		if c := s.kids[uint64(x)<<32|uint64(w)]; c != 0 {
			return c
		}
	}
	if s.nodes[x].full && !s.admit(seg) {
		var buf [8]byte
		name := standInOf(buf[:0], seg)
		for {
			if w, ok := s.words[string(name)]; ok {
				if c := s.kids[uint64(x)<<32|uint64(w)]; c != 0 {
					s.nodes[c].distinct++
					return c
				}
			}
			if len(name) == 2 {
				return s.newChild(x, s.intern(name))
			}
			name = name[:2]
		}
	}
	if !known {
		w = s.intern(seg)
	}
	return s.newChild(x, w)
}

// admit lets one request in 64 into a full node, so that a route that begins late is found while a flood
// of values costs next to nothing. Typed values are sampled already.
func (s *store) admit(seg []byte) bool {
	s.ticks++
	return hash64(seg)+s.ticks*0x9e3779b97f4a7c15 < 1<<58 && kindOf(seg) == Any
}

func (s *store) newChild(x, w int32) int32 {
	c := int32(len(s.nodes))
	s.nodes = append(s.nodes, node{word: w, next: s.nodes[x].first, distinct: 1})
	s.nodes[x].first = c
	s.kids[uint64(x)<<32|uint64(w)] = c
	return c
}

func (s *store) endOf(x, method int32) int32 {
	for e := s.nodes[x].end; e != 0; e = s.ends[e].next {
		if s.ends[e].method == method {
			return e
		}
	}
	e := int32(len(s.ends))
	s.ends = append(s.ends, end{method: method, next: s.nodes[x].end})
	s.nodes[x].end = e
	return e
}

// branch is one word below a set of nodes, with the nodes that bear it.
type branch struct {
	word     int32
	n        int64
	distinct int64
	ids      []int32
}

// branches joins the children of nodes by word, in order of their names.
func (s *store) branches(ids []int32) []branch {
	total := 0
	for _, id := range ids {
		for c := s.nodes[id].first; c != 0; c = s.nodes[c].next {
			total++
		}
	}
	all := make([]int32, 0, total)
	for _, id := range ids {
		for c := s.nodes[id].first; c != 0; c = s.nodes[c].next {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b int32) int {
		wa, wb := s.nodes[a].word, s.nodes[b].word
		if wa == wb {
			return cmp.Compare(a, b)
		}
		return cmp.Compare(s.names[wa], s.names[wb])
	})
	var out []branch
	for i, c := range all {
		if i == 0 || s.nodes[all[i-1]].word != s.nodes[c].word {
			out = append(out, branch{word: s.nodes[c].word, ids: all[i:i]})
		}
		b := &out[len(out)-1]
		b.ids = b.ids[:len(b.ids)+1]
		b.n += s.nodes[c].n
		if s.standIn(b.word) {
			b.distinct += int64(s.nodes[c].distinct)
		} else {
			b.distinct = 1
		}
	}
	return out
}

// room says how much of a trie is kept.
type room struct {
	wide   int   // children that a node with more than few keeps
	few    int   // children that make no node wide
	weight int64 // requests that a child of a wide node, or below two, must have, or it is not kept
	all    int64 // the same for every child
	kinds  int   // with all: depth below which what is dropped is joined whatever its kind
}

const (
	narrow     = 64
	mostCommon = 128 // words
	leastWide  = 6
)

// roomAt is the n-th step of making room: first wide nodes, which hold values, are thinned out, then rare
// values dropped, then all nodes made narrow, and in the end everything that is rare dropped, which always
// comes to an end.
func roomAt(n int) room {
	r := room{wide: 8192, few: narrow}
	for ; n > 0 && r.wide > leastWide; n-- {
		r.wide /= 2
	}
	for r.weight = 1; n > 0 && r.weight < 64; n-- {
		r.weight *= 2
	}
	for ; n > 0 && r.few > 8; n-- {
		r.few /= 2
	}
	if n > 0 {
		r.all, r.kinds = 1<<min(n, 62), max(2, 12-n)
	}
	return r
}

// compact rebuilds the trie with as many children as fill at most half of the limit.
func (s *store) compact() {
	common := s.commonWords()
	for n := max(0, s.tight-1); ; n++ {
		c := compactor{from: s, to: newStore(s.methods, s.limit), room: roomAt(n), most: s.limit / 2, common: common}
		c.to.sketch, c.to.ticks, c.to.tight = s.sketch, s.ticks, n
		if c.join(root, []int32{root}, 0, 0) {
			*s = *c.to
			return
		}
	}
}

// commonWords are the words that stand below the most nodes: what follows a value is rare there, yet a route.
func (s *store) commonWords() map[int32]bool {
	parents := make([]int32, len(s.names))
	for _, x := range s.nodes[root+1:] {
		if s.kinds[x.word] == Any && !s.standIn(x.word) {
			parents[x.word]++
		}
	}
	var order []int32
	for w, n := range parents {
		if n >= 4 {
			order = append(order, int32(w))
		}
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(parents[b], parents[a]), cmp.Compare(s.names[a], s.names[b]))
	})
	out := map[int32]bool{}
	for _, w := range order[:min(mostCommon, len(order))] {
		out[w] = true
	}
	return out
}

// ordered returns a copy whose nodes, words and ends are numbered in the order of their names, so that
// nothing learnt from it depends on the order of the requests.
func (s *store) ordered() *store {
	d := newStore(s.methods, math.MaxInt)
	d.sketch = s.sketch
	c := compactor{from: s, to: d, room: room{wide: math.MaxInt, few: math.MaxInt}, most: math.MaxInt}
	c.join(root, []int32{root}, 0, 0)
	return d
}

type compactor struct {
	from, to *store
	room
	most   int // nodes
	common map[int32]bool
}

// join copies the union of nodes to the node at; under counts the wide nodes above it, each of which leaves
// those below less room. It reports whether there was room enough.
func (c *compactor) join(at int32, ids []int32, depth, under int) bool {
	for _, id := range ids {
		x := &c.from.nodes[id]
		c.to.nodes[at].n += x.n
		c.to.nodes[at].full = len(ids) == 1 && x.full
		c.ends(at, x.end)
	}
	if len(c.to.nodes) > c.most {
		return false
	}
	bs := c.from.branches(ids)
	keep := c.keep(bs, under)
	if len(bs) > c.few {
		under++
	}
	rest := map[string]*branch{}
	for i, b := range bs {
		name := c.from.names[b.word]
		if keep[i] {
			if !c.join(c.to.newChild(at, c.to.intern([]byte(name))), b.ids, depth+1, under) {
				return false
			}
			continue
		}
		if !c.from.standIn(b.word) {
			c.to.nodes[at].full = true
		}
		group := string(standInOf(nil, []byte(name)))
		if c.all > 0 && depth > c.kinds && b.n < c.all {
			group = string(standInOf(nil, nil))
		}
		if rest[group] == nil {
			rest[group] = &branch{}
		}
		rest[group].take(b)
	}
	for _, group := range limitStandIns(rest) {
		r := rest[group]
		n := c.to.newChild(at, c.to.intern([]byte(group)))
		c.to.nodes[n].distinct = int32(min(r.distinct, math.MaxInt32/2))
		if !c.join(n, r.ids, depth+1, under) {
			return false
		}
	}
	return true
}

func (b *branch) take(o branch) {
	b.ids = append(b.ids, o.ids...)
	b.n += o.n
	b.distinct += o.distinct
}

// limitStandIns joins the stand-ins with an extension to the plain ones, but for the most common of them,
// and returns the names of those that remain.
func limitStandIns(rest map[string]*branch) []string {
	var plain, extended []string
	for name := range rest {
		if len(name) > 2 {
			extended = append(extended, name)
		} else {
			plain = append(plain, name)
		}
	}
	slices.SortFunc(extended, func(a, b string) int { return cmp.Or(cmp.Compare(rest[b].n, rest[a].n), cmp.Compare(a, b)) })
	for _, name := range extended[min(mostGroups, len(extended)):] {
		if rest[name[:2]] == nil {
			rest[name[:2]] = &branch{}
			plain = append(plain, name[:2])
		}
		rest[name[:2]].take(*rest[name])
	}
	out := append(plain, extended[:min(mostGroups, len(extended))]...)
	slices.Sort(out)
	return out
}

// keep chooses the children that stay themselves: a sample by their hash, whatever their weight, and the
// heaviest. Of many typed values only the sample stays, since they are values in any case.
func (c *compactor) keep(bs []branch, under int) []bool {
	wide := max(leastWide, c.wide>>(2*under))
	keep := make([]bool, len(bs))
	var typed, other []int
	for i, b := range bs {
		switch {
		case c.from.standIn(b.word):
		case c.common[b.word] && b.n >= c.all:
			keep[i] = true
		case c.from.kinds[b.word] != Any:
			typed = append(typed, i)
		default:
			other = append(other, i)
		}
	}
	hash := func(i int) uint64 { return c.from.hashes[bs[i].word] }
	mark := func(from []int, n int, less func(a, b int) int) []int {
		if n < len(from) {
			slices.SortFunc(from, less)
		}
		n = min(n, len(from))
		for _, i := range from[:n] {
			keep[i] = true
		}
		return from[n:]
	}
	thin := under > 1 || len(other)+len(typed) > c.few
	light := func(i int) bool { return bs[i].n < c.all || thin && bs[i].n < c.weight }
	typed, other = slices.DeleteFunc(typed, light), slices.DeleteFunc(other, light)
	byHash := func(a, b int) int { return cmp.Compare(hash(a), hash(b)) }
	mark(typed, max(leastWide, wide/4), byHash)
	most := wide
	if len(other) <= c.few {
		most = c.few
	}
	if len(other) > most {
		other = mark(other, most/4, byHash)
		most -= most / 4
	}
	mark(other, most, func(a, b int) int {
		return cmp.Or(cmp.Compare(bs[b].n, bs[a].n), byHash(a, b))
	})
	return keep
}

func (c *compactor) ends(at, e int32) {
	var order []int32
	for ; e != 0; e = c.from.ends[e].next {
		order = append(order, e)
	}
	name := func(e int32) string { return c.from.methods.names[c.from.ends[e].method] }
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(name(b), name(a)) })
	for _, e := range order {
		f := &c.from.ends[e]
		t := &c.to.ends[c.to.endOf(at, f.method)]
		t.n += f.n
		t.size.add(f.size)
		t.query = c.to.sketch.merge(t.query, f.query)
	}
}

// hash64 is FNV-1a with a final mix; it is fixed, so that the same traffic gives the same sample.
func hash64(s []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range s {
		h = (h ^ uint64(c)) * 1099511628211
	}
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return h ^ h>>29
}

// methods numbers the request methods seen; number 0 stands for all that found no place.
type methods struct {
	names []string
	of    map[string]int32
}

func newMethods() *methods { return &methods{names: []string{""}, of: map[string]int32{}} }

func (m *methods) number(name []byte) int32 {
	if i, ok := m.of[string(name)]; ok {
		return i
	}
	if len(m.names) > maxMethods || !isToken(name) {
		return 0
	}
	i := int32(len(m.names))
	m.names = append(m.names, string(name))
	m.of[string(name)] = i
	return i
}

// isToken reports whether a method can stand in an endpoint's id.
func isToken(b []byte) bool {
	for _, c := range b {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' {
			continue
		}
		return false
	}
	return len(b) > 0 && len(b) <= 20
}
