package route

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

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
