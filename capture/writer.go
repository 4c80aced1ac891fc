package capture

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// WriterOptions settle what a Writer does.
type WriterOptions struct {
	Redactor *Redactor // applied to every request that none has seen; nil: the default rules with a random key
	Tool     string    // version of the program, for the metadata

	// Live is for requests that are written as they happen: in the order of reading, with a Flush now and then.
	// Where such a file cannot be finished, what the disk has of it stays under its unfinished name.
	Live   bool
	Series string // of files that one live capture went on through; empty: there is one
	Part   int    // place in the series, from 1

	// Ledgers, of a live file, are asked for now and then by Flush, so that a torn file has an account of what came
	// before its last checkpoint.
	Ledgers func() []Ledger
}

// Writer writes a capture file. Requests go in the order in which they are written, which for imports is the
// order of arrival; the metadata says how far any of them steps back. It is not safe for concurrent use. It
// compresses, writes and syncs in one goroutine of its own, which Close and Abort end.
type Writer struct {
	redactor *Redactor
	out      io.Writer
	file     *os.File // nil for a stream
	info     os.FileInfo
	path     string
	part     string // its unfinished name
	asides   []string
	live     bool

	buf     []byte          // lines of the frame that is being filled, without those that were flushed
	inOut   int             // bytes of lines of that frame that were flushed
	began   time.Time       // when a Flush first saw that frame
	ledgers func() []Ledger // nil: none
	checked time.Time       // when the last checkpoint was written
	meta    Meta
	hosts   HostSet
	err     error // sticky: of Write, or the end

	full  chan chunk  // lines to be compressed
	empty chan []byte // buffers to be filled
	wg    sync.WaitGroup
	ended bool // and waited for

	mu     sync.Mutex
	failed error // of the goroutine
	size   int64 // bytes of the file so far
	safe   progress
	frames []frameSize // all so far; belongs to the goroutine until it has ended
}

// Create makes a Writer for the capture file at path. It writes path.part, which only its owner may read, and
// which becomes path when Close has everything on the disk. A path.part that a killed import left is replaced; one
// that a live capture left, and that holds requests, gets another name.
func Create(path string, o WriterOptions) (*Writer, error) {
	asides, err := clearPart(path)
	if err != nil {
		return nil, err
	}
	w, err := create(path, path+".part", o)
	if err != nil {
		return nil, err
	}
	w.asides = asides
	return w, nil
}

// create makes a Writer for path whose unfinished name is part.
func create(path, part string, o WriterOptions) (*Writer, error) {
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
	w.file, w.info, w.path, w.part = f, info, path, part
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
	p, err := newPacker(o)
	if err != nil {
		return nil, err
	}
	w := &Writer{
		redactor: o.Redactor, out: out, live: o.Live, ledgers: o.Ledgers,
		meta: Meta{Schema: schema, Tool: o.Tool, Hosts: []string{}, Redaction: o.Redactor.Version(), Series: o.Series, Part: o.Part},
		full: make(chan chunk), empty: make(chan []byte, 1),
		buf: make([]byte, 0, frameTarget+frameTarget/8),
	}
	head := fileHeader{Schema: schema}
	if o.Live {
		head = fileHeader{schema, true, o.Redactor.Version(), o.Series, o.Part}
	}
	w.wg.Go(func() { w.compress(p, &head) })
	return w, nil
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
	w.hosts.Add(q.Host)
	w.count(1, q.At, q.At)
	return w.fullFrame()
}

// fullFrame sends the frame off once it is full.
func (w *Writer) fullFrame() error {
	if w.inOut+len(w.buf) < frameTarget {
		return nil
	}
	w.send(true, false, nil)
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
	m.Hosts, m.HostsOverflow, m.Hostless = w.hosts.Names(), w.hosts.Overflow, w.hosts.Hostless
	return m
}

// Close writes what is left, the metadata and the seek table, and puts the file on the disk under its name. When
// that fails, no file is left behind; of a live one what the disk has, and the error is a [*LossError].
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
			err = w.giveUp(err)
		}
	}
	w.err = errClosed
	return err
}

var errClosed = errors.New("capture file was closed")

// finish ends the goroutine and writes the end of the file.
func (w *Writer) finish() error {
	if w.inOut+len(w.buf) > 0 && w.err == nil {
		w.send(true, false, nil)
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
	w.size += int64(len(tail))
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
	w.safe = progress{w.size, w.meta.Requests}
	if !w.ownsPart() {
		return errors.New("another program is writing the same file")
	}
	if err := w.file.Close(); err != nil {
		return err
	}
	if isStopped(w.path) {
		aside, err := setAside(w.path, "")
		if err != nil {
			return err
		}
		w.asides = append(w.asides, aside)
	}
	if err := os.Rename(w.part, w.path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(w.path))
}

// ownsPart reports whether the unfinished file is still the one that was created: another Create for the same
// path replaces it.
func (w *Writer) ownsPart() bool {
	there, err := os.Lstat(w.part)
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

// giveUp ends a file that could not be finished, and gives the error that says so.
func (w *Writer) giveUp(err error) error {
	if w.live && w.meta.Requests > 0 {
		return w.keep(err)
	}
	return errors.Join(fmt.Errorf("%s: %w", w.path, err), w.discard())
}

// discard closes and removes the unfinished file.
func (w *Writer) discard() error {
	err := w.file.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	if w.ownsPart() {
		err = errors.Join(err, os.Remove(w.part))
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
