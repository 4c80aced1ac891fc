package redact

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// Body redacts a body by its content type, or by its looks where that is missing or wrong: JSON, XML and HTML, a
// form, multipart fields, protobuf, the texts between binary data, and otherwise any text. Its length stays.
func (m *Masker) Body(b, contentType []byte) []byte {
	if len(b) == 0 {
		return b
	}
	m.begin(b)
	m.body(m.whole(b), contentType)
	return m.matched(m.end(b), Bodies)
}

// maxNest bounds how deep documents in documents are read as such: JSON in a form, XML in that. Deeper ones are text.
const maxNest = 8

func (m *Masker) body(v view, contentType []byte) {
	if m.nest == maxNest {
		m.text(v, context{})
		return
	}
	m.nest++
	defer func() { m.nest-- }()
	declared := formatOf(contentType)
	switch {
	case declared == formatMultipart, declared == formatAny && looksMultipart(v.b):
		m.multipart(v, contentType)
	case declared == formatProtobuf, declared == formatAny && looksProtobuf(v.b):
		m.binary(v)
	case m.wide(v, contentType):
	case declared == formatMedia && isBinary(v.b):
		m.media(v)
	case isBinary(v.b) && (declared == formatAny || declared == formatMedia || hasControl(v.b)):
		m.binary(v)
	default: // text in Latin-1 and the like too, if its type says that it is text
		m.textual(v, declared)
	}
}

// textual redacts a body that is text.
func (m *Masker) textual(v view, declared format) {
	switch n := packetDigits(v.b); {
	case looksJSON(v.b), isNumber(v.b), declared == formatJSON && !looksXML(v.b):
		m.json(v)
	case declared == formatAny && n > 0 && looksJSON(v.b[n:]):
		m.json(v.sub(n, len(v.b)))
	case looksXML(v.b), declared == formatXML:
		m.xml(v)
	case declared == formatForm, looksForm(v.b):
		m.form = true
		m.query(v)
		m.form = false
	case declared == formatEvents:
		m.events(v)
	default:
		m.text(v, context{lines: true})
	}
}

// format is what a content type says about how to read a body.
type format uint8

const (
	formatAny format = iota // it says nothing
	formatMultipart
	formatProtobuf // gRPC too
	formatMedia    // pictures, sound, films, fonts
	formatText     // it and those below are text
	formatJSON
	formatXML // HTML too
	formatForm
	formatEvents // lines of server-sent events
)

// formats by what their content types hold, the telling ones first.
var formats = []struct {
	holds string
	is    format
}{
	{"multipart/", formatMultipart}, {"xml", formatXML}, {"html", formatXML}, {"json", formatJSON}, {"graphql", formatText},
	{"x-www-form-urlencoded", formatForm}, {"event-stream", formatEvents}, {"protobuf", formatProtobuf}, {"grpc", formatProtobuf}, {"x-proto", formatProtobuf},
	{"image/", formatMedia}, {"video/", formatMedia}, {"audio/", formatMedia}, {"font", formatMedia}, {"text/", formatText},
}

func formatOf(contentType []byte) format {
	if len(contentType) == 0 {
		return formatAny
	}
	kind, _, _ := bytes.Cut(contentType[:min(len(contentType), 256)], []byte(";"))
	for _, f := range formats {
		if containsFold(kind, f.holds) {
			return f.is
		}
	}
	return formatAny
}

// IsMedia reports whether a content type is one of pictures, sound, films or fonts: nobody's text is in them.
func IsMedia(contentType []byte) bool { return formatOf(contentType) == formatMedia }

// events redacts server-sent events: what stands behind data: is a value of its own.
func (m *Masker) events(v view) {
	for s := 0; s < len(v.b); {
		e := s + lineEnd(v.b[s:])
		line := v.sub(s, e)
		if hasPrefix(line.b, "data:") {
			m.value(line.sub(len("data:"), len(line.b)), plain, context{lines: true})
		} else {
			m.text(line, context{})
		}
		s = e + 1
	}
}

func lineEnd(b []byte) int {
	if n := bytes.IndexByte(b, '\n'); n >= 0 {
		return n
	}
	return len(b)
}

// isBinary reports whether b is not text: it holds control bytes, or is not UTF-8 in more than a few places.
func isBinary(b []byte) bool {
	bad := 0
	for i := 0; i < len(b); {
		if n := plainLength(b[i:]); n > 0 {
			i += n
			continue
		}
		c := b[i]
		if c < 0x80 {
			if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1b {
				bad++
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			bad++
		}
		i += n
	}
	return bad*20 > len(b)
}

// plainLength is how many bytes at the start of b, in eights, are ASCII without control bytes.
func plainLength(b []byte) (n int) {
	const low, high = 0x0101010101010101, 0x8080808080808080
	for ; len(b) >= n+8; n += 8 {
		x := binary.LittleEndian.Uint64(b[n:])
		if (x|(x-' '*low))&high != 0 { // the high bit of a byte: it has one itself, or it is below a space
			break
		}
	}
	return n
}

// looksMultipart reports whether b begins like a multipart body.
func looksMultipart(b []byte) bool {
	line := b[:min(len(b), maxBoundary)]
	n := bytes.IndexByte(line, '\n')
	return hasPrefix(b, "--") && n > 2 && len(b) >= n+9 && equalFold(b[n+1:n+9], "content-")
}

// looksForm reports whether b is one line of name=value pairs.
func looksForm(b []byte) bool {
	b = bytes.TrimRight(b, "\r\n")
	eq := bytes.IndexByte(b[:min(len(b), maxName)], '=')
	return eq > 0 && !bytes.ContainsAny(b, " \n\r\t<{") && !bytes.ContainsAny(b[:eq], "/?") // a URL is none
}

// packetDigits is how many digits come before the JSON of a message that numbers its kinds, as Socket.IO does; 0: none.
func packetDigits(b []byte) int {
	n := 0
	for n < len(b) && n < 8 && kinds[b[n]] == digit {
		n++
	}
	return n
}

func containsFold(b []byte, s string) bool {
	for i := 0; i+len(s) <= len(b); i++ {
		j := 0
		for j < len(s) && (b[i+j] == s[j] || b[i+j]|0x20 == s[j]) {
			j++
		}
		if j == len(s) {
			return true
		}
	}
	return false
}
