package har

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"trafficreplay/capture"
)

const head = `{"log":{"version":"1.2","creator":{"name":"test","version":"1"},"entries":[`

func document(entries ...string) string { return head + strings.Join(entries, ",") + `]}}` }

// line is the form in which the tests compare a request.
func line(q *capture.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s://%s%s %s %s", q.Method, q.Scheme, q.Host, q.Target, q.Proto, q.Time().Format("15:04:05.000000"))
	fmt.Fprintf(&b, " first=%d dur=%d body=%d:%s status=%d size=%d wire=%d conn=%d", q.FirstUS, q.DurUS, q.BodySize, q.Body, q.Status, q.RespSize, q.RespWire, q.Conn)
	for _, h := range q.Headers {
		fmt.Fprintf(&b, " %s=%s", h.Name, h.Value)
	}
	for _, m := range q.Messages {
		fmt.Fprintf(&b, " [%d %c %s %s]", m.US, m.Dir, m.Op, m.Data)
	}
	return b.String()
}

func TestEntries(t *testing.T) {
	for _, c := range []struct{ name, entry, want string }{
		{"the specification's", `{"startedDateTime":"2009-07-24T19:20:30.450+01:00","time":50,
			"request":{"method":"GET","url":"http://www.example.com/path/?param=value#part","httpVersion":"HTTP/1.1","cookies":[],
				"headers":[{"name":"Accept","value":"*/*"}],"queryString":[],"headersSize":150,"bodySize":0},
			"response":{"status":200,"statusText":"OK","httpVersion":"HTTP/1.1","cookies":[],"headers":[],"content":{"size":33,"mimeType":"text/html"},"redirectURL":"","headersSize":160,"bodySize":850},
			"cache":{},"timings":{"blocked":0,"dns":-1,"connect":15,"send":20,"wait":38,"receive":12,"ssl":-1},"serverIPAddress":"10.0.0.1","connection":"52492"}`,
			"GET http://www.example.com/path/?param=value HTTP/1.1 18:20:30.465000 first=58000 dur=70000 body=0: status=200 size=850 wire=1010 conn=1 Accept=*/*"},
		{"a form, given as parameters", `{"startedDateTime":"2026-01-02T03:04:05Z","time":1.5,"request":{"method":"POST","url":"HTTPS://user:secret@Shop.Example:8443?a=ü b","httpVersion":"h2",
			"headers":[{"name":":path","value":"/"},{"name":"content-type","value":"x"}],"bodySize":-1,"postData":{"mimeType":"application/x-www-form-urlencoded","params":[{"name":"q","value":"a b&c"},{"name":"x","value":"1%202"}]}},
			"response":{"status":302,"headers":[],"content":{"size":0},"bodySize":0},"timings":{"send":0,"wait":1.25,"receive":0}}`,
			"POST https://shop.example:8443/?a=%C3%BC%20b HTTP/2.0 03:04:05.000000 first=1250 dur=1250 body=17:q=a+b%26c&x=1%202 status=302 size=0 wire=-1 conn=0 content-type=x"},
		{"time alone, numbers as strings, an unknown version", `{"startedDateTime":"2026-01-02T03:04:05Z","time":"7","request":{"method":"GET","url":"http://a/","httpVersion":"unknown","headers":[],"bodySize":"-1"},
			"response":{"status":"404","headers":[],"content":{"size":"12"},"bodySize":-1},"timings":{}}`,
			"GET http://a/  03:04:05.000000 first=-1 dur=7000 body=-1: status=404 size=12 wire=-1 conn=0"},
		{"no answer", `{"startedDateTime":"2026-01-02T03:04:05Z","time":null,"request":{"method":"GET","url":"http://a/","headers":[]},"response":{"status":-2,"headers":[]},"timings":{"wait":79}}`,
			"GET http://a/  03:04:05.000000 first=-1 dur=-1 body=-1: status=0 size=-1 wire=-1 conn=0"},
		{"a WebSocket", `{"startedDateTime":"2026-01-02T03:04:05Z","time":0,"request":{"method":"GET","url":"wss://a/chat","httpVersion":"HTTP/1.1","headers":[]},"response":{"status":101,"headers":[]},
			"timings":{"wait":1},"_webSocketMessages":[{"type":"send","time":1767323045.5,"opcode":1,"data":"hi"},{"type":"receive","time":1767323046,"opcode":2,"data":"AAE="}]}`,
			"GET https://a/chat HTTP/1.1 03:04:05.000000 first=1000 dur=-1 body=-1: status=101 size=-1 wire=-1 conn=0 [500000 c text hi] [1000000 s binary \x00\x01]"},
		{"a form that was compressed", `{"startedDateTime":"2026-01-02T03:04:05Z","time":0,"request":{"method":"POST","url":"http://a/","httpVersion":"HTTP/1.1","bodySize":23,
			"headers":[{"name":"Content-Encoding","value":"GZIP"},{"name":"B","value":"1"}],"postData":{"mimeType":"text/plain","text":"a=1\r\n"}},"response":{"status":0,"headers":[]},"timings":{}}`,
			"POST http://a/ HTTP/1.1 03:04:05.000000 first=-1 dur=-1 body=5:a=1\r\n status=0 size=-1 wire=-1 conn=0 B=1"},
		{"a compressed form that the browser could not show", `{"startedDateTime":"2026-01-02T03:04:05Z","time":0,"request":{"method":"POST","url":"http://a/","httpVersion":"HTTP/1.1","bodySize":3,
			"headers":[{"name":"Content-Encoding","value":"gzip"}],"postData":{"mimeType":"text/plain","text":"x\ufffdy"}},"response":{"status":0,"headers":[]},"timings":{}}`,
			"POST http://a/ HTTP/1.1 03:04:05.000000 first=-1 dur=-1 body=3:x\ufffdy status=0 size=-1 wire=-1 conn=0 Content-Encoding=gzip"},
		{"the server's port as the connection", `{"startedDateTime":"2026-01-02T03:04:05Z","time":0,"connection":"443","request":{"method":"GET","url":"https://[::1]/","headers":[]},"response":{"status":0,"headers":[]},"timings":{}}`,
			"GET https://[::1]/  03:04:05.000000 first=-1 dur=-1 body=-1: status=0 size=-1 wire=-1 conn=0"},
		{"the server's own port as the connection", `{"startedDateTime":"2026-01-02T03:04:05Z","time":0,"connection":"8443","request":{"method":"GET","url":"https://a:8443/","headers":[]},"response":{"status":0,"headers":[]},"timings":{}}`,
			"GET https://a:8443/  03:04:05.000000 first=-1 dur=-1 body=-1: status=0 size=-1 wire=-1 conn=0"},
		{"from the cache", `{"startedDateTime":"2026-01-02T03:04:05Z","time":0,"_fromCache":"memory","request":{"method":"GET","url":"http://a/","headers":[]},"response":{"status":200,"headers":[]},"timings":{}}`, "from-cache"},
		{"blocked", `{"startedDateTime":"2026-01-02T03:04:05Z","time":0,"request":{"method":"GET","url":"http://a/","headers":[]},"response":{"status":0,"_error":"net::ERR_BLOCKED_BY_CLIENT","headers":[]},"timings":{}}`, "not-sent"},
		{"data", `{"startedDateTime":"2026-01-02T03:04:05Z","time":0,"request":{"method":"GET","url":"data:text/plain,x","headers":[]},"response":{"status":200,"headers":[]},"timings":{}}`, "not-http"},
		{"no time", `{"request":{"method":"GET","url":"http://a/"}}`, "bad-entry"},
		{"no URL", `{"startedDateTime":"2026-01-02T03:04:05Z"}`, "bad-entry"},
		{"no object", `7`, "bad-entry"},
		{"a method that is a number", `{"startedDateTime":"2026-01-02T03:04:05Z","request":{"method":7,"url":"http://a/"}}`, "bad-entry"},
		{"long", `{"startedDateTime":"2026-01-02T03:04:05Z","request":{"method":"GET","url":"http://a/` + strings.Repeat("x", capture.MaxTarget) + `"}}`, capture.ReasonTooLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader(strings.NewReader(document(c.entry)), "dir/a.har")
			var q capture.Request
			err := r.Next(&q)
			got := line(&q)
			if bad, ok := errors.AsType[*capture.SyntaxError](err); ok {
				got = bad.Reason
			} else if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if err := r.Next(&q); err != io.EOF {
				t.Errorf("behind it: %v, want EOF", err)
			}
		})
	}
}

