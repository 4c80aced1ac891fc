package accesslog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// walk shows what a walker yields.
func walk(line string) string {
	var w walker
	var b strings.Builder
	w.start([]byte(line))
	for {
		path, v, more := w.next()
		if !more {
			break
		}
		fmt.Fprintf(&b, "%s=%s;", path, v)
	}
	if w.bad {
		b.WriteString("bad")
	}
	return b.String()
}

func TestWalker(t *testing.T) {
	for in, want := range map[string]string{
		`{}`:                                     ``,
		` { } `:                                  ``,
		`{"a":1}`:                                `a=1;`,
		`{"a":"x","b":true,"c":null,"d":-1.5e3}`: `a=x;b=true;c=null;d=-1.5e3;`,
		` {"a" : "x" , "b" : 2 } `:               `a=x;b=2;`,
		`{"a":{"b":{"c":1},"d":2},"e":3}`:        `a.b.c=1;a.d=2;e=3;`,
		`{"a":["x","y"],"b":[1,2],"c":[[1],2],"d":[{"e":1}],"f":[],"g":1}`: `a=x;b=1;g=1;`,
		`{"a":["}","]\""],"b":1}`:          `a=};b=1;`,
		`{"a":"x\"y\\"}`:                   `a=x\"y\\;`,
		`{"a":,"b":-,"c":0.1, 0.2,"d":1 }`: `a=;b=-;c=0.1, 0.2;d=1;`,
		`{"a":0.1,}`:                       `a=0.1;`,
		`{"a":${request_time},"b":$x}`:     `a=${request_time};b=$x;`,
		`{"a":1} x`:                        `a=1;bad`,
		`{"a":1`:                           `bad`,
		`{"a":"x`:                          `bad`,
		`{"a`:                              `bad`,
		`{"a"}`:                            `bad`,
		`{"a":`:                            `bad`,
		`{a:1}`:                            `bad`,
		`[1]`:                              `bad`,
		``:                                 `bad`,
		`{"a":[1}`:                         `bad`,
		`{"a":["x}`:                        `bad`,
		strings.Repeat(`{"a":`, 7) + `1` + nested(7):                       `a.a.a.a.a.a.a=1;`,
		strings.Repeat(`{"a":`, 8) + `1` + nested(8):                       `a.a.a.a.a.a.a.a=1;`,
		strings.Repeat(`{"a":`, 9) + `1` + nested(9):                       ``,
		strings.Repeat(`{"a":`, 500) + `1` + nested(500):                   ``,
		`{"x":` + strings.Repeat(`{"a":`, 9) + `1` + nested(9) + `,"b":2}`: `b=2;`,
	} {
		if got := walk(in); got != want {
			t.Errorf("walk(%.80q) = %q, want %q", in, got, want)
		}
	}
}

func nested(n int) string { return strings.Repeat("}", n) }

// FuzzWalker: of a JSON object the walker yields what encoding/json reads.
func FuzzWalker(f *testing.F) {
	for _, s := range []string{`{"a":1,"b":{"c":"x\u00e9\n"},"d":[1,"2"],"e":null}`, `{"a":"\\\"","a.b":{"":0},"":""}`, `{"a":[[],{"b":"]"}],"c":true}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got := walk(string(in))
		var whole map[string]json.RawMessage
		if err := json.Unmarshal(in, &whole); err != nil || whole == nil || !utf8.Valid(in) {
			return
		}
		if strings.HasSuffix(got, "bad") && !strings.Contains(string(in), "bad") {
			t.Fatalf("walk(%q) = %q, but it is JSON", in, got)
		}
		var w walker
		w.start(in)
		seen := map[string]string{}
		for {
			path, v, more := w.next()
			if !more {
				break
			}
			if w.str {
				v = unescape(nil, v)
			}
			seen[string(unescape(nil, path))] = string(v)
		}
		compareScalars(t, in, whole, seen)
	})
}

// compareScalars checks the scalars at the top of an object.
func compareScalars(t *testing.T, in []byte, whole map[string]json.RawMessage, seen map[string]string) {
	t.Helper()
	for k, raw := range whole {
		raw = bytes.TrimSpace(raw)
		if raw[0] == '{' || raw[0] == '[' || strings.Contains(k, ".") || strings.Contains(string(in), k+".") || k == "" || strings.ContainsRune(k, utf8.RuneError) {
			continue
		}
		want := string(raw)
		if raw[0] == '"' {
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
		}
		// A key may come twice, as an object or a list too; the last scalar is what both keep unless the last is none.
		if got, ok := seen[k]; !ok || got != want && bytes.Count(in, []byte(`:`)) == len(whole) {
			t.Fatalf("walk(%q): %q is %q, want %q", in, k, got, want)
		}
	}
}
