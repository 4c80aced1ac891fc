package redact

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzTarget: no panic, the length stays, the input is not written to, a planted secret never comes out.
func FuzzTarget(f *testing.F) {
	for _, s := range []string{"/a?b=c", "/;jsessionid=1?x=%7B%22a%22%3A1%7D#t=1", "http://u:p@h/x", "/%2525%41%", "?=&;=", "/a?x=-----BEGIN ", "/a?x=eyJ", "/a/b@c.de/+49"} {
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, where uint8) {
		m := New(nil)
		before := bytes.Clone(b)
		out := m.Target(b)
		if !bytes.Equal(b, before) {
			t.Fatalf("the input %q became %q", before, b)
		}
		if len(out) != len(b) && authority(b) == 0 {
			t.Errorf("%q became %q, of another length", b, out)
		}
		for _, s := range secrets {
			planted := plantIn(b, where, url.QueryEscape(s))
			if got := m.Target(planted); bytes.Contains(got, []byte(url.QueryEscape(s))) {
				t.Errorf("%s is still in %q", s, got)
			}
		}
	})
}

// plantIn puts &x=secret& after the query's mark, behind as much of b as the position says.
func plantIn(b []byte, where uint8, s string) []byte {
	clean := bytes.Map(func(r rune) rune {
		if strings.ContainsRune("%&;=#", r) || r >= 0x80 {
			return '.'
		}
		return r
	}, b)
	n := int(where) % (len(clean) + 1)
	return []byte("/x?" + string(clean[:n]) + "&x=" + s + "&" + string(clean[n:]))
}

// FuzzBody: no panic, the length stays, valid JSON stays valid, a planted secret never comes out.
func FuzzBody(f *testing.F) {
	for _, s := range []string{`{"a":"b","password":["x",{"y":1}]}`, `{"a":"\ud83d\u0041\"`, "a=b&c=%41", "--x\r\nA: b; name=\"token\"\r\n\r\nv\r\n--x--", "<a><pin>1</pin></a>", `[[[[{"a":"{\"b\":\"[1]\"}"}]]]`, "-1e5,{"} {
		f.Add([]byte(s), "application/json")
	}
	for _, s := range [][2]string{
		{"--x\r\n\r\n\r\n--x--", "multipart/form-data"}, {"--x\r\nContent-Transfer-Encoding: base64\r\n\r\nYUBiLmNv\r\n--x--", "multipart/mixed; boundary=x"},
		{"--x\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=40b=\r\n.co\r\n--x--", "multipart/mixed; boundary=x"},
		{"<a b='c' password=d><![CDATA[<e>]]><!-- f --><name>pin</name><v>&#x41;</v></a>", "text/xml"}, {"<input name=token value=x><script>{pin:'1'}</script>", "text/html"},
		{"\x0a\x05a@b.c\x12\x02\x08\x01", "application/grpc"}, {"\xff\xfe<\x00a\x00>\x00", "text/xml; charset=utf-16"}, {"42[\"a\",{b:1}]", ""}, {"data: {\"a\":1}\n\n", "text/event-stream"},
		{"\x00\x01\xd9\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "application/octet-stream"},
	} {
		f.Add([]byte(s[0]), s[1])
	}
	f.Fuzz(func(t *testing.T, b []byte, contentType string) {
		m := New(nil)
		out := m.Body(b, []byte(contentType))
		if len(out) != len(b) {
			t.Errorf("%q became %q, of another length", b, out)
		}
		said := utf8.Valid(b) || formatOf([]byte(contentType)) == formatJSON // else it is binary: JSON is UTF-8 (RFC 8259, section 8.1)
		if json.Valid(b) && said && !strings.Contains(contentType, "multipart/") && !json.Valid(out) {
			t.Errorf("JSON %q became %q, which is none", b, out)
		}
		if xmlShape(b) && !xmlShape(out) && formatOf([]byte(contentType)) == formatXML && !isBinary(b) {
			t.Errorf("XML %q became %q, which is none", b, out)
		}
		if eachField(b, nil) && formatOf([]byte(contentType)) == formatProtobuf && !eachField(out, nil) {
			t.Errorf("protobuf %q became %q, which is none", b, out)
		}
		if !json.Valid(b) {
			return
		}
		for _, s := range secrets {
			q, _ := json.Marshal(s)
			planted := []byte(`{"o":` + string(b) + `,"note":` + string(q) + `}`)
			if got := m.Body(planted, nil); bytes.Contains(got, q[1:len(q)-1]) && !isBinary(planted) && !bytes.Contains(b, q[1:len(q)-1]) {
				t.Errorf("%s is still in %q", s, got)
			}
		}
	})
}

// FuzzHeader: no panic, the length stays, and the second pass of an audit over what came out is silent
// about what a name condemned.
func FuzzHeader(f *testing.F) {
	f.Add("Cookie", []byte("a=b; c; =d;; e=\"f\""))
	f.Add("Authorization", []byte("Bearer"))
	f.Add("User-Agent", []byte("x 1.2.3.4 (a@b.cd)"))
	f.Add("X-Forwarded-For", []byte("1.2.3.4, ::1"))
	f.Add("Referer", []byte("https://a@b/c?d#e"))
	f.Fuzz(func(t *testing.T, name string, value []byte) {
		m := New(nil)
		out := m.Header([]byte(name), value)
		if len(out) != len(value) {
			t.Errorf("%s: %q became %q, of another length", name, value, out)
		}
		if headerSort([]byte(name)) == secret {
			if got := NewAuditor(nil).Header([]byte(name), out); len(got) > 0 {
				t.Errorf("%s: %q became %q, in which the audit finds %v", name, value, out, got)
			}
		}
	})
}

// xmlShape reports whether b is a well-formed document.
func xmlShape(b []byte) bool {
	d := xml.NewDecoder(bytes.NewReader(b))
	elements := 0
	for {
		tok, err := d.Token()
		if err != nil {
			return err == io.EOF && elements > 0
		}
		if _, ok := tok.(xml.StartElement); ok {
			elements++
		}
	}
}
