package wire

import "bytes"

// framing is what the fields of a head say about the length of the body and about what follows it.
type framing struct {
	length   int64 // Content-Length; noLength
	badSize  bool  // Content-Length is no number, or there are several that differ
	coded    bool  // Transfer-Encoding is there, and more than identity
	chunked  bool  // its last coding is chunked
	badCoded bool  // chunked is there, but not once and last

	expect bool // 100-continue

	host, content, upgrade, extensions []byte // values; they lie in the head
}

const noLength = -1

// see takes what matters from a field.
func (f *framing) see(name, value []byte) {
	switch len(name) {
	case 4:
		if f.host == nil && is(name, "host") {
			f.host = value
		}
	case 6:
		if is(name, "expect") {
			f.expect = is(value, "100-continue")
		}
	case 7:
		if is(name, "upgrade") {
			f.upgrade = value
		}
	case 12:
		if f.content == nil && is(name, "content-type") {
			f.content = value
		}
	case 14:
		if is(name, "content-length") {
			eachWord(value, f.contentLength)
		}
	case 17:
		if is(name, "transfer-encoding") {
			eachWord(value, f.transferCoding)
		}
	case 24:
		if f.extensions == nil && is(name, "sec-websocket-extensions") {
			f.extensions = value
		}
	}
}

// eachWord calls see for each part of a comma-separated list, without blanks around it.
func eachWord(list []byte, see func(word []byte)) {
	for more := true; more; {
		var word []byte
		word, list, more = bytes.Cut(list, []byte(","))
		see(bytes.Trim(word, " \t"))
	}
}

// contentLength takes one value of Content-Length. Several are good if they are equal (RFC 9112, section 6.3).
func (f *framing) contentLength(v []byte) {
	n, ok := decimal(v)
	if !ok || f.length != noLength && f.length != n {
		f.badSize = true
		return
	}
	f.length = n
}

// decimal reads digits, and nothing but digits, up to 2^63-1.
func decimal(v []byte) (n int64, ok bool) {
	for _, c := range v {
		d := int64(c) - '0'
		if d < 0 || d > 9 || n > (1<<63-1-d)/10 {
			return 0, false
		}
		n = 10*n + d
	}
	return n, len(v) > 0
}

// transferCoding takes one coding of Transfer-Encoding. The old identity says nothing.
func (f *framing) transferCoding(v []byte) {
	switch {
	case len(v) == 0 || is(v, "identity"):
	case is(v, "chunked"):
		f.badCoded = f.badCoded || f.chunked
		f.coded, f.chunked = true, true
	default:
		f.badCoded = f.badCoded || f.chunked
		f.coded = true
	}
}

// delimiter says how a body ends.
type delimiter uint8

const (
	byLength delimiter = iota
	byChunks
	byClose
	unknowable
)

// request is how the body of a request ends, and its length (RFC 9112, section 6.3). What a server has to refuse is
// unknowable; where both a coding and a length are given the coding counts.
func (f *framing) request(proto []byte) (delimiter, int64) {
	switch {
	case f.coded && (!f.chunked || f.badCoded || string(proto) == "HTTP/1.0"):
		return unknowable, 0
	case f.coded:
		return byChunks, 0
	case f.badSize:
		return unknowable, 0
	}
	return byLength, max(f.length, 0)
}

// response is how the body of a response ends, and its length. none: to this request, with this status there is no
// body. Unlike in requests the coding counts in HTTP/1.0 too, since clients read what such servers send.
func (f *framing) response(none bool) (delimiter, int64) {
	switch {
	case none:
		return byLength, 0
	case f.coded && f.chunked && !f.badCoded:
		return byChunks, 0
	case f.coded:
		return byClose, 0
	case f.badSize:
		return unknowable, 0
	case f.length == noLength:
		return byClose, 0
	}
	return byLength, f.length
}
