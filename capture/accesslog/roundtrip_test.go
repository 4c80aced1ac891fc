package accesslog

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"trafficreplay/capture"
)

// nginxDefault writes a value as nginx does with escape=default; what is empty as "-".
func nginxDefault(s string) string {
	if s == "" {
		return "-"
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			fmt.Fprintf(&b, `\x%02X`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// nginxJSON writes a value as nginx does with escape=json.
func nginxJSON(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\b':
			b.WriteString(`\b`)
		case c == '\f':
			b.WriteString(`\f`)
		case c < ' ':
			fmt.Fprintf(&b, `\u%04X`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// apacheItem writes a value as Apache's ap_escape_logitem does.
func apacheItem(s string) string {
	if s == "" {
		return "-"
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case strings.IndexByte("\b\t\n\v\r", c) >= 0:
			b.WriteByte('\\')
			b.WriteByte("btnvr"[strings.IndexByte("\b\t\n\v\r", c)])
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// writers are formats and how their servers write a line of them.
var writers = []struct {
	format string
	write  func(q *capture.Request, agent string) string
}{
	{`[$time_local] "$request" $status "$http_user_agent" $msec $request_time`, func(q *capture.Request, agent string) string {
		return fmt.Sprintf(`[%s] "%s" %d "%s" %s %s`, q.Time().Format(clfStamp), nginxDefault(line(q)), q.Status, nginxDefault(agent), msec(q), seconds(q))
	}},
	{`{"a":"$http_user_agent","r":"$request","m":"$msec","s":$status,"d":$request_time}`, func(q *capture.Request, agent string) string {
		return fmt.Sprintf(`{"a":"%s","r":"%s","m":"%s","s":%d,"d":%s}`, nginxJSON(agent), nginxJSON(line(q)), msec(q), q.Status, seconds(q))
	}},
	{`{"a":"$http_user_agent","u":"$request_uri","p":"$server_protocol","x":"$request_method","m":$msec,"s":"$status","d":"$request_time"}`, func(q *capture.Request, agent string) string {
		return fmt.Sprintf(`{"m":%s,"d":"%s","s":"%03d","a":"%s","u":"%s","x":"%s","p":"%s"}`, msec(q), seconds(q), q.Status,
			nginxDefault(agent), nginxDefault(string(q.Target)), q.Method, q.Proto)
	}},
	{`%{msec}t "%r" %>s "%{User-Agent}i" %{ms}T`, func(q *capture.Request, agent string) string {
		return fmt.Sprintf(`%d "%s" %d "%s" %d`, q.At/millisecond, apacheItem(line(q)), q.Status, apacheItem(agent), q.DurUS/1000)
	}},
}

func line(q *capture.Request) string { return fmt.Sprintf("%s %s %s", q.Method, q.Target, q.Proto) }

// msec is the end of q as nginx writes $msec.
func msec(q *capture.Request) string {
	end := q.At/millisecond + q.DurUS/1000
	return fmt.Sprintf("%d.%03d", end/1000, end%1000)
}

func seconds(q *capture.Request) string {
	return fmt.Sprintf("%d.%03d", q.DurUS/1000/1000, q.DurUS/1000%1000)
}

// FuzzRoundTrip: what a server writes of a request is read back as that request, byte for byte.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("a?b=\"\\ \xff"), "agent \"x\" \\", uint32(1_700_000_000), uint16(57), uint16(200))
	f.Add([]byte("é/%20"), "Grüße\t\n\v\a\x7f\u2028", uint32(0), uint16(0), uint16(499))
	f.Add([]byte(`\x22\u0041\"`), `\x22\u0041\`, uint32(1<<32-1), uint16(65535), uint16(100))
	f.Fuzz(func(t *testing.T, path []byte, agent string, at uint32, took, status uint16) {
		want := capture.Request{
			At: int64(at)*second + 7*millisecond, DurUS: int64(took) * 1000, Status: 100 + int(status)%900,
			Method: []byte("GET"), Target: append([]byte("/"), path...), Proto: []byte("HTTP/1.1"),
		}
		if !visible(want.Target) || len(want.Target) > capture.MaxTarget || len(agent) > capture.MaxHeaders/8 {
			return
		}
		for _, w := range writers {
			p, err := New(Options{LogFormat: w.format})
			if err != nil {
				t.Fatal(err)
			}
			var q capture.Request
			text := w.write(&want, agent)
			if strings.ContainsAny(text, "\r\n") {
				t.Fatalf("the writer of %s wrote two lines: %q", w.format, text)
			}
			if err := p.Parse([]byte(text), &q); err != nil {
				t.Fatalf("%s: Parse(%q) = %v", w.format, text, err)
			}
			if q.At != want.At || q.DurUS != want.DurUS || q.Status != want.Status || line(&q) != line(&want) {
				t.Fatalf("%s: Parse(%q)\n got %s\nwant %s", w.format, text, show(&q), show(&want))
			}
			if got := q.Header("User-Agent"); !bytes.Equal(got, []byte(agent)) && agent != "-" {
				t.Fatalf("%s: Parse(%q): agent %q, want %q", w.format, text, got, agent)
			}
		}
	})
}

// TestEscapesStayText: bytes that are not UTF-8 pass through every writer that can write them.
func TestEscapesStayText(t *testing.T) {
	for c := range 256 {
		s := string([]byte{'a', byte(c), 'b'})
		for name, escape := range map[string]func(string) string{"nginx": nginxDefault, "json": nginxJSON, "apache": apacheItem} {
			if got := string(unescape(nil, []byte(escape(s)))); got != s {
				t.Errorf("%s: %q is written %q and read %q", name, s, escape(s), got)
			}
		}
		if c < utf8.RuneSelf && !bytes.Equal(unescape(nil, []byte(nginxJSON(s))), []byte(s)) {
			t.Errorf("json: byte %#x is lost", c)
		}
	}
}
