package redact

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Rules are a user's own, on top of the default ones. The zero value has none. What is set up must not change once
// a Masker uses it; any number of them may share it.
type Rules struct {
	Name       string // what the metadata of a capture calls them: file and digest
	DropClient bool   // not even a pseudonym of the client is kept

	names    [numPlaces]map[string]rule // by folded name
	dropped  map[string]bool            // headers
	patterns []pattern
	paths    [][]string // segments: literal, * or {name}; ** may come last
}

// rule is what is decided about one name.
type rule struct {
	sort  sort   // secret or kept
	label string // as the user wrote it
}

// Place is where a name stands.
type Place uint8

// The places of names.
const (
	Headers Place = iota
	Query
	Form
	JSON
	Cookies
	numPlaces
)

var placeNames = [numPlaces]string{"header", "query", "form", "json", "cookie"}

// Part is where a pattern looks.
type Part uint8

// The parts of a request. They are bits.
const (
	Path Part = 1 << iota
	QueryString
	HeaderValues
	Bodies

	AllParts = Path | QueryString | HeaderValues | Bodies
)

type pattern struct {
	expr  *regexp.Regexp
	parts Part
	class string
	shape Class // which class's tokens its finds get
}

// Limits on a user's rules.
const (
	maxNames    = 1000 // in each place
	maxPatterns = 32
	maxExpr     = 1024 // bytes of a regular expression
	maxPaths    = 200
	maxMatches  = 1000 // of one pattern in one value
)

// Redact has the values under a name replaced, whatever they look like.
func (r *Rules) Redact(p Place, name string) error { return r.name(p, name, secret) }

// Keep has the values under a name stay as they are, whatever they look like.
func (r *Rules) Keep(p Place, name string) error { return r.name(p, name, kept) }

func (r *Rules) name(p Place, name string, s sort) error {
	var buf [maxName]byte
	folded := string(fold([]byte(name), &buf))
	switch {
	case folded == "" || len(name) > maxName:
		return fmt.Errorf("%q is no name: want 1 to %d letters, digits, - and _", name, maxName)
	case len(r.names[p]) >= maxNames:
		return fmt.Errorf("more than %d names of one kind", maxNames)
	}
	if old, ok := r.names[p][folded]; ok && old.sort != s {
		return fmt.Errorf("%q is to be redacted and to be kept", name)
	}
	if r.names[p] == nil {
		r.names[p] = map[string]rule{}
	}
	r.names[p][folded] = rule{s, name}
	return nil
}

// Drop has a header left out.
func (r *Rules) Drop(header string) error {
	var buf [maxName]byte
	folded := string(fold([]byte(header), &buf))
	switch {
	case folded == "" || len(header) > maxName:
		return fmt.Errorf("%q is no header", header)
	case len(r.dropped) >= maxNames:
		return fmt.Errorf("more than %d headers", maxNames)
	}
	if r.dropped == nil {
		r.dropped = map[string]bool{}
	}
	r.dropped[folded] = true
	return nil
}

// Drops reports whether a header is to be left out. r may be nil.
func (r *Rules) Drops(header []byte) bool {
	if r == nil || len(r.dropped) == 0 {
		return false
	}
	var buf [maxName]byte
	return r.dropped[string(fold(header, &buf))]
}

// Pattern has what a regular expression (RE2) matches replaced and counted as class; of one with groups, what its
// groups match. Paths and queries are matched percent-decoded, everything else as it is.
func (r *Rules) Pattern(expr string, parts Part, class string) error {
	switch {
	case len(expr) > maxExpr:
		return fmt.Errorf("expression of %d bytes, limit %d", len(expr), maxExpr)
	case len(r.patterns) >= maxPatterns:
		return fmt.Errorf("more than %d patterns", maxPatterns)
	case class == "" || len(class) > maxName || strings.Trim(class, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return fmt.Errorf("class %q: want small letters, digits and -", class)
	}
	e, err := regexp.Compile(expr)
	if err != nil {
		return err
	}
	if e.MatchString("") {
		return errors.New("it matches nothing at all, so it would match everywhere")
	}
	shape := ClassNamed
	if i := slices.Index(classNames[:], class); i > 0 {
		shape = Class(i)
	}
	r.patterns = append(r.patterns, pattern{e, parts, class, shape})
	return nil
}

// Path names a segment of a path that is a secret: /reset/{token}. * is any one segment, ** at the end any more.
func (r *Rules) Path(template string) error {
	segments := strings.Split(strings.TrimPrefix(template, "/"), "/")
	secrets := 0
	for i, s := range segments {
		switch {
		case isParam(s):
			secrets++
		case s == "**" && i < len(segments)-1:
			return fmt.Errorf("%q: ** comes last", template)
		case s == "" || s != "*" && s != "**" && strings.ContainsAny(s, "{}*?"):
			return fmt.Errorf("%q: segment %q is neither a word nor {name}, * or **", template, s)
		}
	}
	if !strings.HasPrefix(template, "/") || secrets == 0 || len(template) > maxExpr {
		return fmt.Errorf("%q: want a path with a {name} in the place of the secret, such as /reset/{token}", template)
	}
	if len(r.paths) >= maxPaths {
		return fmt.Errorf("more than %d paths", maxPaths)
	}
	r.paths = append(r.paths, segments)
	return nil
}

func isParam(s string) bool { return len(s) > 2 && s[0] == '{' && s[len(s)-1] == '}' }

// Kept lists the names whose values stay, for the metadata of a capture: "header X-Api-Version", "query code".
func (r *Rules) Kept() []string {
	var out []string
	for p := range numPlaces {
		for _, name := range slices.Sorted(maps.Keys(r.names[p])) {
			if n := r.names[p][name]; n.sort == kept {
				out = append(out, placeNames[p]+" "+n.label)
			}
		}
	}
	return out
}

// of is what is decided about a name in a place. r may be nil.
func (r *Rules) of(p Place, name []byte) (rule, bool) {
	if r == nil || len(r.names[p]) == 0 {
		return rule{}, false
	}
	var buf [maxName]byte
	if p != Headers && p != Cookies {
		name = lastPart(name)
	}
	n, ok := r.names[p][string(fold(name, &buf))]
	return n, ok
}

// className is the name of a default class or of a pattern's. r may be nil.
func (r *Rules) className(c Class) string {
	if c < numClasses {
		return c.String()
	}
	return r.patterns[c-numClasses].class
}

// shape is the class whose tokens the finds of a class get. r may be nil.
func (r *Rules) shape(c Class) Class {
	if c < numClasses {
		return c
	}
	return r.patterns[c-numClasses].shape
}

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
	return fieldSort(name)
}

// sortAnywhere is the sort of a name inside a text, which may be any kind of field. What is kept there is looked
// at by its value all the same.
func (m *Masker) sortAnywhere(name []byte) sort {
	for p := Query; p <= JSON && m.rules != nil; p++ {
		if n, ok := m.rules.of(p, name); ok {
			return n.sort
		}
	}
	return fieldSort(name)
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
			s = len(v.b) + 1
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
