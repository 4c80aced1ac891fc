package har

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"trafficreplay/capture"
)

// decodedFrom is what Content-Encoding of a response is called beside a body that was decoded, so that nobody decodes it
// again: content.text is decoded by definition, whatever the fields say.
const decodedFrom = "X-Decoded-Content-Encoding"

// body fills the request's body. The parts of a multipart form are not what was sent, so only its size is known. Where
// the body was encoded and the text is the decoded one, the field that says so goes, since the text is what can be sent.
func (e *entry) body(q *capture.Request) {
	if n := e.Request.BodySize.count(); n > 0 {
		q.BodySize = n
	} else if n, err := strconv.ParseInt(e.Request.Headers.get("Content-Length"), 10, 64); err == nil && n >= 0 {
		q.BodySize = n
	} else if e.Request.BodySize.count() == 0 && e.Request.Post == nil {
		q.BodySize = 0
	}
	p := e.Request.Post
	if p == nil {
		return
	}
	text, ok := bytesOf(p.Text, p.Encoding)
	if !ok {
		return
	}
	if len(text) == 0 && strings.HasPrefix(p.Mime, "application/x-www-form-urlencoded") {
		for _, f := range p.Params {
			if f.Value == nil || f.File != "" {
				continue
			}
			if len(text) > 0 {
				text = append(text, '&')
			}
			text = append(append(append(text, field(f.Name)...), '='), field(*f.Value)...)
		}
	}
	if len(text) == 0 {
		return
	}
	if p.Encoding == "" && isDecoded(p.Text, q.Headers) {
		q.Headers = slices.DeleteFunc(q.Headers, func(h capture.Header) bool { return h.IsNamed("Content-Encoding") })
		q.BodySize = int64(len(text))
	}
	if q.BodySize < 0 {
		q.BodySize = int64(len(text))
	}
	if len(text) <= capture.MaxBody {
		q.Body = text
	}
}

// field encodes a form's name or value, unless it is encoded already, as most browsers write it.
func field(s string) string {
	if strings.ContainsAny(s, "%+") && !strings.ContainsAny(s, " &=") {
		return s
	}
	return url.QueryEscape(s)
}

// isDecoded reports whether a text is what a body was before it was encoded: compressed, it would be no text.
func isDecoded(text string, hs []capture.Header) bool {
	return slices.ContainsFunc(hs, func(h capture.Header) bool {
		switch strings.ToLower(string(h.Value)) {
		case "gzip", "x-gzip", "deflate", "br", "zstd":
			return h.IsNamed("Content-Encoding")
		}
		return false
	}) && !strings.ContainsFunc(text, func(r rune) bool {
		return r == utf8.RuneError || r < ' ' && r != '\t' && r != '\r' && r != '\n'
	})
}

// content fills the response's body.
func (e *entry) content(q *capture.Request) {
	c := &e.Response.Content
	if len(c.Text) > base64.StdEncoding.EncodedLen(capture.MaxBody) {
		return
	}
	text, ok := bytesOf(c.Text, c.Encoding)
	if !ok || len(text) == 0 || len(text) > capture.MaxBody {
		return
	}
	q.RespBody = text
	for i := range q.RespHeaders {
		if h := &q.RespHeaders[i]; h.IsNamed("Content-Encoding") {
			h.Name = []byte(decodedFrom)
		}
	}
}

// bytesOf is what a text stands for. It is false where that is not known.
func bytesOf(text, encoding string) (_ []byte, ok bool) {
	if encoding != "base64" {
		return []byte(text), true
	}
	b, err := base64.StdEncoding.DecodeString(text)
	return b, err == nil
}
