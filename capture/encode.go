package capture

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxRecord is the ceiling on one request in a capture file: bytes of its JSON, without the line end.
const MaxRecord = 8 << 20

// MaxMessages is how many messages one request may hold.
const MaxMessages = 1 << 16

// Ledger reasons of [ParseJSON] and [Request.CheckLimits].
const (
	ReasonBadJSON   = "bad-json"   // not a JSON object, or a known key with a value of the wrong kind
	ReasonBadTime   = "bad-time"   // no "at", or one that is not RFC 3339 with a zone
	ReasonBadNumber = "bad-number" // out of range, or not an integer
	ReasonTooLong   = "too-long"   // a line, or a part of a request, above its limit
)

const maxStatus = 999

// minAt and maxAt bound an arrival: the whole seconds that nanoseconds can count (1677 to 2262).
const (
	minAt = math.MinInt64 / nsPerSecond * nsPerSecond
	maxAt = math.MaxInt64 / nsPerSecond * nsPerSecond
)

// headerOverhead is what a header field takes beside its name and value: ": " and a line end, as on the wire.
// It also bounds the number of empty fields.
const headerOverhead = 4

// CheckLimits says whether every part of q is within the limits of a request: nil, or which one is not, as a
// [*SyntaxError] with [ReasonTooLong], [ReasonBadTime] or [ReasonBadNumber].
func (q *Request) CheckLimits() error {
	switch {
	case len(q.Target) > MaxTarget:
		return tooLong("target", q.Target, len(q.Target), MaxTarget)
	case headerBytes(q.Headers) > MaxHeaders:
		return tooLong("headers", nil, headerBytes(q.Headers), MaxHeaders)
	case headerBytes(q.RespHeaders) > MaxHeaders:
		return tooLong("resp_headers", nil, headerBytes(q.RespHeaders), MaxHeaders)
	case headerBytes(q.Trailers) > MaxHeaders:
		return tooLong("trailers", nil, headerBytes(q.Trailers), MaxHeaders)
	case len(q.Body) > MaxBody:
		return tooLong("body", nil, len(q.Body), MaxBody)
	case len(q.RespBody) > MaxBody:
		return tooLong("resp_body", nil, len(q.RespBody), MaxBody)
	case len(q.Messages) > MaxMessages:
		return tooLong("messages", nil, len(q.Messages), MaxMessages)
	case q.At <= minAt || q.At >= maxAt:
		return &SyntaxError{ReasonBadTime, nil, fmt.Sprintf("arrival %d ns", q.At)}
	case q.Status > maxStatus:
		return &SyntaxError{ReasonBadNumber, nil, fmt.Sprintf("status %d, limit %d", q.Status, maxStatus)}
	}
	return nil
}

func tooLong(what string, part []byte, size, limit int) *SyntaxError {
	return &SyntaxError{ReasonTooLong, part[:min(len(part), 120)], fmt.Sprintf("%s of %d, limit %d", what, size, limit)}
}

func headerBytes(hs []Header) int {
	n := headerOverhead * len(hs)
	for i := range hs {
		n += len(hs[i].Name) + len(hs[i].Value)
	}
	return n
}

