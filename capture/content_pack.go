package capture

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// recoder encodes what was decoded and changed.
type recoder struct {
	toGzip   *gzip.Writer
	toZlib   *zlib.Writer
	toFlate  *flate.Writer
	toZstd   *zstd.Encoder
	toBrotli *brotli.Writer
}

// pack applies codings in their order. What comes out has at least atLeast bytes: tokens compress better than what they
// stand for, and a body below its size is taken for cut off. The memory belongs to the caller.
func (p *recoder) pack(b []byte, codings []coding, atLeast int) (out []byte, ok bool) {
	for i, x := range codings {
		want := 0
		if i == len(codings)-1 {
			want = atLeast
		}
		var buf bytes.Buffer
		if p.encode(&buf, b, x, 0) != nil {
			return nil, false
		}
		if short := want - buf.Len(); short > 0 {
			buf.Reset()
			if p.encode(&buf, b, x, short) != nil {
				return nil, false
			}
		}
		b = buf.Bytes()
	}
	return b, true
}

// flushing is a writer of the deflate family.
type flushing interface {
	io.WriteCloser
	Flush() error
	Reset(w io.Writer)
}

// encode writes b in a coding, and fill bytes or a few more that say nothing.
func (p *recoder) encode(to *bytes.Buffer, b []byte, x coding, fill int) (err error) {
	var w flushing
	switch x {
	case codingGzip:
		if p.toGzip == nil {
			p.toGzip = gzip.NewWriter(nil)
		}
		w = p.toGzip
	case codingZlib:
		if p.toZlib == nil {
			p.toZlib = zlib.NewWriter(nil)
		}
		w = p.toZlib
	case codingDeflate:
		if p.toFlate == nil {
			p.toFlate, err = flate.NewWriter(nil, flate.DefaultCompression)
		}
		w = p.toFlate
	case codingBrotli:
		return p.brotli(to, b, fill)
	case codingZstd:
		return p.zstd(to, b, fill)
	}
	if err != nil {
		return err
	}
	w.Reset(to)
	if _, err := w.Write(b); err != nil {
		return err
	}
	const emptyBlock = 5 // bytes that a flush writes (RFC 1951, section 3.2.4)
	for ; fill > 0; fill -= emptyBlock {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return w.Close()
}

// zstd fills with a skippable frame (RFC 8878, section 3.1.2).
func (p *recoder) zstd(to *bytes.Buffer, b []byte, fill int) (err error) {
	if p.toZstd == nil {
		p.toZstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(maxZstdWindow>>3), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return err
		}
	}
	to.Write(p.toZstd.EncodeAll(b, nil))
	const head = 8
	if fill > 0 {
		n := max(fill-head, 0)
		frame := binary.LittleEndian.AppendUint32(nil, 0x184D2A50)
		to.Write(binary.LittleEndian.AppendUint32(frame, uint32(n)))
		to.Write(make([]byte, n))
	}
	return nil
}

// brotli fills with a meta-block of metadata (RFC 7932, section 9.2), which begins with a byte behind a flush.
func (p *recoder) brotli(to *bytes.Buffer, b []byte, fill int) error {
	if p.toBrotli == nil {
		p.toBrotli = brotli.NewWriter(nil)
	}
	p.toBrotli.Reset(to)
	if _, err := p.toBrotli.Write(b); err != nil {
		return err
	}
	if fill > 0 {
		if err := p.toBrotli.Flush(); err != nil {
			return err
		}
		to.Write(metadata(fill))
	}
	return p.toBrotli.Close()
}

// metadata is a meta-block of size bytes or a few more.
func metadata(size int) []byte {
	n := max(size-2, 1)
	sizeBytes := 1
	for n-1 >= 1<<(8*sizeBytes) {
		sizeBytes++
	}
	head := uint32(0b0110) | uint32(sizeBytes)<<4 | uint32(n-1)<<6 // not the last, metadata, how long its length is, its length less one
	return append(binary.LittleEndian.AppendUint32(nil, head)[:1+sizeBytes], make([]byte, n)...)
}
