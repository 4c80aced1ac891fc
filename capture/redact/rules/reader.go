package rules

import (
	"fmt"

	"trafficreplay/capture/strictyaml"
)

// Limits of the form of a file.
const (
	maxFile   = 64 << 10
	maxLine   = 2 << 10
	maxDepth  = 8   // of brackets
	maxColumn = 128 // where a list item or a key may begin
)

// form is what a file is held to before it is parsed.
var form = strictyaml.Form{Of: "rules", Bytes: maxFile, Line: maxLine, Tokens: nesting}

// reader reads rules out of a YAML tree.
type reader struct{ strictyaml.Reader }

// check is Fail where err is one.
func (r *reader) check(n strictyaml.Node, err error) {
	if err != nil {
		r.Fail(n, "%v", err)
	}
}

// nesting finds nesting that only an attack would have.
func nesting(tokens []*strictyaml.Token) (at *strictyaml.Token, fault string) {
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case strictyaml.SequenceStart, strictyaml.MappingStart:
			if depth++; depth > maxDepth {
				return t, fmt.Sprintf("nested deeper than %d", maxDepth)
			}
		case strictyaml.SequenceEnd, strictyaml.MappingEnd:
			depth--
		case strictyaml.SequenceEntry, strictyaml.MappingKey:
			if t.Position.Column > maxColumn {
				return t, fmt.Sprintf("begins past column %d", maxColumn)
			}
		}
	}
	return nil, ""
}
