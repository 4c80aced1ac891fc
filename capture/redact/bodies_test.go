package redact

import (
	"encoding/base64"
	"encoding/xml"
	"io"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"strings"
	"testing"
	"unicode/utf16"
)

// TestBodyForms: what a name condemns goes, what it does not stays, and every byte has its place.
func TestBodyForms(t *testing.T) {
	for _, c := range []struct{ name, contentType, body, gone, stays string }{
		{"SOAP", "application/soap+xml", `<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><wsse:Password Type="http://docs.example/x#PasswordText">hunter</wsse:Password><m:Item id="5">Red shoes</m:Item></s:Body></s:Envelope>`,
			"hunter", `<m:Item id="5">Red shoes</m:Item>`},
		{"attribute", "text/xml", `<user password="hunter" name='shoes'/>`, "hunter", `name='shoes'`},
		{"form of HTML", "text/html; charset=utf-8", `<form><input type="hidden" value="k3y" name="csrf_token"><input name="q" value="shoes"></form>`, "k3y", `<input name="q" value="shoes"></form>`},
		{"unquoted attributes", "text/html", `<input name=password value=hunter><p>text`, "hunter", `<p>text`},
		{"named element", "", `<doc><field name="token">hunter</field><field name="title">shoes</field></doc>`, "hunter", `<field name="title">shoes</field>`},
		{"key and string", "text/xml", `<plist><dict><key>Password</key><string>hunter</string><key>Title</key><string>shoes</string></dict></plist>`, "hunter", `<string>shoes</string>`},
		{"XML-RPC", "text/xml", `<struct><member><name>password</name><value><string>hunter</string></value></member><member><name>x</name><value><string>shoes</string></value></member></struct>`,
			"hunter", `<string>shoes</string>`},
		{"below a name", "text/xml", `<credentials><a>hunter</a><b c="x">rabbit2</b></credentials><d>shoes</d>`, "hunter", "<d>shoes</d>"},
		{"id below a name", "text/xml", `<credentials><id>hunter</id></credentials><id>shoes</id>`, "hunter", "<id>shoes</id>"},
		{"XML in Latin-1", "text/xml; charset=iso-8859-1", "<a>\xe4\xf6\xfc\xe4\xf6\xfc\xe4\xf6<pin v='\xe4\xf6\xfc'>hunt\xe4r</pin><x>sch\xf6n</x></a>", "hunt", "<x>sch\xf6n</x></a>"},
		{"JSON in Cyrillic of one byte", "application/json; charset=windows-1251", "{\"a\":\"\xef\xf0\xe8\xe2\xe5\xf2\",\"pin\":\"\xef\xe0hunt\"}", "hunt", "{\"a\":\"\xef\xf0\xe8\xe2\xe5\xf2\","},
		{"CDATA", "text/xml", `<a><password><![CDATA[hun<ter]]></password><b><![CDATA[shoes & more]]></b></a>`, "hun<ter", "<b><![CDATA[shoes & more]]></b></a>"},
		{"JSON in CDATA", "text/xml", `<a><![CDATA[{"password":"hunter"}]]></a>`, "hunter", `<a><![CDATA[{"password":"`},
		{"XML in an element", "text/xml", `<a>&lt;password&gt;hunter&lt;/password&gt;</a>`, "hunter", `<a>&lt;password&gt;`},
		{"references", "text/xml", `<a>jane&#64;example.com &#x6A;ane@mail.example.com</a>`, "jane", `&#64;`},
		{"reference in an attribute", "text/html", `<a href="/x?a=1&amp;token=hunter">x</a>`, "hunter", `<a href="/x?a=1&amp;token=`},
		{"comment", "text/xml", `<a><!-- jane@example.com --></a>`, "jane", `<a><!-- `},
		{"script", "text/html", `<script>window.x={"password":"hunter"}; y = "shoes"</script><p>jacket`, "hunter", `y = "shoes"</script><p>jacket`},
		{"JSON of a script", "text/html", `<script type="application/json">{"credentials":{"x":"hunter"}}</script>`, "hunter", `</script>`},
		{"XML in JSON", "application/json", `{"x":"<a><password>hunter<\/password><\/a>","y":"shoes"}`, "hunter", `"y":"shoes"`},
		{"JSON in a form", "application/x-www-form-urlencoded", `payload=%7B%22password%22%3A%22hunter%22%7D&x=shoes`, "hunter", "&x=shoes"},
		{"JSON called a form", "application/x-www-form-urlencoded", `{"password":"hunter","x":"shoes"}`, "hunter", `"x":"shoes"`},
		{"form called JSON", "application/json", `password=hunter&x=shoes`, "hunter", `&x=shoes`},
		{"form in Latin-1", "application/x-www-form-urlencoded; charset=iso-8859-1", `password=h%FCnter&x=sch%F6n`, "%FCnter", `&x=sch%F6n`},
		{"GraphQL variables", "application/json", `{"query":"mutation M($i: I!) { login(input: $i) { id } }","variables":{"i":{"password":"hunter"}}}`, "hunter", `mutation M($i: I!) { login(input: $i) { id } }`},
		{"GraphQL literal", "application/graphql", `mutation { login(user: 5, password: "hunter") { id } }`, "hunter", `mutation { login(user: 5, password: "`},
		{"lines", "text/plain", "name=shoes\npassword=hunter\ntoken: rabbit\n", "hunter", "name=shoes\n"},
		{"lines with colons", "text/yaml", "title: shoes\npassword: hunter\n", "hunter", "title: shoes\n"},
		{"JavaScript", "application/javascript", `cb({password:'hunter',title:'shoes'})`, "hunter", `title:'shoes'`},
		{"JSON behind a guard", "application/json", ")]}',\n{\"password\":\"hunter\",\"x\":\"shoes\"}", "hunter", `"x":"shoes"`},
		{"Socket.IO", "", `42["login",{"password":"hunter","x":"shoes"}]`, "hunter", `"x":"shoes"`},
		{"server-sent events", "text/event-stream", "event: a\ndata: {\"credentials\":{\"x\":\"hunter\"}}\n\ndata: shoes\n", "hunter", "data: shoes\n"},
		{"bracketed log line", "", `[info] login password=hunter of shoes`, "hunter", "of shoes"},
		{"quoted in a text", "text/plain", `sent {\"password\":\"hunter\",\"x\":\"shoes\"}`, "hunter", `\"x\":\"shoes\"`},
		{"octets that are JSON", "application/octet-stream", `{"password":"hunter","x":"shoes"}`, "hunter", `"x":"shoes"`},
	} {
		got := string(New(nil).Body([]byte(c.body), []byte(c.contentType)))
		if strings.Contains(got, c.gone) || !strings.Contains(got, c.stays) || len(got) != len(c.body) {
			t.Errorf("%s: %q became\n%q, want %q gone and %q kept", c.name, c.body, got, c.gone, c.stays)
		}
		if finds := NewAuditor(nil).Body([]byte(got), []byte(c.contentType)); len(finds) > 0 {
			t.Errorf("%s: the audit finds %v in %q", c.name, finds, got)
		}
	}
}

