package shape

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of the form of a workload file. Ours nests six deep, and its longest line is one threshold. The
// parser takes time with the square of what stands on one line.
const (
	maxDepth = 64
	maxLine  = 8 << 10
	maxLines = 100000
)

// syntaxError is a fault at a place in a file.
type syntaxError struct {
	file      string
	line, col int
	msg       string
}

func (e *syntaxError) Error() string {
	if e.line == 0 {
		return fmt.Sprintf("%s: %s", e.file, e.msg)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.file, e.line, e.col, e.msg)
}

// reader reads typed values out of a YAML tree and remembers the first fault. After a fault every value
// reads as zero.
type reader struct {
	file  string
	err   *syntaxError
	heads map[string]int // lines of top-level keys and of endpoints, by their ID

	notes map[string]string // comments behind thresholds, by noteKey
}

func (r *reader) fail(n ast.Node, format string, args ...any) {
	if r.err == nil {
		r.failAt(n.GetToken(), fmt.Sprintf(format, args...))
	}
}

func (r *reader) failAt(t *token.Token, msg string) {
	if r.err != nil {
		return
	}
	r.err = &syntaxError{file: r.file, msg: msg}
	if t != nil && t.Position != nil {
		r.err.line, r.err.col = t.Position.Line, t.Position.Column
	}
}

// parse turns the bytes of a file into a tree, without what a workload has no use for: anchors, aliases,
// tags, directives, several documents, and nesting that only an attack would have.
func (r *reader) parse(data []byte) (root ast.Node) {
	defer func() {
		if p := recover(); p != nil { // the library's own faults are the file's to explain, not ours to die of
			r.failAt(nil, fmt.Sprintf("not YAML that can be read: %v", p))
			root = nil
		}
	}()
	if len(data) > maxFile {
		r.failAt(nil, fmt.Sprintf("%d bytes, limit %d", len(data), maxFile))
		return nil
	}
	if !utf8.Valid(data) {
		r.failAt(nil, "not valid UTF-8")
		return nil
	}
	if r.form(data); r.err != nil {
		return nil
	}
	tokens := lexer.Tokenize(string(data))
	for _, t := range tokens {
		switch t.Type {
		case token.AnchorType, token.AliasType, token.TagType, token.MergeKeyType, token.DirectiveType, token.DocumentEndType:
			r.failAt(t, fmt.Sprintf("%q: anchors, aliases, tags, directives and further documents are not for workload files", t.Value))
			return nil
		case token.InvalidType:
			r.failAt(t, t.Error)
			return nil
		}
	}
	f, err := parser.Parse(tokens, parser.ParseComments)
	if err != nil {
		r.parseError(err)
		return nil
	}
	if len(f.Docs) != 1 || f.Docs[0].Body == nil {
		r.failAt(nil, "want one YAML document")
		return nil
	}
	return f.Docs[0].Body
}

// parseError keeps the first line and the position of the library's message.
func (r *reader) parseError(err error) {
	msg, _, _ := strings.Cut(err.Error(), "\n")
	var line, col int
	if n, _ := fmt.Sscanf(msg, "[%d:%d]", &line, &col); n == 2 {
		_, msg, _ = strings.Cut(msg, "] ")
		r.err = &syntaxError{r.file, line, col, msg}
		return
	}
	r.failAt(nil, msg)
}

// form holds a document to its limits before the parser sees it.
func (r *reader) form(data []byte) {
	n := 0
	for line := range bytes.Lines(data) {
		if n++; len(line) > maxLine {
			r.err = &syntaxError{r.file, n, 1, fmt.Sprintf("%d bytes in one line, limit %d", len(line), maxLine)}
			return
		}
	}
	if n > maxLines {
		r.failAt(nil, fmt.Sprintf("%d lines, limit %d", n, maxLines))
	} else if nesting(data) > maxDepth {
		r.failAt(nil, fmt.Sprintf("nested deeper than %d", maxDepth))
	}
}

