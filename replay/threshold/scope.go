package threshold

import (
	"fmt"
	"regexp"
	"strings"
)

// ScopeError says that a threshold's scope matches no endpoint.
type ScopeError struct {
	Scope   string
	Suggest string // the endpoint with the nearest id, or empty
}

func (e *ScopeError) Error() string {
	if e.Suggest == "" {
		return fmt.Sprintf("threshold scope %q: no such endpoint", e.Scope)
	}
	return fmt.Sprintf("threshold scope %q: no such endpoint; did you mean %q?", e.Scope, e.Suggest)
}

// Resolve finds what the threshold is about among the endpoints, whose ids are a method, a space and a
// route. A scope is matched against them as a glob: * is any text within a path segment, ** any text, any
// {…} stands for any {…}, and the method may be *. Without a scope a time is judged for each endpoint and a
// share over the whole run: then whole is true and indices is nil. A scope that matches nothing is a
// [*ScopeError].
func (t *Threshold) Resolve(endpointIDs []string) (indices []int, whole bool, err error) {
	if t.Scope == "" && t.kind.share() {
		return nil, true, nil
	}
	pattern := tokens(t.Scope)
	for i, id := range endpointIDs {
		if t.Scope == "" || matches(pattern, placeholders(id)) {
			indices = append(indices, i)
		}
	}
	if t.Scope != "" && len(indices) == 0 {
		return nil, false, &ScopeError{t.Scope, nearest(t.Scope, endpointIDs)}
	}
	return indices, false, nil
}

var placeholder = regexp.MustCompile(`\{[^{}/]*\}`)

func placeholders(s string) string { return placeholder.ReplaceAllString(s, "{}") }

// token is one byte of a pattern, or a star.
type token struct {
	lit  byte
	star uint8 // 1: within a segment, 2: across segments
}

func tokens(glob string) []token {
	glob = placeholders(glob)
	var ts []token
	for i := 0; i < len(glob); i++ {
		switch {
		case strings.HasPrefix(glob[i:], "**"):
			ts = append(ts, token{star: 2})
			i++
		case glob[i] == '*':
			ts = append(ts, token{star: 1})
		default:
			ts = append(ts, token{lit: glob[i]})
		}
	}
	return ts
}

// matches runs the pattern as a non-deterministic automaton, one row of states per byte, so that its time is
// the product of the two lengths whatever the pattern. A single star stops at / and at the space that ends
// the method.
func matches(pattern []token, s string) bool {
	now := make([]bool, len(pattern)+1)
	next := make([]bool, len(pattern)+1)
	now[0] = true
	skipStars(pattern, now)
	for i := 0; i < len(s); i++ {
		clear(next)
		for j, t := range pattern {
			switch {
			case !now[j]:
			case t.star == 2, t.star == 1 && s[i] != '/' && s[i] != ' ':
				next[j] = true
			case t.star == 0 && t.lit == s[i]:
				next[j+1] = true
			}
		}
		skipStars(pattern, next)
		now, next = next, now
	}
	return now[len(pattern)]
}

// skipStars lets every star that is reached match nothing.
func skipStars(pattern []token, states []bool) {
	for j, t := range pattern {
		if states[j] && t.star > 0 {
			states[j+1] = true
		}
	}
}

// nearest is the candidate with the smallest edit distance from s, if that is at most a third of its length.
// Ties go to the first.
func nearest(s string, candidates []string) string {
	s = clip(s)
	best, at := len(s)/3+1, -1
	for i, c := range candidates {
		if d := distance(s, clip(c)); d < best {
			best, at = d, i
		}
	}
	if at < 0 {
		return ""
	}
	return candidates[at]
}

// clip bounds the cost of a distance.
func clip(s string) string { return s[:min(len(s), 256)] }

// distance is Levenshtein's, in bytes, by the two-row recurrence (Wagner and Fischer, 1974).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diag, row[j+1] = row[j+1], min(diag+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
