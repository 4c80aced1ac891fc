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

	// Ledgers, of a live file, are asked for now and then by Write and Flush, so that a file which cannot be finished
	// has an account of what is in it. They belong to the Writer afterwards.
	Ledgers func() []Ledger

	// Check, if not nil, looks at the unfinished file once it is whole and on the disk. An error of it keeps the file
	// from getting its name.
	Check func(path string) error
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
	check   func(path string) error
	checked time.Time // when the last checkpoint was written
	meta    Meta
	plain   int64 // bytes of all lines
	hosts   HostSet
	err     error // sticky: of Write, or the end

	full  chan chunk  // lines to be compressed
	empty chan []byte // buffers to be filled
	wg    sync.WaitGroup
	ended bool // and waited for

	mu     sync.Mutex
	failed error // of the goroutine
	size   int64 // bytes of the file so far

	// These belong to the goroutine until it has ended.
	safe     progress // what the disk has for certain
	last     progress // what the file has
	lastMeta *Meta    // of that; nil: nobody keeps ledgers
	short    bool     // the disk was found full before anything was lost, and there is room for the file's end
	room     room
	frames   []frameSize // all so far
}

// Create makes a Writer for the capture file at path. It writes path.part, which only its owner may read, and
// which becomes path when Close has everything on the disk. A path.part that a killed import left is replaced; one
// that a live capture left, and that holds requests, gets another name. The error is [ErrInUse] where another Writer,
// of this program or of another one, is writing path.part.
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
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrInUse)
	}
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
	if lock(f) || !standsAt(info, part) { // another Create came in between and removes it
		return nil, errors.Join(fmt.Errorf("%s: %w", path, ErrInUse), f.Close())
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
		redactor: o.Redactor, out: out, live: o.Live, ledgers: o.Ledgers, check: o.Check,
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
	w.plain += int64(len(w.buf) - start)
	w.count(1, q.At, q.At)
	return w.fullFrame()
}

// fullFrame sends the frame off once it is full.
func (w *Writer) fullFrame() error {
	if w.inOut+len(w.buf) < frameTarget {
		return nil
	}
	w.send(true, false, nil)
	w.err = w.spoilt(w.failure())
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

// SetRedactedBefore notes which rules went over requests before this Writer's Redactor did, as [Reader.Redactions] of
// the files that they came from has them. What differs from the Redactor's own is kept.
func (w *Writer) SetRedactedBefore(rules []string) {
	w.meta.RedactedBefore = otherRules(rules, w.meta.Redaction)
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
	n, err := w.out.Write(tail)
	w.size += int64(n)
	if err == nil {
		w.giveBack()
	}
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
	w.safe = progress{w.size, w.meta.Requests, w.plain}
	if err := w.examine(); err != nil {
		return err
	}
	return w.rename()
}

// examine lets the caller look at the whole file before it gets its name.
func (w *Writer) examine() error {
	if w.check == nil {
		return nil
	}
	return w.check(w.part)
}

// renamesOpen says that a file may be renamed and removed while it is open. Then its lock holds until nothing stands
// under the unfinished name any more.
const renamesOpen = runtime.GOOS != "windows"

// rename gives the file, which is on the disk, its name.
func (w *Writer) rename() error {
	if !w.ownsPart() {
		return errors.New("its unfinished file was removed or replaced")
	}
	if isStopped(w.path) {
		aside, err := setAside(w.path, "")
		if err != nil {
			return err
		}
		w.asides = append(w.asides, aside)
	}
	if !renamesOpen {
		if err := w.file.Close(); err != nil {
			return err
		}
	}
	if err := os.Rename(w.part, w.path); err != nil {
		return err
	}
	w.part = w.path // there it is, should something still go wrong
	if err := syncFolder(filepath.Dir(w.path)); err != nil || !renamesOpen {
		return err
	}
	return w.file.Close()
}

// ownsPart reports whether the unfinished file is still the one that was created.
func (w *Writer) ownsPart() bool { return standsAt(w.info, w.part) }

// standsAt reports whether a file has a name.
func standsAt(file os.FileInfo, name string) bool {
	there, err := os.Lstat(name)
	return err == nil && os.SameFile(file, there)
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
