package redact

import (
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