// TestXMLStaysXML: it is well formed, with the same elements and attributes.
func TestXMLStaysXML(t *testing.T) {
	outline := func(doc string) (out string) {
		d := xml.NewDecoder(strings.NewReader(doc))
		for {
			tok, err := d.Token()
			if err == io.EOF {
				return out
			} else if err != nil {
				return "no XML: " + err.Error()
			}
			switch e := tok.(type) {
			case xml.StartElement:
				out += "<" + e.Name.Local
				for _, a := range e.Attr {
					out += " " + a.Name.Local
				}
			case xml.EndElement:
				out += ">"
			}
		}
	}
	for _, secret := range secrets {
		var e strings.Builder
		if err := xml.EscapeText(&e, []byte(secret)); err != nil {
			t.Fatal(err)
		}
		doc := `<a xmlns:x="urn:x"><x:password>` + e.String() + `</x:password><note to="` + e.String() + `">see ` + e.String() + ` ok</note><in name="token" value="` + e.String() + `"/><c><![CDATA[` + secret + `]]></c></a>`
		got := string(New(nil).Body([]byte(doc), []byte("application/xml")))
		if strings.Contains(got, secret) || strings.Contains(got, e.String()) || outline(got) != outline(doc) || len(got) != len(doc) {
			t.Errorf("%s became\n%s", doc, got)
		}
	}
}