// TestDecodedResponse: the text of a response is decoded, whatever its fields say, and these say so then.
func TestDecodedResponse(t *testing.T) {
	for _, c := range []struct{ name, content, body, field string }{
		{"text", `{"size":9,"text":"decoded\u00fc"}`, "decoded\u00fc", decodedFrom},
		{"base64", `{"size":3,"text":"/wAB","encoding":"base64"}`, "\xff\x00\x01", decodedFrom},
		{"no text", `{"size":9}`, "", "content-encoding"},
		{"empty text", `{"size":0,"text":""}`, "", "content-encoding"},
		{"no base64", `{"size":3,"text":"?","encoding":"base64"}`, "", "content-encoding"},
		{"too much", `{"text":"` + strings.Repeat("x", capture.MaxBody+1) + `"}`, "", "content-encoding"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := document(`{"startedDateTime":"2026-01-02T03:04:05Z","time":0,"request":{"method":"GET","url":"http://a/","headers":[]},
				"response":{"status":200,"headers":[{"name":"content-encoding","value":"br"}],"bodySize":5,"content":` + c.content + `},"timings":{"wait":1,"receive":1}}`)
			for _, pass := range []string{"read", "read, written and read again"} {
				var q capture.Request
				if err := NewReader(strings.NewReader(doc), "a.har").Next(&q); err != nil {
					t.Fatalf("%s: %v", pass, err)
				}
				if string(q.RespBody) != c.body || q.RespSize != 5 || len(q.RespHeaders) != 1 || !q.RespHeaders[0].IsNamed(c.field) || string(q.RespHeaders[0].Value) != "br" {
					t.Errorf("%s: body %.80q of %d bytes, %s; want %q of 5, %s", pass, q.RespBody, q.RespSize, q.RespHeaders, c.body, c.field)
				}
				var out bytes.Buffer
				w := NewWriter(&out, "1")
				if err := errors.Join(w.Write(&q), w.Close()); err != nil {
					t.Fatal(err)
				}
				doc = out.String()
				if !strings.Contains(strings.ToLower(doc), `{"name":"content-encoding","value":"br"}`) {
					t.Errorf("%s: written as %.500s", pass, doc)
				}
			}
		})
	}
}

