package route

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// part is a literal run of a segment, or a parameter in it.
type part struct {
	lit  string // "" for a parameter
	name string
	kind Kind
}

// pattern is a segment with at least one parameter: "{id}", "news_{id}", "{name}.json", "{name}-p-{id}.html".
type pattern struct {
	text  string
	parts []part
	rest  bool // {name...}: this segment and all that follow
	lits  int  // literal bytes
}

// isPattern reports whether a template's segment holds a parameter. Captured paths never hold a brace (see split).
func isPattern(seg string) bool { return strings.IndexByte(seg, '{') >= 0 }

func parsePattern(seg string) (*pattern, error) {
	p := &pattern{text: seg}
	for s := seg; s != ""; {
		i := strings.IndexByte(s, '{')
		if i != 0 {
			if i < 0 {
				i = len(s)
			}
			if strings.IndexByte(s[:i], '}') >= 0 {
				return nil, fmt.Errorf("segment %q: } without {", seg)
			}
			p.parts = append(p.parts, part{lit: s[:i]})
			p.lits += i
			s = s[i:]
			continue
		}
		j := strings.IndexByte(s, '}')
		if j < 2 {
			return nil, fmt.Errorf("segment %q: a parameter is written {name}", seg)
		}
		name := s[1:j]
		s = s[j+1:]
		if n, ok := strings.CutSuffix(name, "..."); ok {
			if s != "" || len(p.parts) > 0 {
				return nil, fmt.Errorf("segment %q: {%s} stands alone", seg, name)
			}
			name, p.rest = n, true
		}
		if strings.ContainsAny(name, "{/.") || name == "" {
			return nil, fmt.Errorf("segment %q: a parameter is written {name}", seg)
		}
		if k := len(p.parts); k > 0 && p.parts[k-1].lit == "" {
			return nil, fmt.Errorf("segment %q: two parameters without anything between them", seg)
		}
		p.parts = append(p.parts, part{name: name, kind: kindOfName(name)})
	}
	if len(p.parts) > 9 {
		return nil, fmt.Errorf("segment %q: more than 9 parts", seg)
	}
	return p, nil
}

// kindOfName is the inverse of Kind.String, less a number at the end.
func kindOfName(name string) Kind {
	name = strings.TrimRight(name, "0123456789")
	for k := Any; k < nKinds; k++ {
		if k.String() == name {
			return k
		}
	}
	return Any
}

// match reports whether a segment fits. Loosely, a typed parameter takes anything.
func (p *pattern) match(seg []byte, loose bool) bool { return matchParts(p.parts, seg, loose) }

func matchParts(parts []part, s []byte, loose bool) bool {
	if len(parts) == 0 {
		return len(s) == 0
	}
	h := &parts[0]
	if h.lit != "" {
		return len(s) >= len(h.lit) && string(s[:len(h.lit)]) == h.lit && matchParts(parts[1:], s[len(h.lit):], loose)
	}
	if len(parts) == 1 {
		return len(s) > 0 && (loose || h.kind.accepts(s))
	}
	// a parameter ends at some occurrence of the literal after it, the last that fits; digits end where they end
	if h.kind == Int && !loose {
		i := 0
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i > 0 && matchParts(parts[1:], s[i:], loose)
	}
	for end := len(s); end > 0; {
		i := lastIndex(s[:end], parts[1].lit)
		if i <= 0 {
			return false
		}
		if (loose || h.kind.accepts(s[:i])) && matchParts(parts[1:], s[i:], loose) {
			return true
		}
		end = i + len(parts[1].lit) - 1
	}
	return false
}

func lastIndex(s []byte, lit string) int {
	for i := len(s) - len(lit); i >= 0; i-- {
		if s[i] == lit[0] && string(s[i:i+len(lit)]) == lit {
			return i
		}
	}
	return -1
}

// template is a parsed endpoint id.
type template struct {
	method   string
	segs     []string
	key, val string // selector
	star     bool
}

// parseTemplate reads "METHOD /path/{id}?key=value". Without a method it stands for every method.
func parseTemplate(id string) (t template, err error) {
	rest := id
	if m, r, ok := strings.Cut(id, " "); ok {
		if !isToken([]byte(m)) {
			return t, fmt.Errorf("endpoint %q: %q is not a method", id, m)
		}
		t.method, rest = m, r
	}
	p, query, selected := strings.Cut(rest, "?")
	if selected {
		t.key, t.val, _ = strings.Cut(query, "=")
		if t.key == "" {
			return t, fmt.Errorf("endpoint %q: a selector is written ?key=value", id)
		}
	}
	if p == "*" {
		t.star = true
		return t, nil
	}
	if !strings.HasPrefix(p, "/") || strings.ContainsAny(p, " \t\r\n") {
		return t, fmt.Errorf("endpoint %q: a path begins with / and holds no space", id)
	}
	for s := range strings.SplitSeq(p[1:], "/") {
		if s != "" {
			t.segs = append(t.segs, s)
		}
	}
	if len(t.segs) > maxDepth {
		return t, fmt.Errorf("endpoint %q: %d segments, limit %d", id, len(t.segs), maxDepth)
	}
	for i, s := range t.segs {
		if !isPattern(s) {
			if strings.IndexByte(s, '}') >= 0 {
				return t, fmt.Errorf("endpoint %q: } without {", id)
			}
			continue
		}
		p, err := parsePattern(s)
		if err != nil {
			return t, fmt.Errorf("endpoint %q: %w", id, err)
		}
		if p.rest && i != len(t.segs)-1 {
			return t, fmt.Errorf("endpoint %q: {%s...} must come last", id, p.parts[0].name)
		}
	}
	return t, nil
}

// path is the template without the method and the selector.
func (t *template) path() string {
	if t.star || len(t.segs) == 1 && t.segs[0] == starSegment {
		return "*"
	}
	return "/" + strings.Join(t.segs, "/")
}

// numberNames makes the parameter names of a path distinct: {id}, {id2}.
func numberNames(segs []string) []string {
	seen := map[string]int{}
	out := make([]string, len(segs))
	for i, s := range segs {
		var b bytes.Buffer
		for s != "" {
			j := strings.IndexByte(s, '{')
			k := strings.IndexByte(s, '}')
			if j < 0 || k < j {
				break
			}
			name, dots := strings.CutSuffix(s[j+1:k], "...")
			b.WriteString(s[:j+1] + name)
			if seen[name]++; seen[name] > 1 {
				b.WriteString(strconv.Itoa(seen[name]))
			}
			if dots {
				b.WriteString("...")
			}
			b.WriteByte('}')
			s = s[k+1:]
		}
		b.WriteString(s)
		out[i] = b.String()
	}
	return out
}