// AppendJSON appends q as one JSON object without a line end, with its keys in the order of the fields.
// What is unknown is absent: empty slices, negative numbers, a zero Conn or Status. A string that is not
// valid UTF-8 goes under its key with _b64 appended; of a list of headers all do when one must.
// [ParseJSON] gives q back.
func (q *Request) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"at":"`...)
	dst = append(appendStamp(dst, q.At), '"')
	if q.DurUS >= 0 {
		dst = appendNumber(append(dst, `,"dur_us":`...), q.DurUS)
	}
	if q.FirstUS >= 0 {
		dst = appendNumber(append(dst, `,"first_us":`...), q.FirstUS)
	}
	if len(q.Client) > 0 {
		dst = appendText(append(dst, `,"client`...), q.Client)
	}
	if q.Conn >= 1 {
		dst = appendNumber(append(dst, `,"conn":`...), q.Conn)
	}
	if len(q.Method) > 0 {
		dst = appendText(append(dst, `,"method`...), q.Method)
	}
	if len(q.Scheme) > 0 {
		dst = appendText(append(dst, `,"scheme`...), q.Scheme)
	}
	if len(q.Host) > 0 {
		dst = appendText(append(dst, `,"host`...), q.Host)
	}
	if len(q.Target) > 0 {
		dst = appendText(append(dst, `,"target`...), q.Target)
	}
	if len(q.Proto) > 0 {
		dst = appendText(append(dst, `,"proto`...), q.Proto)
	}
	dst = appendHeaders(dst, `,"headers`, q.Headers)
	dst = appendBytes(dst, `,"body":"`, q.Body)
	if q.BodySize >= 0 {
		dst = appendNumber(append(dst, `,"body_size":`...), q.BodySize)
	}
	dst = q.appendResponse(dst)
	if len(q.Src) > 0 {
		dst = appendText(append(dst, `,"src`...), q.Src)
	}
	return append(dst, '}')
}

// appendResponse appends what is known of the response, and of what followed it. Keys stand where they are appended,
// since a copy of a constant is a few moves and one of a variable is a call.
func (q *Request) appendResponse(dst []byte) []byte {
	if q.Status >= 1 {
		dst = appendNumber(append(dst, `,"status":`...), int64(q.Status))
	}
	if q.RespSize >= 0 {
		dst = appendNumber(append(dst, `,"resp_size":`...), q.RespSize)
	}
	if q.RespWire >= 0 {
		dst = appendNumber(append(dst, `,"resp_wire":`...), q.RespWire)
	}
	dst = appendHeaders(dst, `,"resp_headers`, q.RespHeaders)
	dst = appendBytes(dst, `,"resp_body":"`, q.RespBody)
	dst = appendHeaders(dst, `,"trailers`, q.Trailers)
	return appendMessages(dst, q.Messages)
}

// jsonBound is at least as many bytes as AppendJSON appends: each byte of a string takes six when it is escaped
// (base64 takes less), keys and numbers less than 800 in all.
func (q *Request) jsonBound() int {
	n := len(q.Client) + len(q.Method) + len(q.Scheme) + len(q.Host) + len(q.Target) + len(q.Proto) + len(q.Src) +
		headerBytes(q.Headers) + headerBytes(q.RespHeaders) + headerBytes(q.Trailers)
	for i := range q.Messages {
		n += 16 + len(q.Messages[i].Op) + len(q.Messages[i].Data)
	}
	return 800 + 6*n + 2*(len(q.Body)+len(q.RespBody))
}

// appendNumber appends n, which is not negative, without the call for each pair of digits that strconv makes.
func appendNumber(dst []byte, n int64) []byte {
	var digits [20]byte
	i := len(digits)
	for u := uint64(n); ; {
		i--
		digits[i] = byte('0' + u%10)
		if u /= 10; u == 0 {
			return append(dst, digits[i:]...)
		}
	}
}

// appendText appends the rest of a key, which lacks its closing quote so that _b64 can follow, and v.
func appendText(dst []byte, v []byte) []byte {
	switch {
	case isPlain(v):
		dst = append(append(dst, `":"`...), v...)
	case utf8.Valid(v):
		dst = appendEscaped(append(dst, `":"`...), v)
	default:
		dst = base64.StdEncoding.AppendEncode(append(dst, `_b64":"`...), v)
	}
	return append(dst, '"')
}

// appendBytes appends key, which ends in the value's opening quote, and v in base64.
func appendBytes(dst []byte, key string, v []byte) []byte {
	if len(v) == 0 {
		return dst
	}
	return append(base64.StdEncoding.AppendEncode(append(dst, key...), v), '"')
}

