// Package route turns methods, request targets, statuses and response sizes into route templates, and
// finds the template of a request: "GET /api/items/42?x=1" falls to the endpoint "GET /api/items/{id}".
//
//	l := route.NewLearner(route.Options{})
//	l.Add([]byte("GET"), []byte("/api/items/42"), 200, 5120) // for every request; memory is bounded
//	t := l.Learn()
//	t.Endpoints()[t.Match([]byte("GET"), []byte("/api/items/7"))].ID // "GET /api/items/{id}"
//
// # Templates
//
// An endpoint's ID is a method, a space and a path; people read and edit it, and [Compile] makes the same
// matcher of the IDs alone.
//
//	GET /api/items/{id}           one segment; {id} digits, {uuid}, {hex}, {date}, {email}, {token}; any other name: anything
//	GET /items/{id}/parts/{id2}   a number after the name keeps names apart and means nothing
//	GET /news_{id}.html           a parameter may be part of a segment
//	GET /files/{path...}          this segment and all that follow; must come last
//	GET /index.php?action=login   a selector: only requests with this query key and value
//	other (GET), other (write)    what fits nowhere
//
// A literal goes before a pattern, a longer literal part before a shorter one, a typed parameter before an
// untyped one; a typed parameter takes a value of another kind only when no template fits otherwise.
// Before matching, a path is normalised: unreserved %XX decoded, empty segments and a trailing slash
// dropped, ;name=value cut. Letter case matters, except that a segment in capitals also finds its
// lower-case literal. The query takes part by selectors only.
//
// # Learning
//
// Paths are held in a trie. From the root down, at every position each sibling is judged by itself: value
// of the position's parameter or route of its own. The evidence is what follows it (do its continuations
// mix like those of certain values?), the size of its answers, and how common it is among values that
// follow a power law. Values' subtrees are joined, and the next position is judged on the union.
// Requests with status 400, 404 or 405 never make a route: scanners would.
package route

import "math"

// Options of a Learner; the zero value runs.
type Options struct {
	MaxEndpoints int    // endpoints to keep beside the two for everything else, by their share of requests; 0 means 200
	Rules        []Rule // by hand; they win over what is learnt
	maxNodes     int    // 0 means maxNodes
}

// Learner collects requests. It is not safe for concurrent use.
type Learner struct {
	options Options
	methods *methods
	good    *store // requests that count
	bad     *store // 400, 404, 405: used when there are no others, else only counted
	path    path
	odd     int64 // requests whose method has no name: other (write)
}

// NewLearner returns an empty Learner.
func NewLearner(o Options) *Learner {
	if o.MaxEndpoints <= 0 {
		o.MaxEndpoints = 200
	}
	if o.maxNodes <= 0 {
		o.maxNodes = maxNodes
	}
	m := newMethods()
	return &Learner{options: o, methods: m, good: newStore(m, o.maxNodes), bad: newStore(m, o.maxNodes/4)}
}

// Add counts one request. target is as captured, with its query; status 0 means unknown; respSize is in
// bytes, 0 unknown. Nothing of its arguments is kept. For paths seen before it does not allocate.
func (l *Learner) Add(method, target []byte, status int, respSize int64) {
	m := l.methods.number(method)
	if m == 0 {
		l.odd++
		return
	}
	l.path.split(target)
	s := l.good
	if status == 400 || status == 404 || status == 405 {
		s = l.bad
	}
	s.add(m, &l.path, status, respSize)
}

// Learn returns the table of what was added so far. The same requests, in any order, give the same table,
// as long as they fit into memory untouched (see store).
func (l *Learner) Learn() *Table {
	from := l.good
	if from.nodes[root].n == 0 {
		from = l.bad
	}
	d := &decider{s: from.ordered(), rules: compileRules(l.options.Rules)}
	d.all = d.sizes()
	if d.s.nodes[root].n > 0 {
		d.decide([]int32{root}, nil, 0)
	}
	return l.finish(d)
}

// sizes is the law of log sizes over all URLs.
func (d *decider) sizes() spread {
	var n, sum, squares float64
	for i := range d.s.ends {
		if m := d.s.ends[i].size; m.k > 0 {
			v := m.mean()
			n++
			sum += v
			squares += v * v
		}
	}
	if n < 2 {
		return spread{between: 0.25}
	}
	mean := sum / n
	return spread{n: n, mean: mean, between: math.Max(0.25, squares/n-mean*mean)}
}
