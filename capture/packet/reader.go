package packet

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Ceilings on what a capture file may claim.
const (
	maxPacket     = 256 << 10 // captured bytes of one packet
	maxWire       = 1 << 20   // and what it had on the wire: twice the longest that Linux joins
	maxBlock      = 16 << 20  // bytes of one pcapng block
	maxInterfaces = 1 << 16   // of one pcapng section
	maxSecrets    = 16 << 20  // bytes of key log kept
)

// ReaderOptions say how a capture file is read; the zero value is sound.
type ReaderOptions struct {
	Name string // of the source, for errors

	// Decoder, if not nil, goes on where another file left it: fragments and duplicates are recognised across a
	// set of rotated files, and the Stats of each Reader count the packets of all of them.
	Decoder *Decoder
}

// FormatError says that a capture file is damaged or ends in the middle: then Err is io.ErrUnexpectedEOF.
type FormatError struct {
	Name   string
	Offset int64 // of the block or packet that cannot be read, bytes from the beginning
	Msg    string
	Err    error
}

func (e *FormatError) Error() string {
	s := fmt.Sprintf("byte %d: %s", e.Offset, e.Msg)
	if e.Name != "" {
		s = e.Name + ": " + s
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *FormatError) Unwrap() error { return e.Err }

// Frame is one packet as it was captured.
type Frame struct {
	Link   LinkType
	Place  uint32 // where it was captured: one number for each interface
	Number int64  // in its source, from 1
	At     int64  // nanoseconds since the Unix epoch, UTC
	Data   []byte // what was captured, from the link layer's header on
	Len    int    // bytes on the wire; more than len(Data) where the capture cut it
}

// container walks the packets of a file.
type container interface {
	// next reads the next packet into f, which points into the buffer; io.EOF at a clean end.
	next(f *Frame) error
}

// Reader reads the TCP segments of a capture file, in the order of the file. It is not safe for concurrent use.
type Reader struct {
	name    string
	buf     buffer
	walk    container
	ng      *pcapng // walk, if it is one
	frame   Frame
	decoder *Decoder
	err     error // sticky
}

// NewReader reads the beginning of a pcap or pcapng file, which may be a stream. The file's packets are decoded
// as Next asks for them.
func NewReader(src io.Reader, o ReaderOptions) (*Reader, error) {
	r := &Reader{name: o.Name, buf: buffer{src: src}, decoder: o.Decoder}
	if r.decoder == nil {
		r.decoder = NewDecoder()
	}
	head, err := r.buf.peek(4)
	if err != nil {
		return nil, r.located(&FormatError{Msg: "not even a file header", Err: ended(err)})
	}
	if binary.BigEndian.Uint32(head) == blockSection {
		r.ng = &pcapng{buf: &r.buf}
		r.walk = r.ng
		return r, nil
	}
	p, err := newPcap(&r.buf)
	if err != nil {
		return nil, r.located(err)
	}
	r.walk = p
	return r, nil
}

// Recognise reports whether a file that begins with prefix is a capture file; 12 bytes are enough.
func Recognise(prefix []byte) bool {
	if len(prefix) < 4 {
		return false
	}
	if binary.BigEndian.Uint32(prefix) != blockSection {
		_, _, ok := pcapMagic(prefix)
		return ok
	}
	if len(prefix) < 12 {
		return false
	}
	_, ok := sectionOrder(prefix[8:12])
	return ok
}

// Next reads the next TCP segment into s; s.Payload is valid until the next call. It returns io.EOF at the end of
// the file. Any other error is final, names the offset, and comes after all packets before it; it is a
// *FormatError where the file is at fault. Packets without a TCP segment are counted in Stats.
func (r *Reader) Next(s *Segment) error {
	for {
		if err := r.nextFrame(); err != nil {
			return err
		}
		if r.decoder.Decode(&r.frame, s) {
			return nil
		}
	}
}

// At is when the last packet was captured that Next has read, with or without a segment; 0 before the first.
func (r *Reader) At() int64 { return r.frame.At }

// nextFrame reads the next packet into r.frame.
func (r *Reader) nextFrame() error {
	if r.err == nil {
		if err := r.walk.next(&r.frame); err != nil {
			r.err = r.located(err)
			return r.err
		}
		r.frame.Number++
	}
	return r.err
}

// located names the file in an error of the containers.
func (r *Reader) located(err error) error {
	switch e := err.(type) {
	case *FormatError:
		e.Name = r.name
	default:
		if err != io.EOF && r.name != "" {
			return fmt.Errorf("%s: byte %d: %w", r.name, r.buf.off, err)
		}
	}
	return err
}

// ended is the error of a source that ended where more was due.
func ended(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Stats are the counts so far; exact once Next has returned an error.
func (r *Reader) Stats() FrameStats {
	s := r.decoder.Stats()
	if r.ng != nil {
		s.Drops = r.ng.drops()
	}
	return s
}

// Secrets are the TLS key log lines that the file has held so far (pcapng decryption secrets blocks), as one
// SSLKEYLOGFILE. The slice grows as packets are read; what it held stays as it was.
func (r *Reader) Secrets() []byte {
	if r.ng == nil {
		return nil
	}
	return r.ng.secrets
}
