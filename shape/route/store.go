package route

import (
	"bytes"
	"cmp"
	"math"
	"slices"
)

const (
	maxNodes   = 3 << 16 // nodes of a trie; reaching it makes room (see compact)
	maxMethods = 24      // distinct methods; the rest is counted as "other (write)"
	maxMethod  = 20      // bytes of a method
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
