package capture

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Reader reads a capture file. It holds at most 64 MiB, whatever the file says. It is not safe for
// concurrent use.
type Reader struct {
	file *os.File // nil when it is the caller's
	walk frameWalker
	dec  *zstd.Decoder

	header   fileHeader // before the first request
	whole    bool       // file has an end to look at, and can be read again
	plain    []byte     // lines of the frame
	rest     []byte     // of plain
	torn     bool       // the frame is the torn end of the file
	frameOff int64      // where the frame begins in the file
	blocks   int64      // frames of lines so far
	requests int64      // given or sorted so far
	last     int64      // arrival of the last one
	checked  *Meta      // the last checkpoint
	table    bool       // the seek table was read
	foot     *Meta      // metadata, once the frame was read
	tail     *Meta      // metadata, as the end of the file gives it
	clean    bool       // the metadata says that a Redactor was there
	sorter   *Sorter
	err      error // sticky, of reading
}

// sortBudget is the memory of a Reader that must sort.
const sortBudget = 24 << 20

// Open opens the capture file at path. Its requests count as redacted unless its metadata says otherwise or is
// not there; of a live file then the header says it. The error is a [*FormatError] when it is none.
func Open(path string) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := openFile(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return r, nil
}

func openFile(f *os.File) (*Reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	r, err := NewReader(f)
	if err != nil {
		return nil, err
	}
	r.file, r.whole = f, info.Mode().IsRegular()
	if !r.whole {
		return r, nil
	}
	redaction := r.header.Redaction
	if m, ok := tailMeta(f, info.Size()); ok {
		r.tail = &m
		redaction = m.Redaction
	}
	r.clean = redaction != "" && redaction != NoRedaction
	if r.tail == nil || r.tail.Disorder != 0 {
		r.sorter = NewSorter(SorterOptions{Budget: sortBudget})
	}
	return r, nil
}

// NewReader reads a capture file from a stream, in the order of the file, which is that of arrival when
// [Meta].Disorder is 0; the metadata comes last. Closing the Reader does not close in. The error is
// a [*FormatError] when it is no capture file.
func NewReader(in io.Reader) (*Reader, error) {
	dec, err := newFrameDecoder()
	if err != nil {
		return nil, err
	}
	r := &Reader{dec: dec, walk: frameWalker{r: bufio.NewReaderSize(in, 64<<10)}}
	if err := r.readHeader(); err != nil {
		dec.Close()
		return nil, err
	}
	return r, nil
}

// readHeader reads the first frame.
func (r *Reader) readHeader() error {
	_, err := r.walk.next()
	if unexpected(err) == io.ErrUnexpectedEOF && beginsHeader(r.walk.buf) {
		return &FormatError{Msg: "file ends before its first request", Err: ErrTorn}
	}
	if _, ok := errors.AsType[*FormatError](err); ok || err == nil && !IsCaptureFile(r.walk.buf) || unexpected(err) == io.ErrUnexpectedEOF {
		return &FormatError{Msg: "not a capture file"}
	}
	if err != nil {
		return err
	}
	kind, body, err := parseOwnFrame(r.walk.buf[8:])
	if errors.Is(err, ErrVersion) {
		return &FormatError{Msg: err.Error(), Err: ErrVersion}
	}
	r.header = fileHeader{}
	if err != nil || kind != kindHeader || json.Unmarshal(body, &r.header) != nil {
		return &FormatError{Msg: "header is damaged"}
	}
	r.walk.seen = sizes{}
	r.walk.seen.add(uint32(r.walk.off), 0)
	return nil
}

// beginsHeader reports whether b, which is all of a file, is the beginning of a header.
func beginsHeader(b []byte) bool {
	if len(b) < 8+len(mark) {
		magic := binary.LittleEndian.AppendUint32(nil, ownFrame)
		return bytes.HasPrefix(magic, b) || bytes.HasPrefix(b, magic) && (len(b) < 8 || strings.HasPrefix(mark, string(b[8:])))
	}
	return IsCaptureFile(b)
}

// Next reads the next request into q, in order of arrival (of a stream: of the file), and reuses q's memory; its
// slices stay valid until the next call. It returns io.EOF at the end of a whole file. Where the file is torn
// or damaged it gives every request before that place, then a [*FormatError], for ever.
func (r *Reader) Next(q *Request) error {
	if r.sorter == nil {
		return r.read(q)
	}
	for r.err == nil {
		if err := r.read(q); err != nil {
			break
		}
		q.clean = true // it was on a disk before
		if err := r.sorter.Add(q); err != nil {
			r.err = err
		}
	}
	if err := r.sorter.Next(q); err != io.EOF {
		q.clean = r.clean
		return err
	}
	return r.err
}