func TestDocuments(t *testing.T) {
	const e = `{"startedDateTime":"2026-01-02T03:04:05Z","time":0,"request":{"method":"GET","url":"http://a/","headers":[]},"response":{"status":200,"headers":[]},"timings":{}}`
	for _, c := range []struct{ name, doc, want string }{
		{"two", document(e, e), "2 EOF"},
		{"none", document(), "0 EOF"},
		{"with a byte order mark, and more behind the entries", "\xef\xbb\xbf" + head + e + `],"pages":[{"a":[1]}],"x":"y"},"z":{}}` + "\n", "1 EOF"},
		{"entries first", `{"x":{"entries":[1]},"log":{"entries":[` + e + `],"version":"1.2"}}`, "1 EOF"},
		{"cut", document(e, e)[:len(head)+len(e)+20], "1 a.har: byte 237 (entry 2): the file ends in the middle: unexpected EOF"},
		{"cut behind the entries", document(e)[:len(head)+len(e)+1], "1 a.har: byte 237 (entry 1): the file ends in the middle: unexpected EOF"},
		{"no entries", `{"log":{"version":"1.2"}}`, `0 a.har: byte 23 (entry 0): no HAR: it has no "entries"`},
		{"a list", `[1]`, "0 a.har: byte 1 (entry 0): no HAR: got [, want {"},
		{"two documents", document(e) + document(e), "1 a.har: byte 240 (entry 1): something follows the document"},
		{"not JSON", head + `{"time":tru}]}}`, "0 a.har: byte 75 (entry 1): invalid character '}' in literal true (expecting 'e')"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader(strings.NewReader(c.doc), "a.har")
			var q capture.Request
			n, err := 0, error(nil)
			for ; err == nil; n++ {
				err = r.Next(&q)
			}
			if got := fmt.Sprint(n-1, " ", err); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if again := r.Next(&q); !errors.Is(again, err) {
				t.Errorf("then %v, want the same error", again)
			}
		})
	}
}

