package route

import (
	"math"
)

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
