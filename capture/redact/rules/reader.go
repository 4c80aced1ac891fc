package rules

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of the form of a file, held before the parser sees it: it recurses into what nests, and takes time with the
// square of what stands on one line.
const (
	maxFile   = 64 << 10
	maxLine   = 2 << 10
	maxDepth  = 8
	maxColumn = 128 // where a list item or a key may begin
)

// reader reads typed values out of a YAML tree and remembers the first fault. After a fault every value reads as
// zero.
type reader struct {
	file string
	err  *SyntaxError
}

func (r *reader) fail(n ast.Node, format string, args ...any) {
	r.failAt(n.GetToken(), fmt.Sprintf(format, args...))
}

// check is fail where err is one.
func (r *reader) check(n ast.Node, err error) {
	if err != nil {
		r.fail(n, "%v", err)
	}
}

func (r *reader) failAt(t *token.Token, msg string) {
	if r.err != nil {
		return
	}
	r.err = &SyntaxError{File: r.file, Msg: msg}
	if t != nil && t.Position != nil {
		r.err.Line, r.err.Column = t.Position.Line, t.Position.Column
	}
}

// parse turns the bytes of a file into a tree.
func (r *reader) parse(data []byte) (root ast.Node) {
	defer func() {
		if p := recover(); p != nil { // the library's own faults are the file's to explain, not ours to die of
			r.failAt(nil, fmt.Sprintf("not YAML that can be read: %v", p))
			root = nil
		}
	}()
	if r.form(data); r.err != nil {
		return nil
	}
	tokens := lexer.Tokenize(string(data))
	if r.plain(tokens); r.err != nil {
		return nil
	}
	f, err := parser.Parse(tokens, 0)
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

// form holds the bytes to their limits.
func (r *reader) form(data []byte) {
	switch {
	case len(data) > maxFile:
		r.failAt(nil, fmt.Sprintf("more than %d bytes", maxFile))
		return
	case !utf8.Valid(data):
		r.failAt(nil, "not valid UTF-8")
		return
	}
	n := 0
	for line := range bytes.Lines(data) {
		if n++; len(line) > maxLine {
			r.err = &SyntaxError{r.file, n, 1, fmt.Sprintf("%d bytes in one line, limit %d", len(line), maxLine)}
			return
		}
	}
}

// plain refuses what rules have no use for: anchors, aliases, tags, directives, several documents, and nesting that
// only an attack would have.
func (r *reader) plain(tokens token.Tokens) {
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.AnchorType, token.AliasType, token.TagType, token.MergeKeyType, token.DirectiveType, token.DocumentHeaderType, token.DocumentEndType:
			r.failAt(t, fmt.Sprintf("%q: anchors, aliases, tags, directives and further documents are not for rules", t.Value))
		case token.InvalidType:
			r.failAt(t, t.Error)
		case token.SequenceStartType, token.MappingStartType:
			if depth++; depth > maxDepth {
				r.failAt(t, fmt.Sprintf("nested deeper than %d", maxDepth))
			}
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType:
			if t.Position.Column > maxColumn {
				r.failAt(t, fmt.Sprintf("begins past column %d", maxColumn))
			}
		}
		if r.err != nil {
			return
		}
	}
}

// parseError keeps the first line and the position of the library's message.
func (r *reader) parseError(err error) {
	msg, _, _ := strings.Cut(err.Error(), "\n")
	var line, col int
	if n, _ := fmt.Sscanf(msg, "[%d:%d]", &line, &col); n == 2 {
		_, msg, _ = strings.Cut(msg, "] ")
		r.err = &SyntaxError{r.file, line, col, msg}
		return
	}
	r.failAt(nil, msg)
}

// fields reads a mapping: each key by its function. Unknown and repeated keys are faults.
func (r *reader) fields(n ast.Node, known map[string]func(ast.Node)) {
	if r.err != nil {
		return
	}
	var pairs []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		pairs = m.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{m}
	default:
		r.fail(n, "want a mapping")
		return
	}
	seen := map[string]bool{}
	for _, v := range pairs {
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

// items reads a list; nothing at all is an empty one.
func (r *reader) items(n ast.Node, read func(ast.Node)) {
	if r.err != nil {
		return
	}
	switch s := n.(type) {
	case *ast.NullNode:
	case *ast.SequenceNode:
		for _, v := range s.Values {
			if r.err == nil {
				read(v)
			}
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
	r.fail(n, "want a text on one line")
	return ""
}
