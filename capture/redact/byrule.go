package redact

import (
	"bytes"
	"maps"
)

// Use makes m obey r on top of the default rules; nil takes them off. Call it before the first value.
func (m *Masker) Use(r *Rules) { m.rules = r }

// Spared is how many values stayed that the default rules would have replaced, by the rule that kept them
// ("query code"). The map belongs to the caller.
func (m *Masker) Spared() map[string]int64 { return maps.Clone(m.spared) }

// sortOf is the sort of a name in a place, by the user's rules before the default ones.
func (m *Masker) sortOf(p Place, name []byte) sort {
	if m.rules != nil {
		if n, ok := m.rules.of(p, name); ok {
			return n.sort
		}
	}
	return m.fieldSort(name)
}

// sortAnywhere is the sort of a name inside a text, which may be any kind of field. What is kept there is looked
// at by its value all the same, but in XML.
func (m *Masker) sortAnywhere(name []byte) sort {
	for p := Query; p <= JSON && m.rules != nil; p++ {
		if n, ok := m.rules.of(p, name); ok {
			return n.sort
		}
	}
	return m.fieldSort(name)
}

// place is whose parameters are at hand.
func (m *Masker) place() Place {
	if m.form {
		return Form
	}
	return Query
}

// spare counts a value that a rule keeps if the default rules would have replaced it.
func (m *Masker) spare(v view, p Place, name []byte) {
	n, ok := m.rules.of(p, name)
	if !ok || m.probing || m.auditing || len(v.b) == 0 {
		return
	}
	depth, found, rules := m.depth, m.found, m.rules
	m.probing, m.found, m.rules = true, ClassNone, nil
	m.value(m.unescape(v), fieldSort(name), context{query: p == Query || p == Form})
	hit := m.found != ClassNone
	m.probing, m.found, m.rules, m.depth = false, found, rules, depth
	if !hit {
		return
	}
	if m.spared == nil {
		m.spared = map[string]int64{}
	}
	m.spared[placeNames[p]+" "+n.label]++
}

// spareAnywhere is spare for the name of an element or attribute, which any kind of field may be meant by.
func (m *Masker) spareAnywhere(v view, name []byte) {
	for p := Query; p <= JSON; p++ {
		if n, ok := m.rules.of(p, name); ok && n.sort == kept {
			m.spare(v, p, name)
			return
		}
	}
}

// headerByRule is header with the user's rules around it.
func (m *Masker) headerByRule(name, value []byte) []byte {
	n, ok := m.rules.of(Headers, name)
	switch {
	case ok && n.sort == kept:
		m.begin(value)
		m.spare(m.whole(value), Headers, name)
		return m.end(value)
	case ok:
		m.begin(value)
		m.replace(m.whole(value), 0, len(value), ClassNamed)
		return m.end(value)
	}
	return m.matched(m.header(name, value), HeaderValues)
}

// keepsCookie reports whether the cookie whose name stands in v from s to the = before e is to be kept.
func (m *Masker) keepsCookie(v view, s, e int, value view) bool {
	if m.rules == nil {
		return false
	}
	name := bytes.TrimRight(v.b[s:e], `= "`)
	n, ok := m.rules.of(Cookies, name)
	if ok && n.sort == kept {
		m.spare(value, Cookies, name)
		return true
	}
	return false
}

// targetByRule applies the user's paths and patterns to a target that the default rules have been over.
func (m *Masker) targetByRule(b []byte) []byte {
	if m.rules == nil || len(m.rules.paths)+len(m.rules.patterns) == 0 || len(b) == 0 {
		return b
	}
	start := 0
	if i := authority(b); i > 0 {
		start = len(b)
		if n := bytes.IndexAny(b[i:], "/?#"); n >= 0 {
			start = i + n
		}
	}
	end := start
	for end < len(b) && b[end] != '?' && b[end] != '#' {
		end++
	}
	m.begin(b)
	path := m.whole(b).sub(start, end)
	for _, segments := range m.rules.paths {
		m.pathByRule(path, segments)
	}
	m.match(m.unescape(path), Path)
	if m.depth = 0; end < len(b) {
		m.match(m.unescape(m.whole(b).sub(end+1, len(b))), QueryString)
	}
	m.depth = 0
	return m.end(b)
}

// pathByRule replaces the secret segments of a path that fits a template.
func (m *Masker) pathByRule(v view, segments []string) {
	var secrets [8][2]int
	n, s := 0, 0
	if len(v.b) > 0 && v.b[0] == '/' {
		s = 1
	}
	for i, want := range segments {
		if want == "**" {
			break
		}
		if s > len(v.b) {
			return
		}
		e := s
		for e < len(v.b) && v.b[e] != '/' {
			e++
		}
		switch {
		case isParam(want):
			if n < len(secrets) {
				secrets[n] = [2]int{s, e}
				n++
			}
		case want != "*":
			got := m.unescape(v.sub(s, e))
			if m.depth = 0; string(got.b) != want {
				return
			}
		}
		if s = e + 1; i == len(segments)-1 && s < len(v.b) {
			return // more segments than the template has; one slash at the end is none
		}
	}
	for _, p := range secrets[:n] {
		seg := m.unescape(v.sub(p[0], p[1]))
		m.replace(seg, 0, len(seg.b), ClassPathKey)
		m.depth = 0
	}
}

// matched applies the user's patterns to a value that the default rules have been over.
func (m *Masker) matched(b []byte, part Part) []byte {
	if m.rules == nil || len(m.rules.patterns) == 0 {
		return b
	}
	m.begin(b)
	m.match(m.whole(b), part)
	return m.end(b)
}

func (m *Masker) match(v view, part Part) {
	for i := range m.rules.patterns {
		p := &m.rules.patterns[i]
		if p.parts&part == 0 {
			continue
		}
		for _, at := range p.expr.FindAllSubmatchIndex(v.b, maxMatches) {
			if len(at) > 2 {
				at = at[2:]
			}
			for ; len(at) >= 2; at = at[2:] {
				if at[0] >= 0 {
					m.replace(v, at[0], at[1], numClasses+Class(i))
				}
			}
		}
	}
}
