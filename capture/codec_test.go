package capture

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// full is a request with every field set.
func full() *Request {
	return &Request{
		At: time.Date(2026, 11, 23, 14, 0, 0, 123456789, time.UTC).UnixNano(), DurUS: 1234, FirstUS: 900,
		Client: []byte("k3f9"), Conn: 17,
		Method: []byte("GET"), Scheme: []byte("https"), Host: []byte("shop.example"),
		Target: []byte("/api/items/42?x=1"), Proto: []byte("HTTP/1.1"),
		Headers: []Header{{[]byte("User-Agent"), []byte(`a "quoted" \ name`)}, {[]byte("X"), []byte{}}},
		Body:    []byte("hello\x00"), BodySize: 12,
		Status: 200, RespSize: 5120, RespWire: 5433,
		RespHeaders: []Header{{[]byte("Content-Type"), []byte("text/plain")}}, RespBody: []byte{0xff, 0},
		Trailers: []Header{{[]byte("Grpc-Status"), []byte("0")}},
		Messages: []Message{{12, 'c', "text", []byte("hi")}, {15, 's', "close", nil}},
		Src:      []byte("access.log:118"),
	}
}

// like is an access-log request as most lines give it: 374 bytes of JSON.
func like(n int) *Request {
	q := &Request{}
	q.Reset()
	q.At = 1448288400_000000000 + int64(n)*1_234_567
	q.DurUS = int64(n%1000) * 1000
	q.Client = fmt.Appendf(nil, "k%08x", n%5000*7919)
	q.Method, q.Scheme, q.Host = []byte("GET"), []byte("https"), []byte("shop.example")
	q.Target = fmt.Appendf(nil, "/api/items/%d?page=%d&sort=price", n*31%9973, n%7)
	q.Proto, q.Status, q.RespSize = []byte("HTTP/1.1"), 200, int64(n*37%20000)
	q.Headers = []Header{{[]byte("User-Agent"), []byte("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")},
		{[]byte("Referer"), []byte("https://shop.example/list")}}
	q.Src = fmt.Appendf(nil, "access.log:%d", n+1)
	return q
}

// fields is q without the mark of the redactor, and with nil for every empty slice: what identity is about.
func fields(q *Request) Request {
	c := *q.Clone()
	c.clean = false
	for _, p := range []*[]byte{&c.Client, &c.Method, &c.Scheme, &c.Host, &c.Target, &c.Proto, &c.Body, &c.RespBody, &c.Src} {
		*p = orNil(*p)
	}
	for _, hs := range [][]Header{c.Headers, c.RespHeaders, c.Trailers} {
		for i := range hs {
			hs[i] = Header{orNil(hs[i].Name), orNil(hs[i].Value)}
		}
	}
	if len(c.Messages) == 0 {
		c.Messages = nil
	}
	for i := range c.Messages {
		c.Messages[i].Data = orNil(c.Messages[i].Data)
	}
	return c
}

func orNil(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

func TestAppendJSON(t *testing.T) {
	empty := &Request{}
	empty.Reset()
	raw := &Request{}
	raw.Reset()
	raw.Target, raw.Headers = []byte("/\xff"), []Header{{[]byte("A"), []byte("ok")}, {[]byte("B"), []byte("\xfe")}}
	control := &Request{}
	control.Reset()
	control.Target = []byte("/a\x00\x1f\n\r\t\"\\é\u2028")
	for _, test := range []struct {
		name string
		q    *Request
		want string
	}{
		{"every field", full(), `{"at":"2026-11-23T14:00:00.123456789Z","dur_us":1234,"first_us":900,"client":"k3f9","conn":17,` +
			`"method":"GET","scheme":"https","host":"shop.example","target":"/api/items/42?x=1","proto":"HTTP/1.1",` +
			`"headers":[["User-Agent","a \"quoted\" \\ name"],["X",""]],"body":"aGVsbG8A","body_size":12,"status":200,` +
			`"resp_size":5120,"resp_wire":5433,"resp_headers":[["Content-Type","text/plain"]],"resp_body":"/wA=",` +
			`"trailers":[["Grpc-Status","0"]],"messages":[{"us":12,"dir":"c","op":"text","data":"aGk="},{"us":15,"dir":"s","op":"close"}],` +
			`"src":"access.log:118"}`},
		{"nothing known", empty, `{"at":"1970-01-01T00:00:00Z"}`},
		{"not UTF-8", raw, `{"at":"1970-01-01T00:00:00Z","target_b64":"L/8=","headers_b64":[["QQ==","b2s="],["Qg==","/g=="]]}`},
		{"control characters", control, `{"at":"1970-01-01T00:00:00Z","target":"/a\u0000\u001f\n\r\t\"\\é` + "\u2028" + `"}`},
	} {
		got := string(test.q.AppendJSON(nil))
		if got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("%s: not JSON: %s", test.name, got)
		}
		var back Request
		if err := ParseJSON([]byte(got), &back); err != nil {
			t.Errorf("%s: ParseJSON = %v", test.name, err)
		} else if g, w := fields(&back), fields(test.q); !reflect.DeepEqual(g, w) {
			t.Errorf("%s: came back as\n %+v, want\n %+v", test.name, g, w)
		}
	}
}

