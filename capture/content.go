package capture

import (
	"bytes"
	"errors"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"trafficreplay/capture/redact"
)

// Contents gives the parts of bodies that can be read: what was there before content codings (gzip, deflate, zstd, br)
// and before the framing of gRPC. The zero value is ready. It is not safe for concurrent use.
type Contents struct {
	in     bytes.Reader
	plain  [maxCodings + 1][]byte // what each coding was taken off, and what a compressed message was
	gzip   *gzip.Reader
	zlib   io.ReadCloser
	flate  io.ReadCloser
	zstd   *zstd.Decoder
	brotli *brotli.Reader
	recoder
}

// Limits on what is decoded. They are those of bodies, since a body that is longer would not have been kept.
const (
	maxCodings    = 4
	freeRatio     = 64 << 10 // bytes that any body may become
	maxRatio      = 128      // and how many times its own size beyond that
	maxZstdWindow = 8 << 20  // as RFC 9659 has it for HTTP
)

// coding is a content coding.
type coding uint8

const (
	codingUnknown coding = iota
	codingGzip
	codingZlib    // deflate, as RFC 9110 has it
	codingDeflate // deflate, as some have it: without the head and the sum of zlib
	codingZstd
	codingBrotli
)

var errContent = errors.New("content cannot be decoded")

// Rewrite gives a body in which change has made something else of each part that can be read; contentType is the
// part's. What change gives is used at once; if it is the part itself, the body stays as it is. Otherwise it is encoded
// again as it was, and is never shorter than it was unless its text is, so that nobody takes it for a part of one.
// The body is not written to. ok is false where it cannot be read, for a coding that is damaged, cut off, too large or
// unknown, while it may hold text: then nobody knows what is in it. Nothing needs to say that a body is compressed if it
// plainly is.
func (c *Contents) Rewrite(hs []Header, body []byte, change func(part, contentType []byte) []byte) (out []byte, ok bool) {
	if len(body) == 0 {
		return body, true
	}
	kind := header(hs, "Content-Type")
	var room [maxCodings]coding
	codings, ok := codingsOf(hs, room[:0])
	sniffed := false
	if ok && len(codings) == 0 {
		x := magic(body)
		if x == codingUnknown && isZlib(body) {
			x = codingZlib
		}
		if x != codingUnknown {
			codings, sniffed = append(codings, x), true
		}
	}
	plain, err := body, errContent
	if ok {
		plain, err = c.decode(body, codings)
	}
	switch {
	case err != nil && sniffed && (codings[0] == codingZlib || codings[0] == codingGzip && len(c.plain[0]) == 0): // it only begins so
		return change(body, kind), true
	case err != nil && redact.IsMedia(kind):
		return change(body, kind), true
	case err != nil:
		return nil, false
	}
	parts, ok := c.parts(hs, kind, plain, change)
	if !ok || same(parts, plain) {
		return body, ok
	}
	if len(codings) > 0 {
		parts, ok = c.pack(parts, codings, len(body))
	}
	return parts, ok && len(parts) <= MaxBody
}

// RewriteMessage is Rewrite for message i of q.
func (c *Contents) RewriteMessage(q *Request, i int, change func(part, contentType []byte) []byte) (out []byte, ok bool) {
	m := &q.Messages[i]
	if m.Op != "grpc" || len(m.Data) == 0 {
		return c.Rewrite(nil, m.Data, change)
	}
	hs := q.Headers
	if m.Dir == 's' {
		hs = q.RespHeaders
	}
	kind := header(hs, "Content-Type")
	if len(kind) == 0 {
		kind = grpcType
	}
	x, named := messageCoding(hs)
	if !named {
		return change(m.Data, kind), true
	}
	if x == codingUnknown {
		return nil, false
	}
	// Whether this one is compressed stood before it; what cannot be decoded was not, unless it begins as if.
	if out, ok = c.message(m.Data, x, kind, change); ok {
		return out, true
	}
	if magic(m.Data) != codingUnknown {
		return nil, false
	}
	return change(m.Data, kind), true
}

// same reports whether a is b itself.
func same(a, b []byte) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

// codingsOf appends the codings of a body in the order in which they were applied, without those that are none. It is
// false where one is not known.
func codingsOf(hs []Header, to []coding) ([]coding, bool) {
	for i := range hs {
		if len(hs[i].Name) != len("Content-Encoding") || !bytes.EqualFold(hs[i].Name, []byte("Content-Encoding")) {
			continue
		}
		for rest := hs[i].Value; len(rest) > 0; {
			var name []byte
			name, rest, _ = bytes.Cut(rest, []byte(","))
			x, none := codingOf(bytes.TrimSpace(name))
			if none {
				continue
			}
			if x == codingUnknown || len(to) == maxCodings {
				return nil, false
			}
			to = append(to, x)
		}
	}
	return to, true
}

