package source

import (
	"io"
	"strings"
	"testing"
)

const gatewayRecord = `{"timeStamp":"2021-10-14T22:17:11Z","category":"ApplicationGatewayAccessLog","properties":{"clientIP":"1.2.3.4","httpMethod":"GET","requestUri":"/a","originalRequestUriWithArgs":"/a?b=[\"{]","httpStatus":200,"timeTaken":0.034}}`

// TestRecords: an export that is one JSON value gives a request for each member.
func TestRecords(t *testing.T) {
	pretty := strings.NewReplacer(`,"`, ",\r\n    \"", `{"`, "{\n  \"").Replace(gatewayRecord)
	for name, text := range map[string]string{
		"lines":                       gatewayRecord + "\n" + gatewayRecord + "\n",
		"records on one line":         `{"records":[` + gatewayRecord + "," + gatewayRecord + "]}",
		"records over many lines":     "{ \"records\" :\n[\n" + pretty + "\n,\n" + pretty + "\n] }\n",
		"an array":                    "[" + gatewayRecord + "," + gatewayRecord + "]",
		"an array over many lines":    "\xef\xbb\xbf[\n  " + pretty + ",\n  " + pretty + "\n]\n",
		"two documents, each records": `{"records":[` + gatewayRecord + "]}\n" + `{"records":[` + gatewayRecord + `],"next":"[{"}` + "\n",
	} {
		path := write(t, t.TempDir(), "a.json", []byte(text))
		got, s, err := read(t, []string{path}, options(t, true))
		if err != nil || len(got) != 2 || got[1].target != `/a?b=["{]` {
			t.Errorf("%s: %v (%v), want 2 requests", name, got, err)
			continue
		}
		if l := s.Ledgers()[0]; l.Format != "azure-app-gateway" || l.Lines != 2 || l.Requests != 2 {
			t.Errorf("%s: ledger %+v, want 2 lines of azure-app-gateway", name, l)
		}
	}
}

// TestNoRecords: what only begins like an array stays as it is.
func TestNoRecords(t *testing.T) {
	for _, text := range []string{`[06/Sep/2015:05:58:05 +0000] a`, `{"record":[{}]}`, `{"records":1}`, `[1,2]`, `{"a":[{}]}`, "", "[", `{"records"`} {
		if got, err := io.ReadAll(asRecords(strings.NewReader(text))); err != nil || string(got) != text {
			t.Errorf("asRecords(%q) = %q, %v", text, got, err)
		}
	}
}

// FuzzRecords: however the stream is cut, the lines are the same, and none holds a line end or more than the stream.
func FuzzRecords(f *testing.F) {
	f.Add([]byte(`[{"a":"]\"["},{"b":[1]}] x [{}]`), uint8(3))
	f.Add([]byte("{\"records\":[\n{\"a\":\n1}]}"), uint8(1))
	f.Add([]byte(`{"resourceSpans":[{"resource":{"spans":[]},"scopeSpans":[{"spans":[{"a":"\\\"["},5,"x"]}]}],"x":"[{"}`+"\n{\"b\n{\"records\":1}{}"), uint8(2))
	f.Add([]byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}`), uint8(5))
	f.Fuzz(func(t *testing.T, text []byte, step uint8) {
		whole, err := io.ReadAll(asRecords(strings.NewReader(string(text))))
		if err != nil {
			t.Fatal(err)
		}
		cut, err := io.ReadAll(asRecords(&slow{text, int(step)%7 + 1}))
		if err != nil || string(cut) != string(whole) {
			t.Fatalf("%q in pieces is %q (%v), want %q", text, cut, err, whole)
		}
		if len(whole) > 2*len(text) {
			t.Fatalf("%d bytes of %d", len(whole), len(text))
		}
	})
}
