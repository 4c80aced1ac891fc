package render

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"trafficreplay/analyze"
	"trafficreplay/replay"
)

var payloads = []string{
	`<script>alert(1)</script>`, `</script><script>alert(1)</script>`, `</ScRiPt ><img src=x onerror=alert(1)>`, `<!--<script>`, `-->`, `<!--`, `]]>`, `<![CDATA[x]]>`,
	`"><svg onload=alert(1)>`, `'><svg/onload=alert(1)>`, `" onmouseover="alert(1)`, `' onfocus='alert(1)' autofocus='`, "` onerror=`alert(1)", `x" style="background:url(//evil.test)`,
	`</title><script>alert(1)</script>`, `</style><script>alert(1)</script>`, `</textarea><script>alert(1)</script>`, `</desc></svg><script>alert(1)</script>`,
	`javascript:alert(1)`, `JaVaScRiPt&colon;alert(1)`, `data:text/html,<script>alert(1)</script>`, `vbscript:msgbox(1)`, `http://evil.test/`, `//evil.test`, `www.evil.test`, `mailto:a@evil.test`,
	`{{.}}`, `{{template "x"}}`, `{{define "report"}}{{end}}`, `${alert(1)}`, `<%= 1 %>`, `#{1}`, `{{constructor.constructor('alert(1)')()}}`,
	`&lt;script&gt;`, `&#60;script&#62;`, `&amp;`, `&`, `<`, `>`, `"`, `'`, "`", `\`, `\u003cscript\u003e`, `\x3cscript\x3e`, `%3Cscript%3E`,
	`<iframe src=javascript:alert(1)>`, `<object data=x>`, `<embed src=x>`, `<base href=//evil.test>`, `<meta http-equiv=refresh content=0>`, `<link rel=stylesheet href=//evil.test>`,
	`<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)>`, `<svg><style><img src=x onerror=alert(1)>`, `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
	"\x00<script>", "<scr\x00ipt>", "\x1b]8;;http://evil.test\x1b\\x\x1b]8;;\x1b\\", "\u202e<tpircs>", "\u2028alert(1)\u2029", "\ufeff<script>", "\xff\xfe<script>", "+ADw-script+AD4-",
	`[x](javascript:alert(1))`, `![x](http://evil.test/p.png)`, `| a | b |`, "```\nx", "\n# heading\n", "\n\n<details>", `@octocat`, `#1`, `GH-1`, `**x** _y_ ~~z~~`, `$\LaTeX$`, `[^1]`, `=cmd|' /C calc'!A0`, `+1`, `@SUM(1)`,
	`<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;`, strings.Repeat("<b>", 500),
}

// poisoned puts s wherever captured or configured text reaches a report.
func poisoned(t testing.TB, s string) *analyze.Report {
	t.Helper()
	d := shop(t)
	d.Name, d.RunID, d.Tool, d.Input, d.Started, d.PlanSHA256, d.Out = s, s, s, s, s, s, s
	d.Targets, d.Reasons = []string{s}, []string{s, "x" + s}
	d.UnsendableWhy, d.WithheldWhy = map[string]int64{s: 3}, map[string]int64{s: 4}
	d.Options = replay.RunOptions{Warmup: s, Duration: s, Timeout: s, Connections: s, Thresholds: []string{s}, AllowWrites: []string{s}}
	d.Fidelity = &replay.Fidelity{Worst: s, Parts: []replay.FidelityPart{{Name: s}}}
	for i := range d.Endpoints {
		d.Endpoints[i].ID = s
		d.Endpoints[i].Status, d.Endpoints[i].Errors = map[string]int64{s: 1}, map[string]int64{s: 1}
	}
	r, err := analyze.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func rendered(t testing.TB, write func(io.Writer, *analyze.Report) error, r *analyze.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var jsonElement = regexp.MustCompile(`(?s)<script type="application/json" id="\w+">(.*?)</script>`)

func TestHTMLHoldsHostileText(t *testing.T) {
	clean := jsonElement.ReplaceAllString(rendered(t, HTML, poisoned(t, "plain")), "")
	for _, s := range payloads {
		page := rendered(t, HTML, poisoned(t, s))
		for _, m := range jsonElement.FindAllStringSubmatch(page, -1) {
			if strings.ContainsAny(m[1], "<>&\u2028\u2029") || !json.Valid([]byte(m[1])) {
				t.Errorf("payload %q: the embedded JSON is broken or holds markup", s)
			}
		}
		rest := jsonElement.ReplaceAllString(page, "")
		for _, c := range []string{"<", `"`, "'", "`", "<script", " on"} {
			if got, want := strings.Count(strings.ToLower(rest), c), strings.Count(strings.ToLower(clean), c); got != want && !(c == " on" || c == "`") {
				t.Errorf("payload %q: %d of %q in the page, want %d", s, got, c, want)
			}
		}
		if strings.ContainsAny(s, "<>\"'\x00\x1b\u202e") && strings.Contains(rest, s) && len(s) > 1 {
			t.Errorf("payload %q appears in the page as it is", s)
		}
	}
	if len(payloads) < 50 {
		t.Errorf("%d payloads, want at least 50", len(payloads))
	}
}

func TestHTMLLoadsNothing(t *testing.T) {
	page := jsonElement.ReplaceAllString(rendered(t, HTML, shopReport(t)), "")
	for _, banned := range []string{"<a ", "<img", "<link", "<iframe", " src=", " href=", "url(", "@import", " style=", " onload", "fetch(", "XMLHttpRequest", "innerHTML", "eval("} {
		if strings.Contains(page, banned) {
			t.Errorf("page holds %q", banned)
		}
	}
}

// A hash that does not fit would leave the page without style or script.
func TestHTMLPolicyFitsItsParts(t *testing.T) {
	page := rendered(t, HTML, shopReport(t))
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(page)
	script := regexp.MustCompile(`(?s)<script>(.*?)</script>`).FindStringSubmatch(page)
	if style == nil || script == nil {
		t.Fatal("page without style or script")
	}
	plain := strings.NewReplacer("&#43;", "+", "&#39;", "'").Replace(page)
	if want := policy(style[1], script[1]); !strings.Contains(plain, want) {
		t.Errorf("policy of the page is not %s", want)
	}
}

func TestMarkdownHoldsHostileText(t *testing.T) {
	clean := rendered(t, Markdown, poisoned(t, "plain"))
	for _, s := range payloads {
		got := rendered(t, Markdown, poisoned(t, s))
		for _, c := range []string{"\n", "|", "<", "`", "*", "@", "~"} {
			if g, w := strings.Count(got, c), strings.Count(clean, c); g != w {
				t.Errorf("payload %q: %d of %q, want %d", s, g, c, w)
			}
		}
		if strings.Contains(got, "http:") || strings.Contains(got, "www.") || strings.Contains(got, "](") {
			t.Errorf("payload %q makes a link", s)
		}
	}
}

func TestJUnitHoldsHostileText(t *testing.T) {
	clean := strings.Count(rendered(t, JUnit, poisoned(t, "plain")), "<")
	for _, s := range payloads {
		got := rendered(t, JUnit, poisoned(t, s))
		if n := strings.Count(got, "<"); n != clean {
			t.Errorf("payload %q: %d elements, want %d", s, n, clean)
		}
		dec := xml.NewDecoder(strings.NewReader(got))
		for {
			if _, err := dec.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("payload %q: %v", s, err)
			}
		}
	}
}

func TestTextHoldsHostileText(t *testing.T) {
	text := func(w io.Writer, r *analyze.Report) error { return Text(w, r, TextOptions{}) }
	lines := strings.Count(rendered(t, text, poisoned(t, "plain")), "\n")
	for _, s := range payloads {
		got := rendered(t, text, poisoned(t, s))
		checkEscaped(t, s, got)
		if n := strings.Count(got, "\n"); n != lines {
			t.Errorf("payload %q: %d lines, want %d", s, n, lines)
		}
	}
}
