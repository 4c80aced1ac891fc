package route

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Param is one parameter of a template.
type Param struct {
	Name    string // as in the template, without braces and dots
	Kind    Kind
	Segment int  // which segment of the path, from 0
	Rest    bool // {name...}: takes all segments from this one on
}

// Endpoint is a method and a path template; its ID says it all: "GET /api/items/{id}", and with a
// selector "GET /index.php?action=login".
type Endpoint struct {
	ID       string
	Method   string // "" for the two that take what fits nowhere
	Template string // path with parameters; "" for those two
	Params   []Param
	Selector string // "action=login": the query key and value that the endpoint stands for
	Requests int64  // requests that were learnt from and fall here
	Manual   bool   // written by hand: tried before all that are not
}

// The endpoints that hold no path take what fits nowhere.
const (
	OtherRead  = "other (GET)"   // GET, HEAD, OPTIONS
	OtherWrite = "other (write)" // every other method
)

// Table finds the endpoint of a request. It is immutable: any number of goroutines may share it.
type Table struct {
	endpoints []Endpoint
	roots     [2]*state // by hand, learnt
	methods   map[string]int32
	other     [2]int // read, write
	decisions []Decision
}

// Endpoints returns the endpoints in the order of their IDs; the index is what Match returns. The slice belongs to the table.
func (t *Table) Endpoints() []Endpoint { return t.endpoints }

// Explain returns the evidence for each doubtful word, in the order of paths; nil for a compiled table.
func (t *Table) Explain() []Decision { return t.decisions }

// state is a node of the matcher.
type state struct {
	lits   map[string]*state
	folded map[string]*state // by lower case, for a segment in capitals
	pats   []edge            // segments with parameters, the most particular first
	rest   []ending          // {name...}
	ends   []ending
}

type edge struct {
	*pattern
	to *state
}

// ending is the endpoint of a method, or several told apart by a query key.
type ending struct {
	method int32
	plain  int32 // endpoint; -1 none
	key    string
	values map[string]int32
}

// Compile makes a table of endpoints given by ID (and Manual); Params, Selector and the like are filled
// in. The two endpoints for everything else are added where they are missing. It reports an ID that cannot
// be read and two that mean the same.
func Compile(endpoints []Endpoint) (*Table, error) {
	t := &Table{methods: map[string]int32{}, roots: [2]*state{{}, {}}, endpoints: slices.Clone(endpoints)}
	for _, id := range []string{OtherRead, OtherWrite} {
		if !slices.ContainsFunc(t.endpoints, func(e Endpoint) bool { return e.ID == id }) {
			t.endpoints = append(t.endpoints, Endpoint{ID: id})
		}
	}
	slices.SortStableFunc(t.endpoints, func(a, b Endpoint) int { return cmp.Compare(a.ID, b.ID) })
	for i := range t.endpoints {
		e := &t.endpoints[i]
		switch {
		case i > 0 && t.endpoints[i-1].ID == e.ID:
			return nil, fmt.Errorf("endpoint %q: listed twice", e.ID)
		case e.ID == OtherRead:
			t.other[0] = i
		case e.ID == OtherWrite:
			t.other[1] = i
		default:
			if err := t.insert(int32(i)); err != nil {
				return nil, err
			}
		}
	}
	t.roots[0].finish()
	t.roots[1].finish()
	return t, nil
}

func (t *Table) insert(i int32) error {
	e := &t.endpoints[i]
	p, err := parseTemplate(e.ID)
	if err != nil {
		return err
	}
	if p.method == "" {
		return fmt.Errorf("endpoint %q: no method", e.ID)
	}
	e.Method, e.Template, e.Selector, e.Params = p.method, p.path(), "", nil
	if p.key != "" {
		e.Selector = p.key + "=" + p.val
	}
	m, ok := t.methods[p.method]
	if !ok {
		m = int32(len(t.methods))
		t.methods[p.method] = m
	}
	x := t.roots[1]
	if e.Manual {
		x = t.roots[0]
	}
	if p.star {
		x = x.literal(starSegment)
	}
	for k, s := range p.segs {
		if !isPattern(s) {
			x = x.literal(s)
			continue
		}
		pat, err := parsePattern(s)
		if err != nil {
			return fmt.Errorf("endpoint %q: %w", e.ID, err)
		}
		for _, q := range pat.parts {
			if q.lit == "" {
				e.Params = append(e.Params, Param{q.name, q.kind, k, pat.rest})
			}
		}
		if pat.rest {
			return t.end(&x.rest, m, i, &p)
		}
		x = x.pattern(pat)
	}
	return t.end(&x.ends, m, i, &p)
}

func (t *Table) end(ends *[]ending, method, i int32, p *template) error {
	k := slices.IndexFunc(*ends, func(e ending) bool { return e.method == method })
	if k < 0 {
		k = len(*ends)
		*ends = append(*ends, ending{method: method, plain: -1})
	}
	e := &(*ends)[k]
	if p.key == "" {
		if e.plain >= 0 {
			return fmt.Errorf("endpoint %q: means the same as %q", t.endpoints[i].ID, t.endpoints[e.plain].ID)
		}
		e.plain = i
		return nil
	}
	if e.key != "" && e.key != p.key {
		return fmt.Errorf("endpoint %q: its path is told apart by %q already", t.endpoints[i].ID, e.key)
	}
	if e.values == nil {
		e.key, e.values = p.key, map[string]int32{}
	}
	e.values[p.val] = i
	return nil
}

