package render

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "GET /cart", "GET /cart"},
		{"newline and tab stay", "a\n\tb", "a\n\tb"},
		{"escape sequence", "\x1b[2J", `\x1b[2J`},
		{"null, bell, carriage return, delete", "\x00\a\r\x7f", `\x00\x07\x0d\x7f`},
		{"C1 as UTF-8", "\u0085\u009b31m", `\u0085\u009b31m`},
		{"C1 as a byte", "\x9b31m", `\x9b31m`},
		{"torn UTF-8", "caf\xc3", `caf\xc3`},
		{"overlong", "\xc0\xaf", `\xc0\xaf`},
		{"surrogate", "\xed\xa0\x80", `\xed\xa0\x80`},
		{"bidirectional override", "a\u202egpj.exe", `a\u202egpj.exe`},
		{"isolates and marks", "\u2066\u2069\u200e\u200f\u061c", `\u2066\u2069\u200e\u200f\u061c`},
		{"line separators", "\u2028\u2029", `\u2028\u2029`},
		{"zero width", "a\u200b\u200c\u200d\u2060\ufeffb", `a\u200b\u200c\u200d\u2060\ufeffb`},
		{"tag characters", "\U000e0041", `\U000e0041`},
		{"replacement character itself", "\ufffd", "\ufffd"},
		{"other scripts", "köln 東京 עברית 🛒", "köln 東京 עברית 🛒"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Escape(tt.in); got != tt.want {
				t.Errorf("Escape(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestEscapeEveryRune(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if s := string(r); utf8.ValidRune(r) {
			checkEscaped(t, s, Escape("x"+s+"y"))
		}
	}
}

func TestLineIsOneLine(t *testing.T) {
	if got, want := line("a\nb\tc\x1b"), `a\nb\tc\x1b`; got != want {
		t.Errorf("line = %q, want %q", got, want)
	}
	if got, want := clip("abcdef", 4), "abc…"; got != want {
		t.Errorf("clip = %q, want %q", got, want)
	}
}

// checkEscaped asserts the property that a terminal depends on.
func checkEscaped(t *testing.T, in, out string) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Fatalf("Escape(%q) = %q, want valid UTF-8", in, out)
	}
	for _, r := range out {
		bad := r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && !visibleFormat(r)) ||
			unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)
		if bad {
			t.Fatalf("Escape(%q) = %q, want no %U", in, out, r)
		}
	}
}

// visibleFormat are the signs of category Cf that have a shape: Arabic, Syriac, Kaithi and Egyptian number
// signs, and the controls of shorthand and music, which stay within their glyph runs.
func visibleFormat(r rune) bool {
	return r >= 0x600 && r <= 0x605 || r == 0x6dd || r == 0x70f || r == 0x890 || r == 0x891 || r == 0x8e2 || r == 0x110bd || r == 0x110cd ||
		r >= 0x13430 && r <= 0x1343f || r >= 0x1bca0 && r <= 0x1bca3 || r >= 0x1d173 && r <= 0x1d17a
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"GET /cart", "\x1b]0;x\a", "\xc2\x9b", "a\u202eb", "\xff\xfe", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := Escape(s)
		checkEscaped(t, s, out)
		if again := Escape(out); again != out {
			t.Fatalf("Escape(%q) = %q, escaped again %q", s, out, again)
		}
		if strings.ContainsAny(line(s), "\n\t") {
			t.Fatalf("line(%q) = %q, want one line", s, line(s))
		}
	})
}

func TestEscapeJSON(t *testing.T) {
	for r := rune(0); r < 0xe1000; r++ {
		if r >= 0xd800 && r < 0xe000 {
			continue
		}
		doc, err := json.Marshal(map[string]string{"k": "a" + string(r) + "b"})
		if err != nil {
			t.Fatal(err)
		}
		got := EscapeJSON(doc)
		if at := firstUnsafe(string(got)); at >= 0 {
			t.Fatalf("%q: %q is left at %d", r, got, at)
		}
		var back map[string]string
		if err := json.Unmarshal(got, &back); err != nil || back["k"] != "a"+string(r)+"b" {
			t.Fatalf("%q reads back as %q (%v)", r, back["k"], err)
		}
	}
}
