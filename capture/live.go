package capture

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"
)

// frameAge is when a frame of a live file is closed although it is not full.
const frameAge = 30 * time.Second

// chunk is lines on their way to the file.
type chunk struct {
	plain []byte
	upTo  progress // what was written so far, those of plain included
	end   bool     // of the frame
	sync  bool     // the disk must have them before the next chunk
	after []byte   // a checkpoint, behind the frame
	meta  *Meta    // of a live file, up to here
}

// progress is a place in the file that ends with a whole request.
type progress struct{ bytes, requests, plain int64 } // bytes of the file; plain: of the requests' lines

// send hands what was written over to the goroutine.
func (w *Writer) send(end, sync bool, after []byte) {
	w.inOut += len(w.buf)
	if end {
		w.inOut, w.began = 0, time.Time{}
	}
	w.full <- chunk{w.buf, progress{requests: w.meta.Requests, plain: w.plain}, end, sync, after, w.soFar()}
	w.buf = <-w.empty
}

// soFar is the metadata of a live file up to now, without the hosts; nil where nobody keeps ledgers.
func (w *Writer) soFar() *Meta {
	if w.ledgers == nil {
		return nil
	}
	m := w.meta
	m.Sources, m.Hosts = w.ledgers(), nil
	if len(m.Sources) == 1 { // a line that is being written is in Lines already
		m.Sources[0].Requests = m.Requests
	}
	return &m
}

// Flush puts what was written so far on the disk, in a block of its own, and closes the frame once it is 30 s old,
// with a checkpoint behind it; the first frame at once, so that there is one early. It does not wait for the disk: an
// error of it comes with a later call.
func (w *Writer) Flush(now time.Time) error {
	if w.err != nil {
		return w.err
	}
	if w.inOut+len(w.buf) > 0 && w.began.IsZero() {
		w.began = now
	}
	end := !w.began.IsZero() && (now.Sub(w.began) >= frameAge || now.Sub(w.checked) >= frameAge)
	if len(w.buf) > 0 || end {
		var after []byte
		if end {
			w.checked = now
			after = w.checkpoint()
		}
		w.send(end, true, after)
	}
	w.err = w.failure()
	return w.err
}

// checkpoint is the metadata so far, without the hosts, as a frame.
func (w *Writer) checkpoint() []byte {
	m := w.soFar()
	if m == nil {
		return nil
	}
	body, err := json.Marshal(m)
	if err != nil || len(body) > maxMeta {
		return nil // the end of the file says so
	}
	return appendOwnFrame(nil, kindCheck, body)
}

// Requests is how many requests were written so far.
func (w *Writer) Requests() int64 { return w.meta.Requests }

// Size is about how many bytes the file has so far.
func (w *Writer) Size() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.size
}

// packer makes frames of chunks: at once where a chunk is a whole frame, else block after block.
type packer struct {
	enc    *zstd.Encoder
	stream *zstd.Encoder // of the frame that is open; nil for files that are not live
	open   bool
	out    bytes.Buffer // of stream
	packed []byte
	size   frameSize // of the open frame so far
}

func newPacker(o WriterOptions) (*packer, error) {
	enc, err := newFrameEncoder()
	if err != nil {
		return nil, err
	}
	p := &packer{enc: enc}
	if o.Live {
		p.stream, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderCRC(true), zstd.WithWindowSize(frameTarget))
	}
	return p, err
}

// pack gives the bytes that c adds to the file, valid until the next call.
func (p *packer) pack(c *chunk) ([]byte, error) {
	p.size.plain += uint32(len(c.plain))
	if c.end && !p.open {
		p.packed = p.enc.EncodeAll(c.plain, p.packed[:0])
		p.size.packed = uint32(len(p.packed))
		return p.packed, nil
	}
	p.out.Reset()
	if !p.open {
		p.stream.Reset(&p.out)
		p.open = true
	}
	_, err := p.stream.Write(c.plain)
	if err == nil && c.end {
		err = p.stream.Close()
		p.open = false
	} else if err == nil {
		err = p.stream.Flush()
	}
	p.size.packed += uint32(p.out.Len())
	return p.out.Bytes(), err
}

