package route

import (
	"cmp"
	"slices"
	"strings"
)

// finish makes the table: endpoints per method and selector, stray literals folded, the tail cut off, requests counted.
func (l *Learner) finish(d *decider) *Table {
	es := l.withManual(d.endpoints())
	t := l.compiled(es, d)
	l.count(t)
	t = l.fold(t, d)
	if es, changed := l.cut(t); changed {
		t = l.compiled(es, d)
		l.count(t)
	}
	return t
}

// withManual adds what is written by hand, in place of what is learnt under the same ID.
func (l *Learner) withManual(es []Endpoint) []Endpoint {
	by := map[string]bool{}
	manual := l.manual()
	for _, e := range manual {
		by[e.ID] = true
	}
	es = slices.DeleteFunc(es, func(e Endpoint) bool { return by[e.ID] })
	t, err := Compile(append(es, manual...))
	for err != nil && len(manual) > 0 { // two by hand that mean the same: the first stands
		manual = manual[:len(manual)-1]
		t, err = Compile(append(es, manual...))
	}
	if len(manual) == 0 {
		return es
	}
	l.count(t)
	explicit := map[string]bool{}
	for _, r := range l.options.Rules {
		explicit[r.Template] = true
	}
	return slices.DeleteFunc(append(es, manual...), func(e Endpoint) bool {
		i, _ := slices.BinarySearchFunc(t.endpoints, e.ID, func(x Endpoint, id string) int { return strings.Compare(x.ID, id) })
		return e.Manual && !explicit[e.ID] && t.endpoints[i].Requests == 0
	})
}

// compiled cannot fail for learnt endpoints; if it does, that is our error, and everything is "other".
func (l *Learner) compiled(es []Endpoint, d *decider) *Table {
	t, err := Compile(es)
	if err != nil {
		t, _ = Compile(nil)
	}
	t.decisions = d.decisions
	return t
}

// endpoints lists what ends at the leaves.
func (d *decider) endpoints() []Endpoint {
	seen := map[string]bool{}
	var out []Endpoint
	add := func(id string) {
		if !seen[id] {
			seen[id] = true
			out = append(out, Endpoint{ID: id})
		}
	}
	for _, f := range d.leaves {
		t := template{segs: numberNames(f.segs)}
		for _, m := range d.below(f) {
			id := m.name + " " + t.path()
			add(id)
			key, values := m.query.selector(m.n)
			if !showable(key) {
				continue
			}
			for _, v := range values {
				if v.text == "" || showable(v.text) {
					add(id + "?" + key + "=" + v.text)
				}
			}
		}
	}
	return out
}

type methodSum struct {
	name  string
	n     int64 // requests that a selector had the chance to be seen on
	query *sketch
}

// below sums up what ends at a leaf, by method.
func (d *decider) below(f leaf) []methodSum {
	var out []methodSum
	var visit func(id int32, self bool)
	visit = func(id int32, self bool) {
		for e := d.s.nodes[id].end; self && e != 0; e = d.s.ends[e].next {
			x := &d.s.ends[e]
			name := d.s.methods.names[x.method]
			i := slices.IndexFunc(out, func(m methodSum) bool { return m.name == name })
			if i < 0 {
				i = len(out)
				out = append(out, methodSum{name: name})
			}
			if x.query != nil {
				out[i].n += x.query.total
			} else if d.s.sketch.least == 0 {
				out[i].n += x.n
			}
			out[i].query = d.s.sketch.merge(out[i].query, x.query)
		}
		for c := d.s.nodes[id].first; f.many && c != 0; c = d.s.nodes[c].next {
			visit(c, true)
		}
	}
	for _, id := range f.ids {
		visit(id, !f.many)
	}
	slices.SortFunc(out, func(a, b methodSum) int { return cmp.Compare(a.name, b.name) })
	return out
}

// count sets Requests by matching everything that was added.
func (l *Learner) count(t *Table) {
	for i := range t.endpoints {
		t.endpoints[i].Requests = 0
	}
	t.endpoints[t.other[1]].Requests = l.odd
	l.each(t, func(_ *path, _ string, i int, n int64) { t.endpoints[i].Requests += n })
}

