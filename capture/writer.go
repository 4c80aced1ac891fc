package capture

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// WriterOptions settle what a Writer does.
type WriterOptions struct {
	Redactor *Redactor // applied to every request that none has seen; nil: the default rules with a random key
	Tool     string    // version of the program, for the metadata
}

// Writer writes a capture file. Requests go in the order in which they are written, which for imports is the
// order of arrival; the metadata says how far any of them steps back. It is not safe for concurrent use. It
// compresses in one goroutine of its own, which Close and Abort end.
type Writer struct {
	redactor *Redactor
	out      io.Writer
	file     *os.File // nil for a stream
	info     os.FileInfo
	path     string

	buf   []byte // lines of the frame that is being filled
	meta  Meta
	hosts hostSet
	err   error // sticky: of Write, or the end

	full  chan []byte // frames to be compressed
	empty chan []byte // buffers to be filled
	wg    sync.WaitGroup
	ended bool // and waited for

	mu     sync.Mutex
	failed error       // of the goroutine
	frames []frameSize // all so far; belongs to the goroutine until it has ended
}

// Create makes a Writer for the capture file at path. It writes path.part, which only its owner may read, and
// which becomes path when Close has everything on the disk. A path.part that a killed program left is replaced.
func Create(path string, o WriterOptions) (*Writer, error) {
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if bad, ok := errors.AsType[*os.PathError](err); ok {
		return nil, fmt.Errorf("%s: %w", path, bad.Err)
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(part))
	}
	w, err := NewWriter(f, o)
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(part))
	}
	w.file, w.info, w.path = f, info, path
	return w, nil
}

// NewWriter makes a Writer that writes a capture file to out.
func NewWriter(out io.Writer, o WriterOptions) (*Writer, error) {
	if o.Redactor == nil {
		var err error
		if o.Redactor, err = NewRedactor(RedactOptions{}); err != nil {
			return nil, err
		}
	}
	enc, err := newFrameEncoder()
	if err != nil {
		return nil, err
	}
	w := &Writer{
		redactor: o.Redactor, out: out,
		meta: Meta{Schema: schema, Tool: o.Tool, Hosts: []string{}, Redaction: o.Redactor.Version()},
		full: make(chan []byte), empty: make(chan []byte, 1),
		buf: make([]byte, 0, frameTarget+frameTarget/8),
	}
	w.wg.Go(func() { w.compress(enc) })
	return w, nil
}

// compress writes the file: its header, then a frame for each buffer, until full is closed.
func (w *Writer) compress(enc *zstd.Encoder) {
	packed := appendHeaderFrame(nil)
	w.emit(packed, 0)
	w.empty <- make([]byte, 0, frameTarget+frameTarget/8)
	for plain := range w.full {
		packed = enc.EncodeAll(plain, packed[:0])
		w.emit(packed, len(plain))
		w.empty <- plain[:0]
	}
	w.fail(enc.Close())
}

// emit writes one frame unless an earlier one could not be written.
func (w *Writer) emit(packed []byte, plain int) {
	if w.failure() != nil {
		return
	}
	_, err := w.out.Write(packed)
	w.fail(err)
	w.frames = append(w.frames, frameSize{uint32(len(packed)), uint32(plain)})
}

func (w *Writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed == nil {
		w.failed = err
	}
}

func (w *Writer) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// Write adds q, redacting it in place first if no Redactor has seen it. A [*SyntaxError] means that q is above a
// limit and was not written: the caller may go on. After any other error Write returns that error for ever. An
// error of the disk may come with a later call.
func (w *Writer) Write(q *Request) error {
	if w.err != nil {
		return w.err
	}
	if !q.clean {
		w.redactor.Apply(q)
	}
	if err := q.CheckLimits(); err != nil {
		return err
	}
	start := len(w.buf)
	w.buf = q.AppendJSON(w.buf)
	if n := len(w.buf) - start; n > MaxRecord {
		w.buf = w.buf[:start]
		return tooLong("request", nil, n, MaxRecord)
	}
	w.buf = append(w.buf, '\n')
	w.hosts.add(q.Host)
	w.count(1, q.At, q.At)
	return w.fullFrame()
}

// fullFrame sends the frame off once it is full.
func (w *Writer) fullFrame() error {
	if len(w.buf) < frameTarget {
		return nil
	}
	w.full <- w.buf
	w.buf = <-w.empty
	w.err = w.failure()
	return w.err
}

// count keeps the metadata of n requests that were written, in order.
func (w *Writer) count(n, first, last int64) {
	m := &w.meta
	if m.Requests == 0 {
		m.First, m.Last = first, first
	}
	m.Requests += n
	m.First = min(m.First, first)
	m.Disorder = max(m.Disorder, m.Last-first)
	m.Last = max(m.Last, last)
}

// SetSources sets the ledgers of what the requests came from. They belong to the Writer afterwards.
func (w *Writer) SetSources(ls []Ledger) { w.meta.Sources = ls }

// Meta is the metadata of what was written so far.
func (w *Writer) Meta() Meta {
	m := w.meta
	m.Hosts, m.HostsOverflow, m.Hostless = w.hosts.sorted(), w.hosts.overflow, w.hosts.hostless
	return m
}

// Close writes what is left, the metadata and the seek table, and puts the file on the disk under its name. When
// that fails, no file is left behind.
func (w *Writer) Close() error {
	if w.ended {
		return errClosed
	}
	err := w.finish()
	if w.file != nil {
		if err == nil {
			err = w.publish()
		}
		if err != nil {
			err = errors.Join(fmt.Errorf("%s: %w", w.path, err), w.discard())
		}
	}
	w.err = errClosed
	return err
}

var errClosed = errors.New("capture file was closed")

// finish ends the goroutine and writes the end of the file.
func (w *Writer) finish() error {
	if len(w.buf) > 0 && w.err == nil {
		w.full <- w.buf
		w.buf = <-w.empty
	}
	w.stop()
	if err := w.failure(); err != nil {
		return err
	}
	m := w.Meta()
	tail, err := appendMetaFrame(nil, &m)
	if err != nil {
		return err
	}
	tail = appendSeekTable(tail, append(w.frames, frameSize{uint32(len(tail)), 0}))
	_, err = w.out.Write(tail)
	return err
}

func (w *Writer) stop() {
	close(w.full)
	w.wg.Wait()
	w.ended = true
}

// publish puts the file's contents, its name and its folder on the disk, in this order.
func (w *Writer) publish() error {
	if err := w.file.Sync(); err != nil {
		return err
	}
	if !w.ownsPart() {
		return errors.New("another program is writing the same file")
	}
	if err := w.file.Close(); err != nil {
		return err
	}
	if err := os.Rename(w.path+".part", w.path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(w.path))
}

// ownsPart reports whether the unfinished file is still the one that was created: another Create for the same
// path replaces it.
func (w *Writer) ownsPart() bool {
	there, err := os.Lstat(w.path + ".part")
	return err == nil && os.SameFile(w.info, there)
}

// syncFolder puts a folder's entries on the disk. Windows offers no way to.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// discard closes and removes the unfinished file.
func (w *Writer) discard() error {
	err := w.file.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	if w.ownsPart() {
		err = errors.Join(err, os.Remove(w.path+".part"))
	}
	return err
}

// Abort ends the Writer and removes the unfinished file. After Close it does nothing.
func (w *Writer) Abort() error {
	if w.ended {
		return nil
	}
	w.stop()
	w.err = errClosed
	if w.file == nil {
		return nil
	}
	return w.discard()
}