func TestLargeValueIsRefused(t *testing.T) {
	endless := io.MultiReader(strings.NewReader(head+`{"comment":"`), repeat{})
	err := NewReader(endless, "a.har").Next(new(capture.Request))
	if err == nil || !strings.Contains(err.Error(), "a value of more than 64 MiB") {
		t.Errorf("an endless entry: %v, want its size refused", err)
	}
}

type repeat struct{}

func (repeat) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

// TestRealFiles compares with what another reader counted in files of four browsers and two proxies.
func TestRealFiles(t *testing.T) {
	root := "../../../shared/data"
	table, err := os.ReadFile(filepath.Join(root, "truth/har.tsv"))
	if err != nil {
		t.Skip("no real HAR files here:", err)
	}
	left := map[string]string{ // entries that are no requests, all blocked by an extension of the browser
		"chrome_h2_www.nghttp2.org.har": "not-sent:1",
	}
	for row := range strings.Lines(string(table)) {
		path, truth, _ := strings.Cut(strings.TrimSpace(row), "\t")
		if path == "file" {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			want := map[string]string{}
			for part := range strings.SplitSeq(truth, ";") {
				k, v, _ := strings.Cut(part, "=")
				want[k] = v
			}
			got, skipped := read(t, filepath.Join(root, path))
			n := 0
			for _, k := range skipped {
				n += k
			}
			var reasons []string
			for r, k := range skipped {
				reasons = append(reasons, r+":"+strconv.Itoa(k))
			}
			if s := strings.Join(reasons, ","); s != left[filepath.Base(path)] {
				t.Errorf("skipped %q, want %q", s, left[filepath.Base(path)])
			}
			if all := strconv.Itoa(len(got) + n); all != want["entries"] {
				t.Errorf("%s entries, want %s", all, want["entries"])
			}
			if n > 0 {
				return // the other reader counts those too
			}
			methods, statuses := map[string]int{}, map[string]int{}
			for _, q := range got {
				methods[string(q.Method)]++
				statuses[strconv.Itoa(q.Status)]++
			}
			compare(t, "methods", methods, want["methods"])
			unanswered := strings.ReplaceAll(want["status"], "-2:", "0:")
			compare(t, "status", statuses, unanswered)
		})
	}
}

func compare(t *testing.T, what string, got map[string]int, want string) {
	t.Helper()
	var list []string
	for k, n := range got {
		list = append(list, k+":"+strconv.Itoa(n))
	}
	slices.Sort(list)
	wants := strings.Split(want, ",")
	slices.Sort(wants)
	if !slices.Equal(list, wants) {
		t.Errorf("%s %v, want %v", what, list, wants)
	}
}

func read(t *testing.T, path string) (got []*capture.Request, skipped map[string]int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if b, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	if !Recognise(b[:min(len(b), 4096)]) {
		t.Error("not recognised")
	}
	r := NewReader(bytes.NewReader(b), path)
	skipped = map[string]int{}
	for {
		var q capture.Request
		err := r.Next(&q)
		bad, ok := errors.AsType[*capture.SyntaxError](err)
		switch {
		case err == io.EOF:
			return got, skipped
		case ok:
			skipped[bad.Reason]++
		case err != nil:
			t.Fatal(err)
		default:
			if len(q.Host) == 0 || len(q.Method) == 0 || q.Target[0] != '/' {
				t.Errorf("entry %d: %s", r.Entries(), line(&q))
			}
			got = append(got, q.Clone())
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(document(`{"startedDateTime":"2026-01-02T03:04:05Z","time":50,"request":{"method":"GET","url":"http://a/b?c","headers":[{"name":"a","value":"b"}],"postData":{"text":"x"}},"response":{"status":200,"content":{"size":3,"text":"YQ==","encoding":"base64"}},"timings":{"send":1,"wait":2,"receive":3}}`)))
	f.Add([]byte(head))
	f.Add([]byte("\xef\xbb\xbf{}"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		r := NewReader(bytes.NewReader(doc), "f")
		for n := 0; ; n++ {
			var q capture.Request
			err := r.Next(&q)
			_, bad := errors.AsType[*capture.SyntaxError](err)
			if err != nil && !bad {
				break
			}
			if n > len(doc) {
				t.Fatal("more entries than bytes")
			}
			if err == nil && (q.CheckLimits() != nil || q.Target[0] != '/' || bytes.ContainsAny(q.Target, " \r\n\x00")) {
				t.Fatalf("%+v is no request", q)
			}
		}
	})
}
