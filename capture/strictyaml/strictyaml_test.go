package strictyaml

import (
	"strings"
	"testing"
)

var plain = Form{Of: "tests", Bytes: 200, Line: 100}

func TestReader(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"all that is known", "a: x\nb: [1, two]\nc:\n", "a=x b=1 b=two"},
		{"one key", "a: x", "a=x"},
		{"unknown", "d: x\n", `f:1:1: unknown key "d"`},
		{"twice", "a: x\na: y\n", `f:2:1: mapping key "a" already defined at [1:1]`},
		{"no mapping", "- a\n", "f:1:1: want a mapping"},
		{"no list", "b: x\n", "f:1:4: want a list"},
		{"no text", "a: [x]\n", "f:1:4: want a text on one line"},
		{"the first fault stays", "b: [[x], 1]\na: [y]\n", "f:1:5: want a text on one line"},
		{"anchor", "a: &x y\n", `f:1:4: "&": anchors, aliases, tags, directives and further documents are not for tests`},
		{"document marker", "---\na: x\n", `f:1:1: "---": anchors, aliases, tags, directives and further documents are not for tests`},
		{"nothing", "", "f: want one YAML document"},
		{"bytes", strings.Repeat("#\n", 101), "f: 202 bytes, limit 200"},
		{"line", "a: x\n#" + strings.Repeat("x", 100), "f:2:1: 101 bytes in one line, limit 100"},
		{"text", "a: \xff\n", "f: not valid UTF-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Reader{File: "f"}
			var got []string
			take := func(key string) func(Node) {
				return func(n Node) { got = append(got, key+"="+r.Text(n)) }
			}
			root := r.Parse([]byte(tt.text), &plain)
			if r.Err == nil {
				r.Fields(root, map[string]func(Node){
					"a": take("a"), "b": func(n Node) { r.Items(n, func(_ int, n Node) { take("b")(n) }) },
					"c": func(n Node) { r.Items(n, func(int, Node) { t.Error("an empty list has an item") }) },
				})
			}
			is := strings.Join(got, " ")
			if r.Err != nil {
				is = r.Err.Error()
			}
			if is != tt.want {
				t.Errorf("read %q, want %q", is, tt.want)
			}
		})
	}
}