func (x *state) literal(s string) *state {
	if x.lits == nil {
		x.lits = map[string]*state{}
	}
	if x.lits[s] == nil {
		x.lits[s] = &state{}
	}
	return x.lits[s]
}

// shape is the pattern's text with the kinds for names: {id} and {id2} are the same.
func (p *pattern) shape() string {
	var b strings.Builder
	for _, q := range p.parts {
		if q.lit != "" {
			b.WriteString(q.lit)
		} else {
			b.WriteString("{" + q.kind.String() + "}")
		}
	}
	return b.String()
}

func (x *state) pattern(p *pattern) *state {
	for _, e := range x.pats {
		if e.shape() == p.shape() {
			return e.to
		}
	}
	x.pats = append(x.pats, edge{p, &state{}})
	return x.pats[len(x.pats)-1].to
}

// finish orders patterns, the most particular first, and folds literals.
func (x *state) finish() {
	slices.SortFunc(x.pats, func(a, b edge) int {
		return cmp.Or(cmp.Compare(b.pattern.lits, a.pattern.lits), cmp.Compare(b.typed(), a.typed()),
			cmp.Compare(len(b.parts), len(a.parts)), cmp.Compare(a.shape(), b.shape()))
	})
	for _, e := range x.pats {
		e.to.finish()
	}
	names := make([]string, 0, len(x.lits))
	for s := range x.lits {
		names = append(names, s)
	}
	slices.Sort(names)
	for _, s := range names {
		if x.folded == nil {
			x.folded = map[string]*state{}
		}
		if l := strings.ToLower(s); x.folded[l] == nil || l == s {
			x.folded[l] = x.lits[s]
		}
		x.lits[s].finish()
	}
}

func (p *pattern) typed() int {
	n := 0
	for _, q := range p.parts {
		if q.kind != Any {
			n++
		}
	}
	return n
}

// lookup is one request on its way through the matcher.
type lookup struct {
	path   *path
	method int32
	loose  bool // typed parameters take any value
	steps  int  // left; bounds the search on hostile tables
}

const maxSteps = 4096

// Match returns the index of the request's endpoint. target is as captured, with its query. It allocates
// nothing and never fails: what fits nowhere falls to OtherRead or OtherWrite.
func (t *Table) Match(method, target []byte) int {
	if len(method) > maxMethod {
		return t.other[1]
	}
	var p path
	p.split(target)
	return t.match(string(method), &p)
}

func (t *Table) match(method string, p *path) int {
	if m, ok := t.methods[method]; ok {
		l := lookup{path: p, method: m}
		for _, x := range t.roots {
			for _, loose := range []bool{false, true} {
				l.loose, l.steps = loose, maxSteps
				if e := l.find(x, 0); e >= 0 {
					return int(e)
				}
			}
		}
	}
	return t.fallback(method)
}

func (t *Table) fallback(method string) int {
	switch method {
	case "GET", "HEAD", "OPTIONS":
		return t.other[0]
	}
	return t.other[1]
}

func (l *lookup) find(x *state, i int) int32 {
	if l.steps--; l.steps < 0 {
		return -1
	}
	if i == l.path.n {
		return l.end(x.ends)
	}
	s := l.path.segment(i)
	if c := x.lits[string(s)]; c != nil {
		if e := l.find(c, i+1); e >= 0 {
			return e
		}
	} else if c := x.fold(s); c != nil {
		if e := l.find(c, i+1); e >= 0 {
			return e
		}
	}
	for k := range x.pats {
		if p := &x.pats[k]; p.match(s, l.loose) {
			if e := l.find(p.to, i+1); e >= 0 {
				return e
			}
		}
	}
	return l.end(x.rest)
}

// fold finds a literal for a segment that is all capitals.
func (x *state) fold(s []byte) *state {
	if len(x.folded) == 0 || len(s) < 2 || !capitals(s) {
		return nil
	}
	var b [maxSegment]byte
	n := copy(b[:], s)
	for i, c := range b[:n] {
		if c >= 'A' && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return x.folded[string(b[:n])]
}

func capitals(s []byte) bool {
	letters := 0
	for _, c := range s {
		if c >= 'a' && c <= 'z' {
			return false
		}
		if c >= 'A' && c <= 'Z' {
			letters++
		}
	}
	return letters > 1
}

func (l *lookup) end(ends []ending) int32 {
	for k := range ends {
		e := &ends[k]
		if e.method != l.method {
			continue
		}
		if e.key != "" {
			if v, ok := queryValueOf(l.path.query, e.key); ok {
				if i, ok := e.values[string(v)]; ok {
					return i
				}
			}
		}
		return e.plain
	}
	return -1
}
