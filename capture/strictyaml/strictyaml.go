// Package strictyaml reads a YAML file that people write into a tree whose values have places, and reads typed values
// out of that tree. What such a file has no use for is a fault: anchors, aliases, tags, directives, several documents,
// unknown and repeated keys. The first fault is kept, with its place; after it every value reads as zero, so that a
// caller looks once, at the end.
package strictyaml

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

// Node is a value or a key of the tree. GetToken gives its place, GetComment what is written behind it.
type Node = ast.Node

// Token is a piece of the text.
type Token = token.Token

// The tokens that open and close brackets, and those of list items and of keys with a question mark.
const (
	SequenceStart = token.SequenceStartType
	SequenceEnd   = token.SequenceEndType
	MappingStart  = token.MappingStartType
	MappingEnd    = token.MappingEndType
	SequenceEntry = token.SequenceEntryType
	MappingKey    = token.MappingKeyType
)

// SyntaxError is a fault at a place in a file. Line and Column count from 1; 0: the file as a whole.
type SyntaxError struct {
	File         string
	Line, Column int
	Msg          string
}

func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Msg)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
}

// Form is what the bytes of a file are held to before the parser sees them: it recurses into what nests, and takes
// time with the square of what stands on one line.
type Form struct {
	Of       string // what the file is of, in errors: "rules"
	Bytes    int
	Line     int  // bytes
	Header   bool // --- may stand above the document
	Comments bool // the tree keeps comments
	Check    func(data []byte) string
	Tokens   func(tokens []*Token) (at *Token, fault string) // nil: no more to check
}

// Reader reads values and remembers the first fault. It is not safe for concurrent use.
type Reader struct {
	File string
	Err  *SyntaxError
}

// Fail is a fault at n, unless there was one before.
func (r *Reader) Fail(n Node, format string, args ...any) {
	if r.Err == nil {
		r.failAt(n.GetToken(), fmt.Sprintf(format, args...))
	}
}

func (r *Reader) failAt(t *Token, msg string) {
	if r.Err != nil {
		return
	}
	r.Err = &SyntaxError{File: r.File, Msg: msg}
	if t != nil && t.Position != nil {
		r.Err.Line, r.Err.Column = t.Position.Line, t.Position.Column
	}
}

// Parse turns the bytes of a file into a tree; nil after a fault.
func (r *Reader) Parse(data []byte, f *Form) (root Node) {
	defer func() {
		if p := recover(); p != nil { // the library's own faults are the file's to explain, not ours to die of
			r.failAt(nil, fmt.Sprintf("not YAML that can be read: %v", p))
			root = nil
		}
	}()
	if r.form(data, f); r.Err != nil {
		return nil
	}
	tokens := lexer.Tokenize(string(data))
	if r.plain(tokens, f); r.Err != nil {
		return nil
	}
	mode := parser.Mode(0)
	if f.Comments {
		mode = parser.ParseComments
	}
	file, err := parser.Parse(tokens, mode)
	if err != nil {
		r.parseError(err)
		return nil
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		r.failAt(nil, "want one YAML document")
		return nil
	}
	return file.Docs[0].Body
}

// form holds the bytes to their limits.
func (r *Reader) form(data []byte, f *Form) {
	switch {
	case len(data) > f.Bytes:
		r.failAt(nil, fmt.Sprintf("%d bytes, limit %d", len(data), f.Bytes))
		return
	case !utf8.Valid(data):
		r.failAt(nil, "not valid UTF-8")
		return
	}
	n := 0
	for line := range bytes.Lines(data) {
		if n++; len(line) > f.Line {
			r.Err = &SyntaxError{r.File, n, 1, fmt.Sprintf("%d bytes in one line, limit %d", len(line), f.Line)}
			return
		}
	}
	if f.Check != nil {
		if msg := f.Check(data); msg != "" {
			r.failAt(nil, msg)
		}
	}
}

// plain refuses tokens that such a file has no use for.
func (r *Reader) plain(tokens token.Tokens, f *Form) {
	for _, t := range tokens {
		switch t.Type {
		case token.DocumentHeaderType:
			if f.Header {
				continue
			}
			fallthrough
		case token.AnchorType, token.AliasType, token.TagType, token.MergeKeyType, token.DirectiveType, token.DocumentEndType:
			r.failAt(t, fmt.Sprintf("%q: anchors, aliases, tags, directives and further documents are not for %s", t.Value, f.Of))
			return
		case token.InvalidType:
			r.failAt(t, t.Error)
			return
		}
	}
	if f.Tokens != nil {
		if at, fault := f.Tokens(tokens); at != nil {
			r.failAt(at, fault)
		}
	}
}

// parseError keeps the first line and the position of the library's message.
func (r *Reader) parseError(err error) {
	msg, _, _ := strings.Cut(err.Error(), "\n")
	var line, col int
	if n, _ := fmt.Sscanf(msg, "[%d:%d]", &line, &col); n == 2 {
		_, msg, _ = strings.Cut(msg, "] ")
		r.Err = &SyntaxError{r.File, line, col, msg}
		return
	}
	r.failAt(nil, msg)
}

// Pair is a key with its value.
type Pair = ast.MappingValueNode

// Pairs are the keys and values of a mapping, nil if n is none.
func Pairs(n Node) []*Pair {
	switch m := n.(type) {
	case *ast.MappingNode:
		if m.Values == nil {
			return []*Pair{}
		}
		return m.Values
	case *Pair:
		return []*Pair{m}
	}
	return nil
}

// Fields reads a mapping: each key by its function. Unknown and repeated keys are faults.
func (r *Reader) Fields(n Node, known map[string]func(Node)) {
	if r.Err != nil {
		return
	}
	pairs := Pairs(n)
	if pairs == nil {
		r.Fail(n, "want a mapping")
		return
	}
	seen := map[string]bool{}
	for _, v := range pairs {
		key := v.Key.GetToken().Value
		read := known[key]
		switch {
		case seen[key]:
			r.Fail(v.Key, "%q is there twice", key)
		case read == nil:
			r.Fail(v.Key, "unknown key %q", key)
		case r.Err == nil && v.Value != nil:
			seen[key] = true
			read(v.Value)
		}
	}
}

// Items reads a list; nothing at all is an empty one.
func (r *Reader) Items(n Node, read func(i int, n Node)) {
	if r.Err != nil {
		return
	}
	switch s := n.(type) {
	case *ast.NullNode:
	case *ast.SequenceNode:
		for i, v := range s.Values {
			if r.Err == nil {
				read(i, v)
			}
		}
	default:
		r.Fail(n, "want a list")
	}
}

// Text is the text of a scalar.
func (r *Reader) Text(n Node) string {
	if r.Err != nil {
		return ""
	}
	switch n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value
	}
	r.Fail(n, "want a text on one line")
	return ""
}
