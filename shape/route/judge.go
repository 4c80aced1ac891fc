package route

import (
	"cmp"
	"math"
	"slices"
)

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
