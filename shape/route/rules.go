package route

import (
	"fmt"
	"slices"
	"strings"
)

// Rule is one correction by hand; exactly one field is set. Where a rule's path has a parameter, it applies
// whatever stands there.
type Rule struct {
	Template string // an endpoint: "GET /api/{name}/list", or without a method for every method seen there
	Merge    string // "/shop/{name}": all that stands at the last position is one parameter
	Split    string // "/shop/{name}/sale": the last word is never a value there
}

// Validate reports why a rule cannot be read. A Learner passes over such rules.
func (r Rule) Validate() error {
	given := 0
	for _, s := range []string{r.Template, r.Merge, r.Split} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return fmt.Errorf("rule: %d of template, merge and split are given, want one", given)
	}
	t, err := parseTemplate(r.Template + r.Merge + r.Split)
	if err != nil || r.Template != "" {
		return err
	}
	if t.method != "" || t.key != "" || len(t.segs) == 0 {
		return fmt.Errorf("rule %q: want a path alone", r.Merge+r.Split)
	}
	last := t.segs[len(t.segs)-1]
	if r.Merge != "" && (!bare(last) || strings.HasSuffix(last, "...}")) {
		return fmt.Errorf("merge %q: the last segment must be a parameter", r.Merge)
	}
	if r.Split != "" && isPattern(last) {
		return fmt.Errorf("split %q: the last segment must be a word", r.Split)
	}
	return nil
}

// rules are the ones that take part in decisions, as segments.
type rules struct{ merge, split [][]string }

func compileRules(rs []Rule) rules {
	var out rules
	for _, r := range rs {
		if r.Template != "" || r.Validate() != nil {
			continue
		}
		t, _ := parseTemplate(r.Merge + r.Split)
		if r.Merge != "" {
			out.merge = append(out.merge, t.segs)
		} else {
			out.split = append(out.split, t.segs)
		}
	}
	return out
}

// apply fixes the verdict on children of the template path; it reports whether a rule speaks of them.
func (r rules) apply(path []string, ks []*kid) bool {
	found := false
	for _, m := range r.merge {
		if !under(m, path) {
			continue
		}
		found = true
		for _, k := range ks {
			k.forced, k.value, k.ev.Reason = true, true, "rule"
		}
	}
	for _, s := range r.split {
		if !under(s, path) {
			continue
		}
		found = true
		for _, k := range ks {
			if k.name == s[len(s)-1] {
				k.forced, k.value, k.kind, k.ev.Reason = true, false, Any, "rule"
			}
		}
	}
	return found
}

// named reports whether a template goes through a word that a rule has split off.
func (r rules) named(template string) bool {
	segs := strings.Split(strings.TrimPrefix(template, "/"), "/")
	return slices.ContainsFunc(r.split, func(s []string) bool {
		return len(segs) >= len(s) && segs[len(s)-1] == s[len(s)-1] && under(s, segs[:len(s)-1])
	})
}

// under reports whether a rule's last segment stands directly under path.
func under(rule, path []string) bool {
	if len(rule) != len(path)+1 {
		return false
	}
	for i, s := range path {
		if !isPattern(rule[i]) && rule[i] != s {
			return false
		}
	}
	return true
}

// manual lists the endpoints written by hand; those without a method stand for all that were seen.
func (l *Learner) manual() []Endpoint {
	var out []Endpoint
	seen := map[string]bool{}
	for _, r := range l.options.Rules {
		if r.Template == "" || r.Validate() != nil {
			continue
		}
		t, _ := parseTemplate(r.Template)
		methods := []string{t.method}
		if t.method == "" {
			methods = l.methods.names[1:]
		}
		for _, m := range methods {
			id := r.Template
			if t.method == "" {
				id = m + " " + id
			}
			if !seen[id] {
				seen[id] = true
				out = append(out, Endpoint{ID: id, Manual: true})
			}
		}
	}
	return out
}