// read reads the next request in the order of the file.
func (r *Reader) read(q *Request) error {
	for r.err == nil {
		if len(r.rest) > 0 {
			if r.err = r.line(q); r.err == nil {
				return nil
			}
			break
		}
		r.err = r.frame()
	}
	return r.err
}

// line takes the next line out of the frame.
func (r *Reader) line(q *Request) error {
	n := bytes.IndexByte(r.rest, '\n')
	if n < 0 && r.torn {
		return r.tornInside(true)
	}
	if n < 0 {
		return r.damage("block %d at byte %d: last line has no end", nil, r.blocks, r.frameOff)
	}
	if err := ParseJSON(r.rest[:n], q); err != nil {
		return r.damage("block %d at byte %d: line is not a request: %w", nil, r.blocks, r.frameOff, err)
	}
	if r.tail != nil && r.tail.Disorder == 0 && q.At < r.last && r.requests > 0 {
		return r.damage("block %d at byte %d: requests out of order", nil, r.blocks, r.frameOff)
	}
	r.rest = r.rest[n+1:]
	r.requests++
	r.last = q.At
	q.clean = r.clean
	return nil
}

func (r *Reader) damage(format string, cause error, args ...any) error {
	return &FormatError{Offset: r.frameOff, Requests: r.requests, Msg: fmt.Errorf(format, args...).Error(), Err: cause}
}

// frame reads the next frame, of any kind.
func (r *Reader) frame() error {
	if r.torn {
		return r.tornInside(r.walk.off > r.frameOff+int64(len(r.walk.buf)))
	}
	r.frameOff = r.walk.off
	magic, err := r.walk.next()
	switch {
	case err == io.EOF:
		return r.end()
	case magic == zstdMagic:
		return r.decode(err)
	case err == io.ErrUnexpectedEOF:
		return r.tornErr()
	case err != nil:
		return r.frameErr(err)
	case magic == seekFrame && r.foot != nil:
		r.table = true
		return nil
	}
	r.walk.seen.add(uint32(r.walk.off-r.frameOff), 0)
	if magic == ownFrame {
		return r.own()
	}
	return nil
}

// tornInside is the error of a file that ends inside a block. cut says that part of a request is there.
func (r *Reader) tornInside(cut bool) error {
	return &FormatError{Offset: r.frameOff, Requests: r.requests, Cut: cut, Err: ErrTorn,
		Msg: fmt.Sprintf("file ends inside block %d at byte %d", r.blocks, r.frameOff)}
}

// frameErr is the error of a frame that could not be walked, or read at all.
func (r *Reader) frameErr(err error) error {
	if bad, ok := errors.AsType[*FormatError](err); ok {
		return r.damage("byte %d: %s", nil, r.frameOff, bad.Msg)
	}
	return fmt.Errorf("byte %d: %w", r.walk.off, err)
}

// tornErr is the error of a file that ends inside a frame. If its end is where it belongs, then it is not torn:
// the frame lies about its size.
func (r *Reader) tornErr() error {
	if r.tail != nil {
		return r.damage("byte %d: frame runs past the end of the file", nil, r.frameOff)
	}
	return r.damage("file ends inside a frame at byte %d", ErrTorn, r.frameOff)
}

// decode takes the lines out of a zstd frame that was read with the given error.
func (r *Reader) decode(err error) error {
	r.blocks++
	switch {
	case r.foot != nil:
		return r.damage("block %d at byte %d: requests after the end of the capture", nil, r.blocks, r.frameOff)
	case err == io.ErrUnexpectedEOF && r.tail != nil:
		return r.tornErr()
	case err != nil && err != io.ErrUnexpectedEOF:
		return r.frameErr(err)
	}
	r.torn = err != nil
	r.plain, err = r.dec.DecodeAll(r.walk.buf, r.plain[:0])
	if err != nil && !r.torn {
		return r.damage("block %d at byte %d: %w", nil, r.blocks, r.frameOff, frameCause(err))
	}
	r.rest = r.plain
	r.walk.seen.add(uint32(r.walk.off-r.frameOff), uint32(len(r.plain)))
	return nil
}

func frameCause(err error) error {
	if errors.Is(err, zstd.ErrCRCMismatch) {
		return errors.New("checksum mismatch")
	}
	return err
}

