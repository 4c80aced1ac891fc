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

	"trafficreplay/capture/redact"
	"trafficreplay/capture/strictyaml"
)

// Schema is what the file says that it is.
const Schema = "replay.redact/1"

// SyntaxError is a fault at a place in a file.
type SyntaxError = strictyaml.SyntaxError

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
	r := &reader{strictyaml.Reader{File: file}}
	root := r.Parse(data, &form)
	sum := sha256.Sum256(data)
	rules := &redact.Rules{Name: fmt.Sprintf("%s sha256:%s", filepath.Base(file), hex.EncodeToString(sum[:6]))}
	if r.Err == nil {
		r.rules(root, rules)
	}
	if r.Err != nil {
		return nil, r.Err
	}
	return rules, nil
}

func (r *reader) rules(root strictyaml.Node, rules *redact.Rules) {
	schema := ""
	r.Fields(root, map[string]func(strictyaml.Node){
		"schema": func(n strictyaml.Node) {
			if schema = r.Text(n); r.Err == nil && schema != Schema {
				r.Fail(n, "schema %q: this build reads %s", schema, Schema)
			}
		},
		"redact":   func(n strictyaml.Node) { r.names(n, rules.Redact) },
		"keep":     func(n strictyaml.Node) { r.names(n, rules.Keep) },
		"patterns": func(n strictyaml.Node) { r.Items(n, func(_ int, n strictyaml.Node) { r.pattern(n, rules) }) },
		"paths": func(n strictyaml.Node) {
			r.Items(n, func(_ int, n strictyaml.Node) { r.check(n, rules.Path(r.Text(n))) })
		},
		"drop": func(n strictyaml.Node) {
			r.Fields(n, map[string]func(strictyaml.Node){"headers": func(n strictyaml.Node) {
				r.Items(n, func(_ int, n strictyaml.Node) { r.check(n, rules.Drop(r.Text(n))) })
			}})
		},
		"client": func(n strictyaml.Node) {
			what := r.Text(n)
			if rules.DropClient = what == "drop"; !rules.DropClient && what != "pseudonym" {
				r.Fail(n, "client: %q is neither pseudonym nor drop", what)
			}
		},
	})
	if schema == "" {
		r.Fail(root, "no schema: want %s", Schema)
	}
}

func (r *reader) names(n strictyaml.Node, decide func(redact.Place, string) error) {
	list := func(p redact.Place) func(strictyaml.Node) {
		return func(n strictyaml.Node) {
			r.Items(n, func(_ int, n strictyaml.Node) { r.check(n, decide(p, r.Text(n))) })
		}
	}
	r.Fields(n, map[string]func(strictyaml.Node){
		"headers": list(redact.Headers), "query": list(redact.Query), "form": list(redact.Form),
		"json": list(redact.JSON), "cookies": list(redact.Cookies),
	})
}

func (r *reader) pattern(n strictyaml.Node, rules *redact.Rules) {
	expr, class, parts := "", "", redact.Part(0)
	at := n
	r.Fields(n, map[string]func(strictyaml.Node){
		"match": func(n strictyaml.Node) { expr, at = r.Text(n), n },
		"class": func(n strictyaml.Node) { class = r.Text(n) },
		"in": func(n strictyaml.Node) {
			r.Items(n, func(_ int, n strictyaml.Node) {
				part, ok := map[string]redact.Part{
					"path": redact.Path, "query": redact.QueryString, "headers": redact.HeaderValues, "bodies": redact.Bodies,
				}[r.Text(n)]
				if !ok {
					r.Fail(n, "%q is none of path, query, headers, bodies", r.Text(n))
				}
				parts |= part
			})
		},
	})
	if parts == 0 {
		parts = redact.AllParts
	}
	if expr == "" {
		r.Fail(n, "pattern without match")
	}
	if class == "" {
		class = "pattern"
	}
	r.check(at, rules.Pattern(expr, parts, class))
}
