package capture

import (
	"errors"
	"fmt"
	"os"
)

// ErrInUse means that another capture is being written into the same file.
var ErrInUse = errors.New("another capture is writing it")

// LossError says that a live capture could not be finished, and what is left of it.
type LossError struct {
	Path  string // the unfinished file, which opens
	Kept  int64  // requests that the disk has
	Lost  int64  // requests that were read after them
	Bytes int64  // of the lines of the lost ones
	Err   error
}

func (e *LossError) Error() string {
	switch {
	case e.Kept == 0:
		return fmt.Sprintf("%s: %v: nothing is kept, the %d requests that were read (%d bytes) are lost", e.Path, e.Err, e.Lost, e.Bytes)
	case e.Lost == 0:
		return fmt.Sprintf("%s: %v: all %d requests are kept under this name", e.Path, e.Err, e.Kept)
	}
	return fmt.Sprintf("%s: %v: the first %d requests are kept, %d read after them (%d bytes) are lost", e.Path, e.Err, e.Kept, e.Lost, e.Bytes)
}

func (e *LossError) Unwrap() error { return e.Err }

// keepsRoom is how much room a live file has behind its end for the metadata and the seek table, bytes, so that a
// disk which others fill does not cost them.
const keepsRoom = 1 << 20

// room is what the disk keeps for a live file.
type room struct {
	upTo int64 // bytes of the file for which there is room
	off  bool  // it cannot be had
}

// makeRoom makes sure that the disk has room for a chunk of a live file, and for the file's end behind it. An error
// says that the disk is full; nothing was written then, and what was kept for the end is still there.
func (w *Writer) makeRoom(c *chunk) error {
	if !w.live || w.file == nil || w.room.off {
		return nil
	}
	packed := len(c.plain) + len(c.plain)/64 + 1<<10 // blocks that do not compress cost 3 bytes each
	need := w.size + int64(packed+len(c.after)+keepsRoom+2*seekEntry*len(w.frames))
	if need <= w.room.upTo {
		return nil
	}
	ok, err := reserve(w.file, w.room.upTo, need-w.room.upTo)
	switch {
	case err != nil && w.room.upTo > 0:
		return err
	case err != nil || !ok: // a disk that is too small for that may hold a short capture all the same
		w.room.off = true
	default:
		w.room.upTo = need
	}
	return nil
}

// giveBack gives the disk what is left of the room.
func (w *Writer) giveBack() {
	if w.room.upTo > w.size {
		_ = w.file.Truncate(w.size) // else some of the disk stays taken, until the file is removed
	}
}

// stopShort ends the open frame where the disk is full, in the room that is kept for the end of the file.
func (w *Writer) stopShort(p *packer, full error) {
	if p.open {
		packed, err := p.pack(&chunk{end: true})
		w.fail(err)
		w.emit(packed)
		w.frames = append(w.frames, p.size)
	}
	w.short = w.failure() == nil
	w.fail(full)
}

// finishShort writes the end of a file that stopShort stopped, with the account of what is in it.
func (w *Writer) finishShort() error {
	m := w.lastMeta
	if m == nil {
		return errors.New("nobody kept the ledgers")
	}
	m.Hosts, m.HostsOverflow, m.Hostless = w.hosts.Names(), w.hosts.Overflow, min(w.hosts.Hostless, m.Requests)
	tail, err := appendMetaFrame(nil, m)
	if err != nil {
		return err
	}
	tail = appendSeekTable(tail, append(w.frames, frameSize{uint32(len(tail)), 0}))
	if _, err := w.out.Write(tail); err != nil {
		return err
	}
	w.size += int64(len(tail))
	w.giveBack()
	return w.file.Sync()
}

// giveUp ends a file that could not be finished, and gives the error that says so.
func (w *Writer) giveUp(err error) error {
	if w.live && w.meta.Requests > 0 {
		return w.keep(err)
	}
	return errors.Join(w.spoilt(err), w.discard())
}

// spoilt is the error of an import, of which nothing is kept: it can be made again.
func (w *Writer) spoilt(err error) error {
	if w.file == nil || w.live || err == nil {
		return err
	}
	return fmt.Errorf("%s: %w: nothing is kept of the %d bytes that were written", w.path, cause(err), w.Size())
}

// cause is what went wrong with a file, without the system call and the name.
func cause(err error) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err
	}
	return err
}

// keep closes the unfinished file of a live capture behind the last request that the disk has, or removes it where
// there is none. The goroutine has ended.
func (w *Writer) keep(err error) error {
	kept := w.safe
	if w.short && w.finishShort() == nil {
		kept = w.last
	} else {
		_ = w.file.Truncate(w.safe.bytes) // a tail that stays is torn, and readers drop it
	}
	if !w.ownsPart() { // the disk has it, but nobody can open it
		kept = progress{}
	}
	if kept.requests == 0 {
		_ = w.discard()
	}
	_ = w.file.Close() // what it would say was said
	return &LossError{Path: w.part, Kept: kept.requests, Lost: w.meta.Requests - kept.requests, Bytes: w.plain - kept.plain, Err: cause(err)}
}

// Keep ends the Writer of a live file whose source failed: what was written is finished with metadata and seek table,
// and stays under its unfinished name. A file without requests is removed.
func (w *Writer) Keep() error {
	if w.ended {
		return nil
	}
	if w.meta.Requests == 0 {
		return w.Abort()
	}
	err := w.finish()
	w.err = errClosed
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		return w.keep(err)
	}
	return w.file.Close()
}

// discard closes and removes the unfinished file.
func (w *Writer) discard() error {
	var err error
	if renamesOpen && w.ownsPart() {
		err = os.Remove(w.part)
	}
	if closing := w.file.Close(); !errors.Is(closing, os.ErrClosed) {
		err = errors.Join(err, closing)
	}
	if !renamesOpen && w.ownsPart() {
		err = errors.Join(err, os.Remove(w.part))
	}
	return err
}