// TestPartsKeepTheirEncoding: a part in quoted-printable or base64 is still one, and so is a part of a part.
func TestPartsKeepTheirEncoding(t *testing.T) {
	for _, secret := range secrets {
		text := "We met. " + strings.Repeat("words and more words, ", 5) + secret + " and on with it\n"
		var qp strings.Builder
		w := quotedprintable.NewWriter(&qp)
		if _, err := io.WriteString(w, text); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		b64 := base64.StdEncoding.EncodeToString([]byte(text))
		for i := 60; i < len(b64); i += 62 {
			b64 = b64[:i] + "\r\n" + b64[i:]
		}
		part := func(head, s string) string {
			return "Content-Disposition: form-data; name=x\r\n" + head + "\r\n\r\n" + s + "\r\n"
		}
		inner := "--in\r\n" + part("content-transfer-encoding: Base64", b64) + "--in--\r\n"
		body := "preamble\r\n--out\r\n" + part("Content-Transfer-Encoding: quoted-printable", qp.String()) + "--out\r\n" + part("Content-Transfer-Encoding: base64", b64) +
			"--out\r\n" + part("Content-Type: multipart/mixed; boundary=\"in\"", inner) + "--out--\r\n"
		got := string(New(nil).Body([]byte(body), []byte(`multipart/form-data; boundary="out"`)))
		if len(got) != len(body) {
			t.Fatalf("%s: %d bytes became %d", secret, len(body), len(got))
		}
		texts := partTexts(t, "multipart/form-data; boundary=out", got)
		if len(texts) != 3 {
			t.Fatalf("%s: %d parts in %q", secret, len(texts), got)
		}
		for i, s := range texts {
			if strings.Contains(s, secret) || !strings.HasPrefix(s, "We met. words and more") || !strings.Contains(s, " and on with it") {
				t.Errorf("part %d with %s became %q", i, secret, s)
			}
		}
	}
}

// partTexts decodes all parts, those of parts too.
func partTexts(t *testing.T, contentType, body string) (texts []string) {
	t.Helper()
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	r := multipart.NewReader(strings.NewReader(body), params["boundary"])
	for {
		p, err := r.NextPart()
		if err == io.EOF {
			return texts
		} else if err != nil {
			t.Fatalf("%v in %q", err, body)
		}
		b, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		if strings.EqualFold(p.Header.Get("Content-Transfer-Encoding"), "base64") {
			if b, err = base64.StdEncoding.DecodeString(string(b)); err != nil {
				t.Fatal(err)
			}
		}
		if kind := p.Header.Get("Content-Type"); strings.HasPrefix(kind, "multipart/") {
			texts = append(texts, partTexts(t, kind, string(b))...)
		} else {
			texts = append(texts, string(b))
		}
	}
}

// field is a field of protobuf with a length.
func field(n byte, s string) string {
	if len(s) < 0x80 {
		return string(n<<3|2) + string(rune(len(s))) + s
	}
	return string([]byte{n<<3 | 2, byte(len(s)) | 0x80, byte(len(s) >> 7)}) + s
}

// TestProtobufStaysProtobuf: strings in messages and in messages within them go, lengths and numbers stay.
func TestProtobufStaysProtobuf(t *testing.T) {
	for _, secret := range secrets {
		for n := byte(1); n < 16; n++ {
			inner := field(n, secret) + "\x08\x96\x01" + field(2, "shoes of somebody")
			for name, body := range map[string]string{
				"string": inner, "message": field(n, inner) + "\x20\x05", "deep": field(3, field(n, field(1, inner))), "beside": field(1, "507f1f77bcf86cd799439011") + field(11, "da39a3ee5e6b4b0d3255bfef95601890") + field(n, secret),
			} {
				for _, kind := range []string{"application/grpc", "application/x-protobuf", "", "application/octet-stream"} {
					got := string(New(nil).Body([]byte(body), []byte(kind)))
					if strings.Contains(got, secret) || places(got) != places(body) {
						t.Fatalf("%s of %s in field %d of a %s became\n%q, was\n%q", secret, kind, n, name, got, body)
					}
				}
			}
		}
	}
}

// places are where the length-delimited fields of a message are.
func places(b string) (out string) {
	if !eachField([]byte(b), func(s, e int) { out += string(rune(s)) + string(rune(e)) }) {
		return "none"
	}
	return out
}

