package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
)

// otlpSpan is a span as OTLP's JSON has it ("OpenTelemetry Protocol File Exporter", "Examples").
func otlpSpan(kind, path string, at int) string {
	return fmt.Sprintf(`{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"","name":"spans","kind":%s,`+
		`"startTimeUnixNano":"15447126600000%05d","endTimeUnixNano":"15447126610000%05d","attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}},`+
		`{"key":"url.path","value":{"stringValue":"%s"}},{"key":"http.response.status_code","value":{"intValue":"200"}},{"key":"list","value":{"arrayValue":{"values":[{"stringValue":"[{"}]}}}],`+
		`"events":[{"name":"spans","attributes":[]}],"status":{}}`, kind, at, at, path)
}

// otlpBatch is a line of the file exporter: two resources, the first with two scopes.
func otlpBatch(spans ...string) string {
	const resource = `{"resource":{"attributes":[{"key":"spans","value":{"arrayValue":{"values":[{"stringValue":"scopeSpans"}]}}},{"key":"resourceSpans","value":{"stringValue":"\"[{"}}]},`
	half := len(spans) / 2
	return `{"resourceSpans":[` + resource + `"scopeSpans":[{"scope":{"name":"spans","attributes":[{"spans":[{"a":1}]}]},"spans":[` + strings.Join(spans[:half], ",") + `]},{"scope":{},"spans":[` +
		strings.Join(spans[half:], ",") + `],"schemaUrl":"x"}]},` + resource + `"scopeSpans":[]}]}`
}

// TestOTLP: every span of a batch counts as a line, and only those of servers are requests.
func TestOTLP(t *testing.T) {
	server := func(n int) string { return otlpSpan("2", fmt.Sprint("/", n), n) }
	client := otlpSpan("3", "/out", 9)
	batch := otlpBatch(server(1), server(2), client, otlpSpan(`"SPAN_KIND_SERVER"`, "/3", 3), otlpSpan(`"SPAN_KIND_INTERNAL"`, "/in", 9))
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, []byte(batch), "", "\t"); err != nil {
		t.Fatal(err)
	}
	const logs = `{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{},"logRecords":[` +
		`{"timeUnixNano":"1544712661000000001","severityText":"INFO","body":{"stringValue":"a [ b"},"attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}},{"key":"url.path","value":{"stringValue":"/1"}},{"key":"http.response.status_code","value":{"intValue":"200"}}]},` +
		`{"timeUnixNano":"1544712661000000002","body":{"stringValue":"started"},"attributes":[]}]}]}]}`
	for _, c := range []struct {
		name, text      string
		lines, requests int64
		skipped         string
	}{
		{"a batch a line", batch + "\n" + batch + "\n", 10, 6, "map[not-a-request:4]"},
		{"over many lines", pretty.String() + "\n" + pretty.String(), 10, 6, "map[not-a-request:4]"},
		{"older names", strings.ReplaceAll(batch, "scopeSpans", "instrumentationLibrarySpans"), 5, 3, "map[not-a-request:2]"},
		{"log records", logs, 2, 1, "map[not-a-request:1]"},
		{"metrics and log lines between", batch + "\n" + `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{},{}]}]}]}` + "\ncollector started, [{ ready\n" + batch, 12, 6, "map[not-a-request:5 not-this-format:1]"},
		{"the writer was killed within a string", batch[:strings.Index(batch, `"/2"`)+2] + "\n" + batch, 2 + 5, 1 + 3, "map[bad-json:1 not-a-request:2]"},
		{"a batch without its spans", batch + "\n" + `{"resourceSpans":[{"resource":{}}],"dropped":2}` + "\n" + `{"resourceSpans":[]}`, 7, 3, "map[not-a-request:4]"},
		{"the end is torn in a resource", batch + `{"resourceSpans":[{"resource":{"attributes":[`, 6, 3, "map[bad-json:1 not-a-request:2]"},
	} {
		path := write(t, t.TempDir(), "traces.json", []byte(c.text))
		got, s, err := read(t, []string{path}, options(t, true))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		l := s.Ledgers()[0]
		if l.Format != "otel" || l.Lines != c.lines || l.Requests != c.requests || fmt.Sprint(l.Skipped) != c.skipped {
			t.Errorf("%s: %s, %d lines, %d requests, skipped %v, want otel, %d, %d, %s", c.name, l.Format, l.Lines, l.Requests, l.Skipped, c.lines, c.requests, c.skipped)
		}
		if err := l.Balance(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got[0].target != "/1" {
			t.Errorf("%s: first target %q, want /1", c.name, got[0].target)
		}
	}
}