// own reads a skippable frame of ours, or of somebody who took the same number.
func (r *Reader) own() error {
	kind, body, err := parseOwnFrame(r.walk.buf[8:])
	switch {
	case errors.Is(err, ErrVersion):
		return r.damage("frame at byte %d: %w", ErrVersion, r.frameOff, err)
	case err != nil:
		return r.damage("frame at byte %d: %w", nil, r.frameOff, err)
	case kind == kindHeader:
		return r.damage("byte %d: another capture begins here", nil, r.frameOff)
	case kind == kindCheck && r.foot == nil:
		return r.check(body)
	case kind != kindMeta:
		return nil
	case r.foot != nil:
		return r.damage("metadata at byte %d: there is one before it", nil, r.frameOff)
	}
	r.foot = &Meta{}
	if err := json.Unmarshal(body, r.foot); err != nil {
		r.foot = nil
		return r.damage("metadata at byte %d: %w", nil, r.frameOff, err)
	}
	if r.foot.Requests != r.requests {
		return r.damage("metadata at byte %d: it promises %d requests, %d were read", nil, r.frameOff, r.foot.Requests, r.requests)
	}
	return nil
}

// check reads a checkpoint.
func (r *Reader) check(body []byte) error {
	m := &Meta{}
	if err := json.Unmarshal(body, m); err != nil {
		return r.damage("checkpoint at byte %d: %w", nil, r.frameOff, err)
	}
	if m.Requests != r.requests {
		return r.damage("checkpoint at byte %d: it promises %d requests, %d were read", nil, r.frameOff, m.Requests, r.requests)
	}
	r.checked = m
	return nil
}

// Checkpoint is what a live file knew of itself at the last checkpoint that was read: for one that is torn, which has
// no metadata. Meta.Requests says how many requests come before it.
func (r *Reader) Checkpoint() (m Meta, ok bool) {
	if r.checked == nil {
		return Meta{}, false
	}
	return *r.checked, true
}

// end is what the end of the file means.
func (r *Reader) end() error {
	if r.foot == nil || !r.table {
		return r.damage("file ends at byte %d before its metadata and seek table", ErrTorn, r.frameOff)
	}
	return io.EOF
}

// Meta is what the file knows about itself. Of a file it is there once it is open, of a stream once Next has
// returned io.EOF. ok is false where it is not there: too early, or the file is torn or damaged at its end.
func (r *Reader) Meta() (m Meta, ok bool) {
	switch {
	case r.tail != nil:
		return *r.tail, true
	case r.foot != nil && r.table:
		return *r.foot, true
	}
	return Meta{}, false
}

// CheckTable says whether the seek table names the frames that the file has, once Next has returned io.EOF. Where it
// does not, the requests are sound, but who jumps by the table goes astray.
func (r *Reader) CheckTable() error {
	if r.walk.table == r.walk.seen {
		return nil
	}
	return &FormatError{Offset: r.frameOff, Requests: r.requests, Msg: fmt.Sprintf("seek table does not fit the %d frames before it", r.walk.seen.n)}
}

// Live reports whether a live capture wrote the file. Where such a file is torn, nothing else may hold its requests.
func (r *Reader) Live() bool { return r.header.Live }

// Series is the live capture that the file is a part of, and its place there from 1; empty where it went into one
// file, and for imports.
func (r *Reader) Series() (id string, part int) { return r.header.Series, r.header.Part }

// Rewind goes back to the first request of a file. A stream cannot.
func (r *Reader) Rewind() error {
	if !r.whole {
		return errors.New("a stream cannot be read twice")
	}
	if _, err := r.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if r.sorter != nil {
		if err := r.sorter.Close(); err != nil {
			return err
		}
		r.sorter = NewSorter(SorterOptions{Budget: sortBudget})
	}
	r.walk.r.Reset(r.file)
	r.walk.off = 0
	r.rest, r.torn, r.blocks, r.requests, r.table, r.foot, r.err = nil, false, 0, 0, false, nil, nil
	r.checked = nil
	return r.readHeader()
}

// Close closes the file, if Open opened it, and removes what sorting left.
func (r *Reader) Close() error {
	var errs []error
	if r.sorter != nil {
		errs = append(errs, r.sorter.Close())
	}
	if r.file != nil {
		errs = append(errs, r.file.Close())
	}
	r.dec.Close()
	r.err = errClosed
	r.rest = nil
	return errors.Join(errs...)
}