// each calls f for everything that was added, with the endpoint it falls to.
func (l *Learner) each(t *Table, f func(p *path, method string, endpoint int, n int64)) {
	for _, s := range []*store{l.good, l.bad} {
		var p path
		s.each(t, root, &p, f)
	}
}

func (s *store) each(t *Table, id int32, p *path, f func(*path, string, int, int64)) {
	for e := s.nodes[id].end; e != 0; e = s.ends[e].next {
		x := &s.ends[e]
		name := s.methods.names[x.method]
		left := x.n
		for _, v := range t.selectors(x.query, name, p) {
			if v.n <= left {
				p.query = v.query
				f(p, name, v.endpoint, v.n)
				left -= v.n
			}
		}
		p.query = nil
		if left > 0 {
			f(p, name, t.match(name, p), left)
		}
	}
	for c := s.nodes[id].first; c != 0; c = s.nodes[c].next {
		p.push(s.names[s.nodes[c].word])
		s.each(t, c, p, f)
		p.pop()
	}
}

type selected struct {
	endpoint int
	n        int64
	query    []byte
}

// selectors splits the requests of one end by the query values that endpoints are told apart by.
func (t *Table) selectors(q *sketch, method string, p *path) []selected {
	if q == nil {
		return nil
	}
	plain := t.match(method, p)
	var out []selected
	for _, k := range q.keys {
		for _, v := range k.values {
			p.query = []byte(k.name + "=" + v.text)
			if i := t.match(method, p); i != plain {
				out = append(out, selected{i, v.n, p.query})
			}
		}
	}
	p.query = nil
	return out
}

const (
	strayRequests = 5   // of an endpoint that may be a stray reading of another
	strayRatio    = 20  // how much more common that one must be
	fewRatio      = 500 // the same for more requests
)

// fold drops endpoints with few requests if, without them, all their paths fall to a far more common one.
func (l *Learner) fold(t *Table, d *decider) *Table {
	var few []bool
	var common []Endpoint
	any := false
	total := int64(0)
	for _, e := range t.endpoints {
		total += e.Requests
	}
	for _, e := range t.endpoints {
		f := e.Requests <= max(strayRequests, total/2000) && e.Method != "" && !e.Manual && !d.rules.named(e.Template)
		any = any || f
		few = append(few, f)
		if !f {
			common = append(common, Endpoint{ID: e.ID, Manual: e.Manual})
		}
	}
	if !any {
		return t
	}
	c := l.compiled(common, d)
	l.count(c)
	keep := make([]bool, len(t.endpoints))
	l.each(t, func(p *path, method string, i int, n int64) {
		if !few[i] {
			return
		}
		e := &c.endpoints[c.match(method, p)]
		ratio := int64(strayRatio)
		if t.endpoints[i].Requests > strayRequests {
			ratio = fewRatio
		}
		if e.Method == "" || e.Requests < ratio*t.endpoints[i].Requests {
			keep[i] = true
		}
	})
	for i, e := range t.endpoints {
		if keep[i] {
			common = append(common, Endpoint{ID: e.ID})
		}
	}
	c = l.compiled(common, d)
	l.count(c)
	return c
}

// cut keeps the endpoints with the most requests; what the others held falls to wider templates or to "other".
func (l *Learner) cut(t *Table) (es []Endpoint, changed bool) {
	var order []int
	for i, e := range t.endpoints {
		if e.Method != "" {
			order = append(order, i)
		}
	}
	if len(order) <= l.options.MaxEndpoints {
		return nil, false
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := &t.endpoints[a], &t.endpoints[b]
		if x.Manual != y.Manual {
			return map[bool]int{true: -1, false: 1}[x.Manual]
		}
		return cmp.Or(cmp.Compare(y.Requests, x.Requests), strings.Compare(x.ID, y.ID))
	})
	order = order[:l.options.MaxEndpoints]
	slices.Sort(order)
	for _, i := range order {
		es = append(es, Endpoint{ID: t.endpoints[i].ID, Manual: t.endpoints[i].Manual})
	}
	return es, true
}
