package capture

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// frameWalker takes a capture file apart into its frames without decoding them.
type frameWalker struct {
	r   *bufio.Reader
	off int64  // of the next byte, in the file
	buf []byte // the frame as it stands in the file; of skippable frames only what is ours

	seen  sizes // of the frames so far, seek tables left out
	table sizes // that the last seek table names
}

// sizes is a digest of frame sizes in their order, since a hostile file may have any number of frames.
type sizes struct {
	n    int64
	hash uint64
}

func (s *sizes) add(packed, plain uint32) {
	s.n++
	s.hash = (s.hash ^ uint64(packed)<<32 ^ uint64(plain)) * 0x9e3779b97f4a7c15
	s.hash ^= s.hash >> 29
}

// maxBlock is the largest block that the zstd format allows.
const maxBlock = 128 << 10

// next reads the next frame into w.buf and gives its magic number; io.EOF at the end of the file.
// io.ErrUnexpectedEOF means that the file ends inside the frame, of which w.buf then has the whole blocks;
// a [*FormatError], whose place is not set, that the frame is not one that we read.
func (w *frameWalker) next() (magic uint32, err error) {
	w.buf = w.buf[:0]
	if err := w.take(4); err != nil {
		if len(w.buf) == 0 && err == io.ErrUnexpectedEOF {
			err = io.EOF
		}
		return 0, err
	}
	magic = binary.LittleEndian.Uint32(w.buf)
	switch {
	case magic == zstdMagic:
		return magic, w.zstdFrame()
	case magic&skippableMask == skippable:
		return magic, w.skippableFrame(magic)
	}
	return magic, malformed("no frame begins with %#08x", magic)
}

// zstdFrame reads header, blocks and checksum of a frame whose magic number was read.
func (w *frameWalker) zstdFrame() error {
	checksum, err := w.zstdHeader()
	if err != nil {
		return err
	}
	whole := len(w.buf)
	for last := false; !last; whole = len(w.buf) {
		if err = w.take(3); err != nil {
			break
		}
		b := w.buf[whole:]
		bits := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
		size := bits >> 3
		if size > maxBlock {
			return malformed("zstd block of %d bytes, limit %d", size, maxBlock)
		}
		if bits>>1&3 == 1 { // one byte that repeats
			size = 1
		}
		if err = w.take(size); err != nil {
			break
		}
		if len(w.buf) > maxPacked {
			return malformed("frame of more than %d bytes", maxPacked)
		}
		last = bits&1 != 0
	}
	if err == nil && checksum {
		err = w.take(4)
	}
	if err != nil {
		w.buf = w.buf[:whole]
	}
	return err
}

// zstdHeader reads the rest of a frame's header and holds what it asks for against our ceilings.
func (w *frameWalker) zstdHeader() (checksum bool, err error) {
	if err := w.take(1); err != nil {
		return false, err
	}
	descriptor := w.buf[4]
	single := descriptor >> 5 & 1
	rest := int(1-single) + [4]int{0, 1, 2, 4}[descriptor&3] + [4]int{int(single), 2, 4, 8}[descriptor>>6]
	if err := w.take(rest); err != nil {
		return false, err
	}
	var h zstd.Header
	if err := h.Decode(w.buf); err != nil {
		return false, malformed("%v", err)
	}
	switch {
	case h.DictionaryID != 0:
		return false, malformed("frame needs a dictionary")
	case h.HasFCS && h.FrameContentSize > maxFrame:
		return false, malformed("frame of %d bytes, limit %d", h.FrameContentSize, maxFrame)
	case !h.SingleSegment && h.WindowSize > maxWindow:
		return false, malformed("window of %d bytes, limit %d", h.WindowSize, maxWindow)
	}
	return h.HasCheckSum, nil
}

// skippableFrame reads a skippable frame whose magic number was read: one of ours into w.buf, of others only
// the first bytes.
func (w *frameWalker) skippableFrame(magic uint32) error {
	if err := w.take(4); err != nil {
		return err
	}
	left := int64(binary.LittleEndian.Uint32(w.buf[4:]))
	if magic == ownFrame && left >= int64(ownHeader) {
		if err := w.take(ownHeader); err != nil {
			return err
		}
		left -= int64(ownHeader)
		if string(w.buf[8:8+len(mark)]) == mark {
			if left > maxMeta {
				return malformed("metadata of %d bytes, limit %d", left, maxMeta)
			}
			return w.takeSlowly(int(left))
		}
	}
	if magic == seekFrame {
		return w.seekTable(left)
	}
	for left > 0 {
		n, err := w.r.Discard(int(min(left, 1<<30)))
		w.off += int64(n)
		left -= int64(n)
		if err != nil {
			return unexpected(err)
		}
	}
	return nil
}

// seekTable reads a seek table of so many bytes. One that is not well formed names no frames.
func (w *frameWalker) seekTable(left int64) error {
	w.table = sizes{}
	whole := len(w.buf)
	for ; left > seekFooter; left -= seekEntry {
		if err := w.take(seekEntry); err != nil {
			return err
		}
		e := w.buf[whole:]
		w.buf = w.buf[:whole]
		w.table.add(binary.LittleEndian.Uint32(e), binary.LittleEndian.Uint32(e[4:]))
	}
	if err := w.take(int(left)); err != nil {
		return err
	}
	e := w.buf[whole:]
	w.buf = w.buf[:whole]
	if left != seekFooter || int64(binary.LittleEndian.Uint32(e)) != w.table.n || e[4] != 0 || binary.LittleEndian.Uint32(e[5:]) != seekMagic {
		w.table = sizes{}
	}
	return nil
}

// takeSlowly is take for a size that the file claims: memory grows with what is really there.
func (w *frameWalker) takeSlowly(n int) error {
	for n > 0 {
		step := min(n, maxBlock)
		if err := w.take(step); err != nil {
			return err
		}
		n -= step
	}
	return nil
}

// take appends the next n bytes to w.buf. Where the file ends first, the error is io.ErrUnexpectedEOF.
func (w *frameWalker) take(n int) error {
	have := len(w.buf)
	if cap(w.buf)-have < n {
		w.buf = append(make([]byte, 0, 2*(have+n)), w.buf...)
	}
	got, err := io.ReadFull(w.r, w.buf[have:have+n])
	w.buf = w.buf[:have+got]
	w.off += int64(got)
	return unexpected(err)
}

func malformed(format string, args ...any) error {
	return &FormatError{Msg: fmt.Sprintf(format, args...)}
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
