// Package rules reads the redaction rules of a user: in goes a YAML file, out come [redact.Rules].
//
//	schema: replay.redact/1
//	redact:                        # values under these names go, whatever they look like
//	  headers: [X-Shop-Customer]
//	  query: [voucher]
//	  form: [ref_no]
//	  json: [customerNo]
//	keep:                          # values under these names stay, whatever they look like
//	  headers: [X-Api-Version]
//	  cookies: [theme]
//	patterns:                      # RE2; of an expression with groups the groups go
//	  - match: 'CUST-[0-9]{6}'
//	    in: [path, query, headers, bodies]
//	    class: customer            # the name under which finds are counted
//	paths: ['/reset/{token}']      # the segment in braces goes
//	drop:
//	  headers: [X-Debug]           # the whole header goes
//	client: pseudonym              # or drop
//
// Everything but the schema may be missing. Unknown and repeated keys are errors, and every error says where.
package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml/ast"

	"trafficreplay/capture/redact"
)

// Schema is what the file says that it is.
const Schema = "replay.redact/1"

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

// Load reads the file at path. The error is a [*SyntaxError], or that of the system.
func Load(path string) (*redact.Rules, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return Parse(path, data)
}

// Parse reads the bytes of a file.
func Parse(file string, data []byte) (*redact.Rules, error) {
	r := &reader{file: file}
	root := r.parse(data)
	sum := sha256.Sum256(data)
	rules := &redact.Rules{Name: fmt.Sprintf("%s sha256:%s", filepath.Base(file), hex.EncodeToString(sum[:6]))}
	if r.err == nil {
		r.rules(root, rules)
	}
	if r.err != nil {
		return nil, r.err
	}
	return rules, nil
}

func (r *reader) rules(root ast.Node, rules *redact.Rules) {
	schema := ""
	r.fields(root, map[string]func(ast.Node){
		"schema": func(n ast.Node) {
			if schema = r.text(n); r.err == nil && schema != Schema {
				r.fail(n, "schema %q: this build reads %s", schema, Schema)
			}
		},
		"redact":   func(n ast.Node) { r.names(n, rules.Redact) },
		"keep":     func(n ast.Node) { r.names(n, rules.Keep) },
		"patterns": func(n ast.Node) { r.items(n, func(n ast.Node) { r.pattern(n, rules) }) },
		"paths": func(n ast.Node) {
			r.items(n, func(n ast.Node) { r.check(n, rules.Path(r.text(n))) })
		},
		"drop": func(n ast.Node) {
			r.fields(n, map[string]func(ast.Node){"headers": func(n ast.Node) {
				r.items(n, func(n ast.Node) { r.check(n, rules.Drop(r.text(n))) })
			}})
		},
		"client": func(n ast.Node) {
			what := r.text(n)
			if rules.DropClient = what == "drop"; !rules.DropClient && what != "pseudonym" {
				r.fail(n, "client: %q is neither pseudonym nor drop", what)
			}
		},
	})
	if schema == "" {
		r.fail(root, "no schema: want %s", Schema)
	}
}

func (r *reader) names(n ast.Node, decide func(redact.Place, string) error) {
	list := func(p redact.Place) func(ast.Node) {
		return func(n ast.Node) {
			r.items(n, func(n ast.Node) { r.check(n, decide(p, r.text(n))) })
		}
	}
	r.fields(n, map[string]func(ast.Node){
		"headers": list(redact.Headers), "query": list(redact.Query), "form": list(redact.Form),
		"json": list(redact.JSON), "cookies": list(redact.Cookies),
	})
}

func (r *reader) pattern(n ast.Node, rules *redact.Rules) {
	expr, class, parts := "", "", redact.Part(0)
	at := n
	r.fields(n, map[string]func(ast.Node){
		"match": func(n ast.Node) { expr, at = r.text(n), n },
		"class": func(n ast.Node) { class = r.text(n) },
		"in": func(n ast.Node) {
			r.items(n, func(n ast.Node) {
				part, ok := map[string]redact.Part{
					"path": redact.Path, "query": redact.QueryString, "headers": redact.HeaderValues, "bodies": redact.Bodies,
				}[r.text(n)]
				if !ok {
					r.fail(n, "%q is none of path, query, headers, bodies", r.text(n))
				}
				parts |= part
			})
		},
	})
	if parts == 0 {
		parts = redact.AllParts
	}
	if expr == "" {
		r.fail(n, "pattern without match")
	}
	if class == "" {
		class = "pattern"
	}
	r.check(at, rules.Pattern(expr, parts, class))
}