func TestParseJSON(t *testing.T) {
	const at = `"at":"2026-11-23T14:00:00Z"`
	for _, test := range []struct {
		name, line, want string // want is the line that the request prints, or the reason of the error
	}{
		{"any order", `{"target":"/a",` + at + `}`, `{` + at + `,"target":"/a"}`},
		{"white space", " \t{ \"target\" : \"/a\" , " + at + " } \r\n", `{` + at + `,"target":"/a"}`},
		{"unknown keys", `{` + at + `,"x":[1,-0.5e+3,{"y":[true,false,null,"\u00e9"]},{}],"target":"/a"}`, `{` + at + `,"target":"/a"}`},
		{"null is unknown", `{` + at + `,"host":null,"status":null,"headers":null,"body":null}`, `{` + at + `}`},
		{"escapes", `{` + at + `,"t\u0061rget":"\/\u00e9\n\ud83d\ude00"}`, `{` + at + `,"target":"/é\n😀"}`},
		{"half a pair", `{` + at + `,"target":"\ud83dx\ude00"}`, `{` + at + `,"target":"` + "\ufffdx\ufffd" + `"}`},
		{"the last one counts", `{` + at + `,"status":1,"status":404,"target_b64":"L2I=","target":"/a"}`, `{` + at + `,"target":"/a","status":404}`},
		{"a zone", `{"at":"2026-11-23T16:30:00.5+02:30"}`, `{"at":"2026-11-23T14:00:00.5Z"}`},
		{"as a database prints it", `{"at":"2026-11-23 14:00:00Z"}`, `{` + at + `}`},
		{"not UTF-8 as it is", `{` + at + `,"target":"/` + "\xff" + `"}`, `{` + at + `,"target_b64":"L/8="}`},
		{"zero is known", `{` + at + `,"dur_us":0,"resp_size":0}`, `{` + at + `,"dur_us":0,"resp_size":0}`},
		{"no time", `{"target":"/a"}`, ReasonBadTime},
		{"null time", `{"at":null}`, ReasonBadTime},
		{"no zone", `{"at":"2026-11-23T14:00:00"}`, ReasonBadTime},
		{"no such day", `{"at":"2026-02-29T14:00:00Z"}`, ReasonBadTime},
		{"the year 9999", `{"at":"9999-01-01T00:00:00Z"}`, ReasonBadTime},
		{"empty", ``, ReasonBadJSON},
		{"an array", `[]`, ReasonBadJSON},
		{"cut off", `{` + at, ReasonBadJSON},
		{"cut off in a string", `{` + at + `,"target":"/a`, ReasonBadJSON},
		{"cut off in an escape", `{` + at + `,"target":"\`, ReasonBadJSON},
		{"cut off in a rune", `{` + at + `,"target":"\u00`, ReasonBadJSON},
		{"two objects", `{` + at + `}{}`, ReasonBadJSON},
		{"a NUL after it", `{` + at + "}\x00", ReasonBadJSON},
		{"comma at the end", `{` + at + `,}`, ReasonBadJSON},
		{"no comma", `{` + at + ` "x":1}`, ReasonBadJSON},
		{"control character", `{` + at + `,"target":"` + "\n" + `"}`, ReasonBadJSON},
		{"unknown escape", `{` + at + `,"target":"\x"}`, ReasonBadJSON},
		{"number for a string", `{` + at + `,"target":1}`, ReasonBadJSON},
		{"string for a number", `{` + at + `,"status":"200"}`, ReasonBadJSON},
		{"leading zero", `{` + at + `,"status":020}`, ReasonBadJSON},
		{"fraction", `{` + at + `,"dur_us":1.5}`, ReasonBadNumber},
		{"negative", `{` + at + `,"dur_us":-1}`, ReasonBadNumber},
		{"status above its range", `{` + at + `,"status":1000}`, ReasonBadNumber},
		{"beyond int64", `{` + at + `,"dur_us":9223372036854775808}`, ReasonBadNumber},
		{"header of three", `{` + at + `,"headers":[["a","b","c"]]}`, ReasonBadJSON},
		{"not base64", `{` + at + `,"body":"a"}`, ReasonBadJSON},
		{"padding inside", `{` + at + `,"body":"aa==aaaa"}`, ReasonBadJSON},
		{"direction", `{` + at + `,"messages":[{"dir":"x"}]}`, ReasonBadJSON},
		{"nested too deeply", `{` + at + `,"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, ReasonBadJSON},
		{"target at the limit and one", `{` + at + `,"target":"` + strings.Repeat("a", MaxTarget+1) + `"}`, ReasonTooLong},
		{"headers above the limit", `{` + at + `,"headers":[` + strings.Repeat(`["",""],`, MaxHeaders/headerOverhead) + `["",""]]}`, ReasonTooLong},
		{"body above the limit", `{` + at + `,"body":"` + strings.Repeat("AAAA", MaxBody/3+1) + `"}`, ReasonTooLong},
		{"messages above the limit", `{` + at + `,"messages":[` + strings.Repeat(`{},`, MaxMessages) + `{}]}`, ReasonTooLong},
		{"line above the limit", strings.Repeat(" ", MaxRecord+1), ReasonTooLong},
	} {
		var q Request
		err := ParseJSON([]byte(test.line), &q)
		got := ""
		if bad, ok := errors.AsType[*SyntaxError](err); ok {
			got = bad.Reason
		} else if err != nil {
			t.Errorf("%s: error %v is no *SyntaxError", test.name, err)
			continue
		} else {
			got = string(q.AppendJSON(nil))
		}
		if got != test.want {
			t.Errorf("%s: ParseJSON(%.200s) = %.200s (%v), want %.200s", test.name, test.line, got, err, test.want)
		}
	}
}

func TestParseJSONAtLimits(t *testing.T) {
	q := full()
	q.Target = bytes.Repeat([]byte{'a'}, MaxTarget)
	q.Headers = []Header{{[]byte("a"), bytes.Repeat([]byte{1}, MaxHeaders-headerOverhead-1)}}
	q.Body, q.RespBody = make([]byte, MaxBody), make([]byte, MaxBody)
	line := q.AppendJSON(nil)
	var back Request
	if err := ParseJSON(line, &back); err != nil {
		t.Fatalf("ParseJSON of a request at its limits = %v", err)
	}
	if !reflect.DeepEqual(fields(&back), fields(q)) {
		t.Error("a request at its limits came back different")
	}
}

func TestCodecAllocations(t *testing.T) {
	q := full()
	line := q.AppendJSON(nil)
	buf, work := make([]byte, 0, 2*len(line)), make([]byte, len(line))
	if n := testing.AllocsPerRun(100, func() { buf = q.AppendJSON(buf[:0]) }); n != 0 {
		t.Errorf("AppendJSON allocates %v times, want 0", n)
	}
	var back Request
	if n := testing.AllocsPerRun(100, func() {
		copy(work, line)
		if err := ParseJSON(work, &back); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("ParseJSON allocates %v times, want 0", n)
	}
}

func TestStamp(t *testing.T) {
	for _, ns := range []int64{0, 1, -1, 999999999, 1e9, -1e9, 86399_999999999, 951782400e9, 4107542399e9,
		1795442400_123456789, 1795442400_120000000, math.MaxInt64, math.MinInt64} {
		want := time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
		if got := string(appendStamp(nil, ns)); got != want {
			t.Errorf("appendStamp(%d) = %s, want %s", ns, got, want)
		}
	}
	for day := range int64(200_000) {
		ns := (day - 100_000) * secondsPerDay * nsPerSecond / 2
		b := appendStamp(nil, ns)
		if want := time.Unix(0, ns).UTC().Format(time.RFC3339Nano); string(b) != want {
			t.Fatalf("appendStamp(%d) = %s, want %s", ns, b, want)
		}
		if back, ok := parseStamp(b); !ok || back != ns {
			t.Fatalf("parseStamp(%s) = %d, %v, want %d", b, back, ok, ns)
		}
	}
}

// FuzzParseJSON holds ParseJSON against encoding/json: both accept the same lines, apart from what only we look
// at, and find the same values. What was accepted prints as a line that gives the same request again.
// reference parses line with encoding/json.
// FuzzCodec: whatever a request holds, it comes back.
func BenchmarkAppendJSON(b *testing.B) {
	q := like(4711)
	buf := q.AppendJSON(nil)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = q.AppendJSON(buf[:0])
	}
}

func BenchmarkParseJSON(b *testing.B) {
	line := like(4711).AppendJSON(nil)
	work := make([]byte, len(line))
	var q Request
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		copy(work, line)
		if err := ParseJSON(work, &q); err != nil {
			b.Fatal(err)
		}
	}
}
