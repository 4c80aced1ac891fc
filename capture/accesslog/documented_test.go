package accesslog

import (
	"bytes"
	"slices"
	"testing"
)

// documentedLine is a line as a vendor's documentation has it, or made of what it says of each field, and what it must give:
// a row for each line that is no comment. The rows were written before the parser was tried on them.
type documentedLine struct{ name, what, text, want string }

// documentedLines are those of the dialects that no server writes in the tests.
var documentedLines = slices.Concat(traefikLines, istioLines, envoyLines, zeekLines, iisLines, ltsvLines, ingressLines, ecsLines, otelLines)

// TestDocumentedLines: each line is recognised by itself.
func TestDocumentedLines(t *testing.T) {
	for _, c := range documentedLines {
		t.Run(c.name+" "+c.what, func(t *testing.T) { checkRecognised(t, c.name, c.text, c.want, 50) })
	}
}

// TestTenLines: a dialect that no server writes here is tested on ten documented lines at least.
func TestTenLines(t *testing.T) {
	count := map[string]int{}
	for _, c := range documentedLines {
		for _, line := range bytes.Split([]byte(c.text), []byte("\n")) {
			if line[0] != '#' {
				count[c.name]++
			}
		}
	}
	for _, name := range []string{"traefik-clf", "traefik-json", "istio", "istio-json", "envoy", "envoy-json", "zeek-http", "zeek-json", "w3c", "iis-native", "ltsv",
		"ingress-nginx", "ecs", "otel"} {
		if count[name] < 10 {
			t.Errorf("%s: %d documented lines, want 10", name, count[name])
		}
	}
}
