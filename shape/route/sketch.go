package route

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

const (
	maxKeys     = 12 // query keys that are followed at one end
	maxValues   = 20 // values of a selector
	maxValueLen = 64 // bytes of a selector's value or key
	maxEntries  = 1 << 16
)

// sketch counts the query keys of the requests that ended at one place, with their values as long as they
// are few. It is what selectors are found in.
type sketch struct {
	total int64 // requests seen, with a query or without
	keys  []queryKey
}

type queryKey struct {
	name   string
	n      int64
	many   bool // too many values, or too long ones: no selector
	values []queryValue
}

type queryValue struct {
	text string
	n    int64
}

// sketches bounds all sketches together: when they hold too much, only ends with twice the requests are followed.
type sketches struct {
	entries int
	least   int64 // requests an end must have before it is followed
}

func (s *sketches) over() bool { return s.entries > maxEntries }

func (s *sketches) add(e *end, query []byte) {
	if e.n < s.least {
		return
	}
	if e.query == nil {
		if len(query) == 0 && s.least == 0 {
			return
		}
		e.query = &sketch{}
		if s.least == 0 {
			e.query.total = e.n - 1
		}
	}
	q := e.query
	q.total++
	for len(query) > 0 {
		var kv []byte
		kv, query, _ = bytes.Cut(query, []byte("&"))
		k, v, _ := bytes.Cut(kv, []byte("="))
		if len(k) > 0 && len(k) <= maxValueLen {
			s.entries += q.count(k, v, q.total)
		}
	}
}

// count returns how many entries it added. A key counts once a request.
func (q *sketch) count(k, v []byte, total int64) int {
	for i := range q.keys {
		key := &q.keys[i]
		if key.name != string(k) {
			continue
		}
		if key.n >= total {
			return 0
		}
		key.n++
		return key.count(v)
	}
	if len(q.keys) >= maxKeys {
		return 0
	}
	q.keys = append(q.keys, queryKey{name: string(k), n: 1})
	return 1 + q.keys[len(q.keys)-1].count(v)
}

func (k *queryKey) count(v []byte) int {
	if k.many {
		return 0
	}
	for i := range k.values {
		if k.values[i].text == string(v) {
			k.values[i].n++
			return 0
		}
	}
	if len(k.values) >= maxValues || len(v) > maxValueLen {
		n := len(k.values)
		k.many, k.values = true, nil
		return -n
	}
	k.values = append(k.values, queryValue{string(v), 1})
	return 1
}

// shrink drops the sketches of the least used ends.
func (s *sketches) shrink(ends []end) {
	for s.over() {
		s.least = max(16, s.least*2)
		s.entries = 0
		for i := range ends {
			if q := ends[i].query; q != nil && ends[i].n < s.least {
				ends[i].query = nil
			} else if q != nil {
				s.entries += q.entries()
			}
		}
	}
}

func (q *sketch) entries() int {
	n := len(q.keys)
	for _, k := range q.keys {
		n += len(k.values)
	}
	return n
}

// merge joins b to a and returns it. The number of entries is only corrected by shrink: it may be too high, never too low.
func (s *sketches) merge(a, b *sketch) *sketch {
	if a == nil || b == nil {
		if a == nil {
			a = b
		}
		return a
	}
	m := &sketch{total: a.total + b.total, keys: slices.Clone(a.keys)}
	for i := range m.keys {
		m.keys[i].values = slices.Clone(m.keys[i].values)
	}
	for _, k := range b.keys {
		i := slices.IndexFunc(m.keys, func(o queryKey) bool { return o.name == k.name })
		if i < 0 {
			k.values = slices.Clone(k.values)
			m.keys = append(m.keys, k)
			continue
		}
		m.keys[i].join(k)
	}
	return m
}

func (k *queryKey) join(o queryKey) {
	k.n += o.n
	k.many = k.many || o.many
	if k.many {
		k.values = nil
		return
	}
	for _, v := range o.values {
		i := slices.IndexFunc(k.values, func(w queryValue) bool { return w.text == v.text })
		if i >= 0 {
			k.values[i].n += v.n
		} else if len(k.values) < maxValues {
			k.values = append(k.values, v)
		} else {
			k.many, k.values = true, nil
			return
		}
	}
}

// selector returns the key whose value is part of the route: on at least 98% of the n requests, with 2 to 20 values,
// none of them rare. Of several the first by name.
func (q *sketch) selector(n int64) (key string, values []queryValue) {
	if q == nil {
		return "", nil
	}
	for _, k := range q.keys {
		if k.many || len(k.values) < 2 || k.n < 20 || float64(k.n) < 0.98*float64(n) || key != "" && k.name > key || typed(k.name) {
			continue
		}
		if slices.ContainsFunc(k.values, func(v queryValue) bool { return v.n <= 2 || !operation(v.text) }) {
			continue
		}
		key, values = k.name, k.values
	}
	values = slices.Clone(values)
	slices.SortFunc(values, func(a, b queryValue) int { return cmp.Compare(a.text, b.text) })
	return key, values
}

// typed reports whether a key holds what people type or page through, which names no operation however few
// values were seen.
func typed(key string) bool {
	switch strings.ToLower(key) {
	case "q", "s", "query", "search", "term", "keyword", "keywords", "page", "p", "per_page", "limit", "offset", "size", "cursor",
		"sort", "order", "filter", "lang", "locale", "v", "ver", "version", "width", "height", "w", "h", "format":
		return true
	}
	return strings.HasPrefix(key, "utm_")
}

// operation reports whether a value may name one: a word such as login or user.get, no number and no phrase.
func operation(value string) bool {
	letter := func(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' }
	other := func(r rune) bool { return !letter(r) && (r < '0' || r > '9') && !strings.ContainsRune("_.-", r) }
	return strings.ContainsFunc(value, letter) && !strings.ContainsFunc(value, other)
}

// queryValueOf returns the value of a key in a query.
func queryValueOf(query []byte, key string) (value []byte, found bool) {
	for len(query) > 0 {
		var kv []byte
		kv, query, _ = bytes.Cut(query, []byte("&"))
		k, v, _ := bytes.Cut(kv, []byte("="))
		if string(k) == key {
			return v, true
		}
	}
	return nil, false
}

// showable reports whether a key or value can stand in an endpoint's id as it is.
func showable(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("{}&=?#\"", r) })
}