// compress writes the file: its header, then what comes through full, until that is closed.
func (w *Writer) compress(p *packer, h *fileHeader) {
	first, err := appendHeaderFrame(nil, h)
	w.fail(err)
	w.emit(first)
	w.frames = append(w.frames, frameSize{uint32(len(first)), 0})
	w.empty <- make([]byte, 0, frameTarget+frameTarget/8)
	for c := range w.full {
		if w.failure() == nil {
			w.take(p, &c)
		}
		w.empty <- c.plain[:0]
	}
	w.fail(p.enc.Close())
}

// take writes a chunk.
func (w *Writer) take(p *packer, c *chunk) {
	if err := w.makeRoom(c); err != nil {
		w.stopShort(p, err)
		return
	}
	packed, err := p.pack(c)
	w.fail(err)
	w.emit(packed)
	if c.end {
		w.frames = append(w.frames, p.size)
		p.size = frameSize{}
	}
	if len(c.after) > 0 {
		w.emit(c.after)
		w.frames = append(w.frames, frameSize{uint32(len(c.after)), 0})
	}
	if c.sync {
		w.sync(c.upTo)
	}
	if w.failure() == nil {
		w.last, w.lastMeta = c.upTo, c.meta
	}
}

// emit writes bytes unless earlier ones could not be written.
func (w *Writer) emit(packed []byte) {
	if w.failure() != nil {
		return
	}
	n, err := w.out.Write(packed)
	w.fail(err)
	w.mu.Lock()
	w.size += int64(n)
	w.mu.Unlock()
}

// sync waits until the disk has the file so far. After an error it is never tried again: the system reports such an
// error once, and a second success would mean nothing.
func (w *Writer) sync(upTo progress) {
	if w.failure() != nil {
		return
	}
	if out, ok := w.out.(interface{ Sync() error }); ok {
		if err := out.Sync(); err != nil {
			w.fail(err)
			return
		}
	}
	upTo.bytes = w.Size()
	w.safe = upTo
}

// CloseSorted is Close for a live file whose source came to its end: where requests are out of order, it sorts them
// into the file, as an import does. Where that cannot be done, or ctx ends it, unsorted says why, and the file is in
// the order of reading.
func (w *Writer) CloseSorted(ctx context.Context) (unsorted, err error) {
	if w.ended || w.err != nil || w.meta.Disorder == 0 {
		return nil, w.Close()
	}
	err = w.finish()
	w.err = errClosed
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		return nil, w.giveUp(err)
	}
	w.safe = progress{w.size, w.meta.Requests, w.plain}
	if err := w.examine(); err != nil {
		return nil, w.giveUp(err)
	}
	if unsorted = w.sortInto(ctx); unsorted == nil {
		return nil, w.discard()
	}
	if err := w.rename(); err != nil {
		return unsorted, w.giveUp(err)
	}
	return unsorted, nil
}

// sortInto writes the finished file again, in order of arrival, under its final name.
func (w *Writer) sortInto(ctx context.Context) (err error) {
	r, err := Open(w.part)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	to, err := create(w.path, sortedPart(w.path), WriterOptions{Redactor: w.redactor, Tool: w.meta.Tool})
	if err != nil {
		return err
	}
	to.SetSources(w.meta.Sources)
	if err := sortFile(ctx, r, to); err != nil {
		return errors.Join(err, to.Abort())
	}
	return to.Close()
}

// sortedPart is the unfinished name of what sortInto writes. Who has the lock of the live file has this one too.
func sortedPart(path string) string { return path + ".sorted.part" }

// sortFile writes the requests of r to a Writer, in order of arrival.
func sortFile(ctx context.Context, r *Reader, to *Writer) (err error) {
	s := NewSorter(SorterOptions{Budget: sortBudget})
	defer func() { err = errors.Join(err, s.Close()) }()
	var q Request
	for n := 0; ; n++ {
		if n&1023 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := r.read(&q)
		if err == io.EOF {
			return s.CopyTo(ctx, to)
		}
		q.clean = true // it was on a disk before
		if err == nil {
			err = s.Add(&q)
		}
		if err != nil {
			return err
		}
	}
}

// SetStopped notes in the metadata that the user ended a live capture while its source went on. Such a file is never
// replaced by another.
func (w *Writer) SetStopped() { w.meta.Stopped = true }
