package har

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"trafficreplay/capture"
)

// required are the members that HAR 1.2 requires (W3C, "HTTP Archive (HAR) format", section "HAR data structure"), and
// what kind of JSON they are: a letter for string, number, array, object.
var required = map[string]string{
	"log":                               "o",
	"log.version":                       "s",
	"log.creator":                       "o",
	"log.creator.name":                  "s",
	"log.creator.version":               "s",
	"log.entries":                       "a",
	"entry.startedDateTime":             "s",
	"entry.time":                        "n",
	"entry.request":                     "o",
	"entry.response":                    "o",
	"entry.cache":                       "o",
	"entry.timings":                     "o",
	"entry.request.method":              "s",
	"entry.request.url":                 "s",
	"entry.request.httpVersion":         "s",
	"entry.request.cookies":             "a",
	"entry.request.headers":             "a",
	"entry.request.queryString":         "a",
	"entry.request.headersSize":         "n",
	"entry.request.bodySize":            "n",
	"entry.response.status":             "n",
	"entry.response.statusText":         "s",
	"entry.response.httpVersion":        "s",
	"entry.response.cookies":            "a",
	"entry.response.headers":            "a",
	"entry.response.content":            "o",
	"entry.response.content.size":       "n",
	"entry.response.content.mimeType":   "s",
	"entry.response.redirectURL":        "s",
	"entry.response.headersSize":        "n",
	"entry.response.bodySize":           "n",
	"entry.timings.send":                "n",
	"entry.timings.wait":                "n",
	"entry.timings.receive":             "n",
	"entry.request.postData.mimeType":   "s",
	"entry.request.postData.params":     "a",
	"entry.request.postData.text":       "s",
	"entry.request.headers[].name":      "s",
	"entry.request.headers[].value":     "s",
	"entry.request.queryString[].name":  "s",
	"entry.request.queryString[].value": "s",
	"entry.response.headers[].name":     "s",
	"entry.response.headers[].value":    "s",
	"entry._webSocketMessages[].type":   "s",
	"entry._webSocketMessages[].time":   "n",
	"entry._webSocketMessages[].opcode": "n",
	"entry._webSocketMessages[].data":   "s",
	"entry.response.content.encoding":   "",
	"entry.request.postData.encoding":   "",
	"entry.response.content.text":       "",
	"entry.connection":                  "",
	"entry._client":                     "",
	"entry._webSocketMessages":          "",
	"entry.request.postData":            "",
	"entry.response._transferSize":      "",
	"entry.timings._unknown":            "",
}

// check holds an object against the list: nothing that is required is missing, nothing else is there.
func check(t *testing.T, at string, v any) {
	t.Helper()
	if list, ok := v.([]any); ok {
		for _, e := range list {
			check(t, at+"[]", e)
		}
		return
	}
	o, ok := v.(map[string]any)
	if !ok {
		return
	}
	for path, kind := range required {
		parent, name := cutLast(path)
		if parent == at && kind != "" && o[name] == nil {
			t.Errorf("%s is missing", path)
		}
	}
	for name, value := range o {
		path := strings.TrimPrefix(at+"."+name, ".")
		kind, known := required[path]
		got := "?"
		switch value.(type) {
		case string:
			got = "s"
		case float64:
			got = "n"
		case []any:
			got = "a"
		case map[string]any:
			got = "o"
		}
		if !known || kind != "" && kind != got {
			t.Errorf("%s: %s is not of HAR 1.2, want %q", path, got, kind)
		}
		if path == "log.entries" {
			for _, e := range value.([]any) {
				check(t, "entry", e)
			}
			continue
		}
		check(t, path, value)
	}
}

func cutLast(path string) (parent, name string) {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

// full is a request of which everything is known.
func full() *capture.Request {
	var q capture.Request
	q.Reset()
	q.At, q.FirstUS, q.DurUS, q.Conn, q.Client = 1795442400000000001, 1001, 2500, 7, []byte("k3")
	q.Method, q.Scheme, q.Host, q.Target, q.Proto = []byte("POST"), []byte("https"), []byte("shop.example"), []byte(`/a?x=1&y=<"ü">&z`), []byte("HTTP/1.1")
	q.Headers = []capture.Header{{Name: []byte("Content-Type"), Value: []byte("a/b")}, {Name: []byte("X"), Value: []byte("\xff<&")}}
	q.Body, q.BodySize = []byte{0xff, 0, 1}, 3
	q.Status, q.RespSize, q.RespWire, q.RespBody = 200, 3, 90, []byte("abc")
	q.RespHeaders = []capture.Header{{Name: []byte("Location"), Value: []byte("/b")}}
	q.Trailers = q.RespHeaders
	q.Messages = []capture.Message{{US: 5, Dir: 'c', Op: "text", Data: []byte("hi")}, {US: 6, Dir: 's', Op: "close"}}
	return &q
}

func TestWriterIsHAR(t *testing.T) {
	var empty capture.Request
	empty.Reset()
	empty.Method, empty.Host, empty.Target = []byte("GET"), []byte("a"), []byte("/")
	for _, c := range []struct {
		name       string
		all        []*capture.Request
		lost, left string
	}{
		{"none", nil, "", ""},
		{"full", []*capture.Request{full()}, "header bytes that are no UTF-8,raw bytes of the target (percent-encoded),trailers", ""},
		{"two, one empty", []*capture.Request{&empty, full()}, "header bytes that are no UTF-8,raw bytes of the target (percent-encoded),scheme (http is assumed),trailers", ""},
		{"without a host", []*capture.Request{{Method: []byte("GET"), Target: []byte("/")}, {Method: []byte("CONNECT"), Host: []byte("a:1"), Target: []byte("a:1")}}, "", "no host,target without a path"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			w := NewWriter(&b, `a "version"`)
			for _, q := range c.all {
				if err := w.Write(q); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			var doc any
			if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
				t.Fatalf("%v\n%s", err, &b)
			}
			check(t, "", doc)
			if !Recognise(b.Bytes()[:64]) {
				t.Error("not recognised")
			}
			if got := names(w.Losses().Lost); got != c.lost {
				t.Errorf("lost %q, want %q", got, c.lost)
			}
			if got := names(w.Losses().LeftOut); got != c.left {
				t.Errorf("left out %q, want %q", got, c.left)
			}
		})
	}
}

func names(m map[string]int64) string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}