// TestBinaryRuns: texts between binary data are looked at, also where a length that looks like a letter stands before them.
func TestBinaryRuns(t *testing.T) {
	for _, secret := range secrets {
		for _, before := range []string{"\x00", "\x81\xa4", string([]byte{0xd9, byte(len(secret))}), string([]byte{0xa0 | byte(len(secret)&31)})} {
			if before == "\x00" && len(secret) < minText || before == "\x81\xa4" && len(secret) < minText {
				continue
			}
			body := "\x00\x01\x02\xff\xfe" + strings.Repeat("\x80\x03", 200) + before + secret + "\x00\x05"
			got := string(New(nil).Body([]byte(body), nil))
			if strings.Contains(got, secret) || len(got) != len(body) {
				t.Errorf("%q became %q", body[400:], got[400:])
			}
		}
	}
}

// TestWideText is text in UTF-16, both byte orders.
func TestWideText(t *testing.T) {
	encode := func(s string, order int) string {
		var b []byte
		for _, u := range utf16.Encode([]rune(s)) {
			pair := [2]byte{byte(u), byte(u >> 8)}
			b = append(b, pair[order], pair[1-order])
		}
		return string(b)
	}
	for _, secret := range secrets {
		for order := range 2 {
			for _, bom := range []string{"", "\ufeff"} {
				doc := encode(bom+`<a><password>häschen</password><x>`+secret+`</x></a>`, order)
				got := string(New(nil).Body([]byte(doc), []byte("text/xml; charset=utf-16")))
				if strings.Contains(got, encode(secret, order)) || strings.Contains(got, encode("schen", order)) || len(got) != len(doc) || !strings.HasSuffix(got, encode("</x></a>", order)) {
					t.Errorf("%q became %q", doc, got)
				}
			}
		}
	}
}

// TestRandomBytesStay: what is compressed or encrypted holds no secrets, and must not be damaged by looking for them.
func TestRandomBytesStay(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	n := 0
	body := make([]byte, 256<<10)
	for range 64 {
		for i := range body {
			body[i] = byte(rng.Uint32())
		}
		n += len(NewAuditor(nil).Body(body, nil))
	}
	if n > 1 {
		t.Errorf("%d finds in 16 MiB of random bytes, want at most 1", n)
	}
}

// TestMediaStay: pictures lose credentials of known forms and nothing else.
func TestMediaStay(t *testing.T) {
	body := "\x89PNG\r\n\x1a\n\x00\x00\x00\x01jane@example.com\x00\x05\x06 4111111111111111 ghp_16C7e42F292c6912E7710c838347Ae178B4a\x00\x01\x02"
	got := string(New(nil).Body([]byte(body), []byte("image/png")))
	if !strings.Contains(got, "jane@example.com\x00\x05\x06 4111111111111111 ") || strings.Contains(got, "16C7e42F") || len(got) != len(body) {
		t.Errorf("%q became %q", body, got)
	}
}

// BenchmarkBodies is 40 KB of each form with nothing to replace.
func BenchmarkBodies(b *testing.B) {
	for _, c := range []struct{ name, contentType, unit string }{
		{"text", "text/plain", "The quick brown fox, who lives at no. 5, jumped: over the lazy dog; and so on.\n"},
		{"HTML", "text/html", "<div class=\"item\"><a href=\"/item?id=5\">The quick brown fox</a><span>49.90</span></div>\n"},
		{"form", "application/x-www-form-urlencoded", "title=Red+shoes&id=5&"},
		{"one word that is no JSON", "application/json", "x"},
		{"multipart", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nRed shoes\r\n"},
		{"protobuf", "application/grpc", "\x0a\x09Red shoes\x10\x05"},
		{"binary", "application/octet-stream", "\x00\x01\xfe\x99\x12abc"},
		{"picture", "image/png", "\x00\x01\xfe\x99\x12abc"},
	} {
		b.Run(c.name, func(b *testing.B) {
			body := []byte(strings.Repeat(c.unit, 40<<10/len(c.unit)))
			m, kind := New(nil), []byte(c.contentType)
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				m.Reset()
				m.Body(body, kind)
			}
		})
	}
}
