package route

import (
	"cmp"
	"math"
	"slices"
)

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