// codingOf is the coding of a name. none: the name says that there is none.
func codingOf(name []byte) (x coding, none bool) {
	for _, c := range [...]struct {
		name string
		is   coding
	}{{"gzip", codingGzip}, {"x-gzip", codingGzip}, {"deflate", codingZlib}, {"zstd", codingZstd}, {"br", codingBrotli}} {
		if len(name) == len(c.name) && bytes.EqualFold(name, []byte(c.name)) {
			return c.is, false
		}
	}
	// aws-chunked only puts lines between parts of the body.
	return codingUnknown, len(name) == 0 || bytes.EqualFold(name, []byte("identity")) || bytes.EqualFold(name, []byte("aws-chunked"))
}

// magic is the coding that b begins with, of those that have a mark.
func magic(b []byte) coding {
	switch {
	case bytes.HasPrefix(b, []byte("\x1f\x8b\x08")):
		return codingGzip
	case bytes.HasPrefix(b, []byte("\x28\xb5\x2f\xfd")):
		return codingZstd
	}
	return codingUnknown
}

// isZlib reports whether b begins like zlib, as other data may too.
func isZlib(b []byte) bool {
	return len(b) > 1 && b[0] == 0x78 && (b[1] == 0x01 || b[1] == 0x9c || b[1] == 0xda) // RFC 1950: a window of 32 KiB, three of the levels
}

// decode takes all codings off, the last one first. Where a deflate turns out to be bare, codings says so afterwards.
// The memory is c's until its next call.
func (c *Contents) decode(b []byte, codings []coding) ([]byte, error) {
	for i := len(codings) - 1; i >= 0; i-- {
		plain, err := c.take(b, &codings[i], i)
		if err != nil {
			return nil, err
		}
		b = plain
	}
	return b, nil
}

// take takes one coding off, which may turn out to be a bare deflate.
func (c *Contents) take(b []byte, x *coding, n int) ([]byte, error) {
	plain, err := c.unpack(b, *x, n)
	if err != nil && *x == codingZlib {
		if plain, err = c.unpack(b, codingDeflate, n); err == nil {
			*x = codingDeflate
		}
	}
	return plain, err
}

// unpack takes one coding off; n says whose memory is used.
func (c *Contents) unpack(b []byte, x coding, n int) ([]byte, error) {
	out := c.plain[n][:0]
	c.plain[n] = out
	c.in.Reset(b)
	r, err := c.reader(x)
	if err != nil {
		return nil, err
	}
	for {
		if len(out) == cap(out) {
			out = append(out, make([]byte, max(len(out), 4<<10))...)[:len(out)]
		}
		k, err := r.Read(out[len(out):cap(out)])
		out = out[:len(out)+k]
		c.plain[n] = out
		switch {
		case len(out) > MaxBody, len(out) > freeRatio && len(out)/maxRatio > len(b):
			return nil, errContent
		case err == io.EOF && c.in.Len() > 0:
			return nil, errContent // who knows what stands behind its end
		case err == io.EOF:
			return out, nil
		case err != nil:
			return nil, err
		}
	}
}

// reader is a reader of what c.in holds.
func (c *Contents) reader(x coding) (r io.Reader, err error) {
	switch x {
	case codingGzip:
		if c.gzip == nil {
			c.gzip = new(gzip.Reader)
		}
		return c.gzip, c.gzip.Reset(&c.in)
	case codingZlib:
		if c.zlib == nil {
			c.zlib, err = zlib.NewReader(&c.in)
			return c.zlib, err
		}
		return c.zlib, c.zlib.(zlib.Resetter).Reset(&c.in, nil)
	case codingDeflate:
		if c.flate == nil {
			c.flate = flate.NewReader(&c.in)
			return c.flate, nil
		}
		return c.flate, c.flate.(flate.Resetter).Reset(&c.in, nil)
	case codingZstd:
		if c.zstd == nil {
			c.zstd, err = zstd.NewReader(&c.in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderMaxMemory(maxZstdWindow))
			return c.zstd, err
		}
		return c.zstd, c.zstd.Reset(&c.in)
	case codingBrotli:
		if c.brotli == nil {
			c.brotli = new(brotli.Reader)
		}
		return c.brotli, c.brotli.Reset(&c.in)
	}
	return nil, errContent
}