func appendHeaders(dst []byte, key string, hs []Header) []byte {
	if len(hs) == 0 {
		return dst
	}
	dst = append(dst, key...)
	if headersPlain(hs) {
		dst = append(dst, `":[`...)
		for i := range hs {
			dst = append(append(dst, `["`...), hs[i].Name...)
			dst = append(append(dst, `","`...), hs[i].Value...)
			dst = append(dst, `"],`...)
		}
		dst[len(dst)-1] = ']'
		return dst
	}
	encode := appendEscaped
	if !headersValid(hs) {
		encode = base64.StdEncoding.AppendEncode
		dst = append(dst, `_b64`...)
	}
	dst = append(dst, `":[`...)
	for i := range hs {
		dst = encode(append(dst, `["`...), hs[i].Name)
		dst = encode(append(dst, `","`...), hs[i].Value)
		dst = append(dst, `"],`...)
	}
	dst[len(dst)-1] = ']'
	return dst
}

func headersPlain(hs []Header) bool {
	for i := range hs {
		if !isPlain(hs[i].Name) || !isPlain(hs[i].Value) {
			return false
		}
	}
	return true
}

func headersValid(hs []Header) bool {
	for i := range hs {
		if !utf8.Valid(hs[i].Name) || !utf8.Valid(hs[i].Value) {
			return false
		}
	}
	return true
}

func appendMessages(dst []byte, ms []Message) []byte {
	if len(ms) == 0 {
		return dst
	}
	dst = append(dst, `,"messages":`...)
	open := byte('[')
	for i := range ms {
		m := &ms[i]
		dst = append(dst, open)
		dst = strconv.AppendInt(append(dst, `{"us":`...), m.US, 10)
		if m.Dir == 'c' || m.Dir == 's' {
			dst = append(dst, `,"dir":"`...)
			dst = append(dst, m.Dir, '"')
		}
		if m.Op != "" {
			dst = append(dst, `,"op":"`...)
			dst = append(appendEscaped(dst, []byte(strings.ToValidUTF8(m.Op, "\ufffd"))), '"')
		}
		dst = appendBytes(dst, `,"data":"`, m.Data)
		dst = append(dst, '}')
		open = ','
	}
	return append(dst, ']')
}

// isPlain reports whether v goes into a JSON string as it is.
func isPlain(v []byte) bool {
	n := len(v)
	if n < 8 {
		for _, c := range v {
			if c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf {
				return false
			}
		}
		return true
	}
	found := escapable(binary.LittleEndian.Uint64(v[n-8:])) // the last eight overlap those before them
	for ; len(v) > 16; v = v[16:] {
		found |= escapable(binary.LittleEndian.Uint64(v)) | escapable(binary.LittleEndian.Uint64(v[8:]))
	}
	if len(v) > 8 {
		found |= escapable(binary.LittleEndian.Uint64(v))
	}
	return found&highBits == 0
}

// escapable has a high bit set if a byte of w is special or beyond ASCII, and else none.
func escapable(w uint64) uint64 {
	return (w - lowBits*0x20) | ((w ^ lowBits*'"') - lowBits) | ((w ^ lowBits*'\\') - lowBits) | w
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// special has the high bit set in at least the first byte of w (the least significant one) that is a control
// character, a quote or a backslash, and in no byte before it.
func special(w uint64) uint64 {
	quote := w ^ lowBits*'"'
	backslash := w ^ lowBits*'\\'
	return ((w-lowBits*0x20)&^w | (quote-lowBits)&^quote | (backslash-lowBits)&^backslash) & highBits
}

// appendEscaped appends v, which is valid UTF-8, as the inside of a JSON string.
func appendEscaped(dst, v []byte) []byte {
	if isPlain(v) {
		return append(dst, v...)
	}
	const hex = "0123456789abcdef"
	start := 0
	for i, c := range v {
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, v[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(dst, v[start:]...)
}
