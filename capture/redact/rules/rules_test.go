package rules

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trafficreplay/capture/redact"
)

const example = `schema: replay.redact/1
redact: {headers: [X-Shop-Customer], query: [voucher], form: [ref_no], json: [customerNo], cookies: [basket]}
keep:
  headers: [X-Api-Version]
  cookies:
    - theme
patterns:
  - match: 'CUST-[0-9]{6}'
    in: [path, query]
    class: customer
  - match: "K\\d+"
paths: ['/reset/{token}']
drop:
  headers: [X-Debug]
client: drop
`

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if name, digest, _ := strings.Cut(r.Name, " sha256:"); name != "rules.yaml" || len(digest) != 12 {
		t.Errorf("Name = %q, want the file and 12 digits of its digest", r.Name)
	}
	if !r.DropClient || !r.Drops([]byte("x-debug")) || r.Drops([]byte("X-Api-Version")) || strings.Join(r.Kept(), ", ") != "header X-Api-Version, cookie theme" {
		t.Errorf("rules %+v keep %v", r, r.Kept())
	}
	m := redact.New(nil)
	m.Use(r)
	if got := string(m.Target([]byte("/reset/abc?voucher=abc&K7=CUST-123456"))); strings.Contains(got, "abc") || strings.Contains(got, "1234") || strings.Contains(got, "K7") {
		t.Errorf("target became %q", got)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "nowhere.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of no file: %v", err)
	}
}

func TestFaultsSayWhere(t *testing.T) {
	const head = "schema: replay.redact/1\n"
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "r.yaml: want one YAML document"},
		{"no schema", "client: drop\n", "r.yaml:1:7: no schema: want replay.redact/1"},
		{"other schema", "schema: replay.redact/2\n", `r.yaml:1:9: schema "replay.redact/2": this build reads replay.redact/1`},
		{"unknown key", head + "redakt: {}\n", `r.yaml:2:1: unknown key "redakt"`},
		{"unknown place", head + "keep:\n  header: [x]\n", `r.yaml:3:3: unknown key "header"`},
		{"twice", head + "client: drop\nclient: drop\n", "r.yaml:3:1: "},
		{"no list", head + "keep:\n  query: code\n", "r.yaml:3:10: want a list"},
		{"no mapping", head + "keep: [code]\n", "r.yaml:2:7: want a mapping"},
		{"not a text", head + "keep:\n  query: [[code]]\n", "r.yaml:3:11: want a text on one line"},
		{"both", head + "keep: {query: [a]}\nredact: {query: [a]}\n", `r.yaml:3:18: "a" is to be redacted and to be kept`},
		{"expression", head + "patterns:\n  - class: x\n    match: '('\n", "r.yaml:4:12: error parsing regexp: missing closing ): `(`"},
		{"no expression", head + "patterns:\n  - class: x\n", "r.yaml:3:"},
		{"part", head + "patterns: [{match: x, in: [body]}]\n", `r.yaml:2:28: "body" is none of path, query, headers, bodies`},
		{"path", head + "paths: [/reset]\n", "r.yaml:2:9: "},
		{"client", head + "client: hash\n", `r.yaml:2:9: client: "hash" is neither pseudonym nor drop`},
		{"alias", head + "a: &x [1]\nb: *x\n", `r.yaml:2:4: "&"`},
		{"tag", head + "client: !!str drop\n", "r.yaml:2:9: "},
		{"deep", head + "keep: " + strings.Repeat("[", 20) + "\n", "r.yaml:2:15: nested deeper than 8"},
		{"deep items", head + "keep:\n  " + strings.Repeat("- ", 100) + "x\n", "begins past column 128"},
		{"long line", head + "#" + strings.Repeat("x", maxLine) + "\n", "r.yaml:2:1: 2050 bytes in one line, limit 2048"},
		{"large", head + strings.Repeat("#\n", maxFile), fmt.Sprintf("r.yaml: %d bytes, limit 65536", len(head)+2*maxFile)},
		{"binary", "\xff\xfe", "r.yaml: not valid UTF-8"},
		{"no YAML", head + "a: [\n", "r.yaml:2:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("dir/r.yaml", []byte(tt.text))
			bad, ok := errors.AsType[*SyntaxError](err)
			if !ok {
				t.Fatalf("Parse = %v, want a *SyntaxError", err)
			}
			if got := strings.TrimPrefix(bad.Error(), "dir/"); !strings.Contains(got, tt.want) {
				t.Errorf("error %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example)
	f.Add("schema: replay.redact/1\npatterns: [{match: x, in: [path]}]\n")
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse("r.yaml", []byte(text))
		if (r == nil) == (err == nil) {
			t.Errorf("Parse(%q) = %v, %v, want one of them", text, r, err)
		}
	})
}