// TestRecordsAround: what stands beside the records is a line as it is, or leaves the document's name.
func TestRecordsAround(t *testing.T) {
	const one = `{"records":[{"a":1}]`
	for text, want := range map[string]string{
		one + `,"other":[{"b":2}],"n":1}`:                                             `{"a":1}|`,
		one + `}{"x":{"records":[{}]}} {}`:                                            `{"a":1}|{"x":{"records":[{}]}}|{}|`,
		`[{"a":1},"s,]",3,[4],null]` + "\n5 [6]\n{\"a\n" + `{"b":2}`:                  `{"a":1}|"s,]"|3|[4]|null|5 [6]|{"a|{"b":2}|`,
		one + "}\n" + `{"records":{"a":[]}}{"records":[]}{"records":"[{"}`:            `{"a":1}|{"records":null}|{"records":null}|`,
		one + "}" + `{"\u0072ecords":[{"c":3}]}{"` + strings.Repeat("x", 40) + `":1}`: `{"a":1}|{"\u0072ecords":[{"c":3}]}|{"` + strings.Repeat("x", 40) + `":1}|`,
		one + "}" + `{ "records"`:                                                     `{"a":1}|{"records":|`,
		one + "}" + `{ "rec`:                                                          `{"a":1}|{"rec|`,
		one + "}\n" + `{"x":1` + "\n" + `{"y":`:                                       `{"a":1}|{"x":1 |{"y":`,
	} {
		got, err := io.ReadAll(asRecords(strings.NewReader(text)))
		if shown := strings.ReplaceAll(string(got), "\n", "|"); err != nil || shown != want {
			t.Errorf("%s\n got %s (%v)\nwant %s", text, shown, err, want)
		}
	}
}

// TestLiveOTLP: the collector's file exporter is followed while it writes.
func TestLiveOTLP(t *testing.T) {
	k := &taker{}
	l, err := follow(t, t.Context(), k, nil, func(w io.Writer) {
		for n := range 3 {
			_, _ = io.WriteString(w, otlpBatch(otlpSpan("2", "/a", n), otlpSpan("3", "/b", n))+"\n")
		}
	})
	if err != nil || len(k.src) != 3 || k.src[2] != "stdin:5" {
		t.Fatalf("requests %v (%v), want three, the last of line 5", k.src, err)
	}
	if c := l.Ledger(); c.Balance() != nil || c.Lines != 6 || c.Format != "otel" || c.Skipped["not-a-request"] != 3 {
		t.Errorf("ledger %+v, want 6 lines of otel", c)
	}
}

// BenchmarkRecords splits batches of a hundred spans.
func BenchmarkRecords(b *testing.B) {
	spans := make([]string, 100)
	for i := range spans {
		spans[i] = otlpSpan("2", "/a", i)
	}
	batch := otlpBatch(spans...) + "\n"
	text := strings.Repeat(batch, 20)
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := io.Copy(io.Discard, asRecords(strings.NewReader(text))); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*2000/b.Elapsed().Seconds(), "spans/s")
}

// TestOTLPBodies: log records that hold lines of an access log, as the collector's filelog receiver makes them.
func TestOTLPBodies(t *testing.T) {
	record := func(line string) string {
		return `{"observedTimeUnixNano":"1544712662000000000","body":{"stringValue":"` + line + `"},"attributes":[{"key":"log.file.name","value":{"stringValue":"access.log"}}]}`
	}
	text := `{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{},"logRecords":[` +
		record(`::1 - - [06/Sep/2015:05:58:05 +0000] \"GET /a HTTP/1.1\" 200 1 \"-\" \"x \\\" y\"`) + "," + record(`::1 - - [06/Sep/2015:05:58:06 +0000] \"-\" 400 0 \"-\" \"-\"`) + "]}]}]}\n"
	got, s, err := read(t, []string{write(t, t.TempDir(), "logs.json", []byte(text))}, options(t, true))
	if err != nil || len(got) != 1 || got[0].target != "/a" {
		t.Fatalf("%v (%v), want one request for /a", got, err)
	}
	if l := s.Ledgers()[0]; l.Format != "apache-combined" || l.Lines != 2 || l.Skipped["bad-request-line"] != 1 {
		t.Errorf("ledger %+v, want 2 lines of apache-combined", l)
	}
}