// nesting is an upper bound of how deep a document nests, found before the parser recurses into it: open
// brackets plus the indents of block items that are still open. Brackets in strings may count; a file of
// ours has none that stay open.
func nesting(data []byte) int {
	var most, flow int
	var indents []int
	for line := range strings.SplitSeq(string(data), "\n") {
		text := strings.TrimLeft(line, " ")
		column := len(line) - len(text)
		if text == "" || text[0] == '#' {
			continue
		}
		for {
			for len(indents) > 0 && indents[len(indents)-1] >= column {
				indents = indents[:len(indents)-1]
			}
			indents = append(indents, column)
			if len(text) < 2 || (text[0] != '-' && text[0] != '?' && text[0] != ':') || text[1] != ' ' {
				break
			}
			rest := strings.TrimLeft(text[1:], " ")
			column += len(text) - len(rest)
			text = rest
		}
		for _, c := range []byte(text) {
			switch c {
			case '[', '{':
				flow++
				most = max(most, flow+len(indents))
			case ']', '}':
				flow = max(flow-1, 0)
			}
		}
		most = max(most, flow+len(indents))
	}
	return most
}

// pairs are the keys and values of a mapping, nil if n is none.
func pairs(n ast.Node) []*ast.MappingValueNode {
	switch m := n.(type) {
	case *ast.MappingNode:
		if m.Values == nil {
			return []*ast.MappingValueNode{}
		}
		return m.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}
	}
	return nil
}

// fields reads a mapping: each key by its function. Unknown and repeated keys are faults.
func (r *reader) fields(n ast.Node, known map[string]func(ast.Node)) {
	if r.err != nil {
		return
	}
	if pairs(n) == nil {
		r.fail(n, "want a mapping")
		return
	}
	seen := map[string]bool{}
	for _, v := range pairs(n) {
		key := v.Key.GetToken().Value
		read := known[key]
		switch {
		case seen[key]:
			r.fail(v.Key, "%q is there twice", key)
		case read == nil:
			r.fail(v.Key, "unknown key %q", key)
		case r.err == nil && v.Value != nil:
			seen[key] = true
			read(v.Value)
		}
	}
}

// items reads a sequence; nothing at all is an empty one.
func (r *reader) items(n ast.Node, read func(i int, n ast.Node)) {
	if r.err != nil {
		return
	}
	switch s := n.(type) {
	case *ast.NullNode:
	case *ast.SequenceNode:
		for i, v := range s.Values {
			read(i, v)
		}
	default:
		r.fail(n, "want a list")
	}
}

// text is the text of a scalar.
func (r *reader) text(n ast.Node) string {
	if r.err != nil {
		return ""
	}
	switch n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value
	}
	r.fail(n, "want a text or a number on one line")
	return ""
}

func (r *reader) strings(n ast.Node) (out []string) {
	r.items(n, func(_ int, v ast.Node) { out = append(out, r.text(v)) })
	return out
}

// number is a scalar with a unit behind it; the unit may be "".
func (r *reader) number(n ast.Node, unit string) float64 {
	s := r.text(n)
	if r.err != nil {
		return 0
	}
	digits, ok := strings.CutSuffix(s, unit)
	v, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		if unit == "" {
			r.fail(n, "%q is not a number", s)
		} else {
			r.fail(n, "%q is not a number with the unit %s", s, unit)
		}
		return 0
	}
	return v
}

// share is a percentage, or a number from 0 to 1.
func (r *reader) share(n ast.Node) float64 {
	if s := r.text(n); strings.HasSuffix(s, "%") {
		v := r.number(n, "%") / 100
		// 31.02/100 is not the number that 0.3102 is; the file has at most six digits.
		v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
		return v
	}
	return r.number(n, "")
}

func (r *reader) integer(n ast.Node, unit string) int64 {
	s := r.text(n)
	if r.err != nil {
		return 0
	}
	digits, ok := strings.CutSuffix(s, unit)
	v, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil {
		r.fail(n, "%q is not a whole number", s)
	}
	return v
}

func (r *reader) duration(n ast.Node) time.Duration {
	s := r.text(n)
	if r.err != nil {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil || s == "0" {
		r.fail(n, "%q is not a length of time with its unit, such as 250ms or 30m", s)
	}
	return d
}

func (r *reader) instant(n ast.Node) time.Time {
	s := r.text(n)
	if r.err != nil {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < 1700 || t.Year() > 2200 {
		r.fail(n, "%q is not an instant such as 2026-11-23T14:00:00Z", s)
		return time.Time{}
	}
	return t.UTC()
}

func (r *reader) boolean(n ast.Node) bool {
	s := r.text(n)
	if r.err == nil && s != "true" && s != "false" {
		r.fail(n, "%q is neither true nor false", s)
	}
	return s == "true"
}
