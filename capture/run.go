package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

// A run is a temporary file of sorted requests: blocks, each the sizes of its packed and plain bytes (4 bytes each,
// little-endian) and one zstd frame, of records: arrival (8 bytes), size of the line (4 bytes), the line.
const (
	runBlock  = 256 << 10 // bytes of records in a block; one record may be larger
	runRecord = 12        // bytes before a record's line
)

func newFrameEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true))
}

func newFrameDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxFrame))
}

type runWriter struct {
	path   string
	f      *os.File
	enc    *zstd.Encoder
	plain  []byte
	packed []byte
}

func newRunWriter(path string, enc *zstd.Encoder) (*runWriter, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &runWriter{path: path, f: f, enc: enc}, nil
}

func (w *runWriter) add(at int64, line []byte) error {
	w.plain = binary.LittleEndian.AppendUint64(w.plain, uint64(at))
	w.plain = binary.LittleEndian.AppendUint32(w.plain, uint32(len(line)))
	w.plain = append(w.plain, line...)
	if len(w.plain) < runBlock {
		return nil
	}
	return w.flush()
}

func (w *runWriter) flush() error {
	if len(w.plain) == 0 {
		return nil
	}
	w.packed = w.enc.EncodeAll(w.plain, append(w.packed[:0], make([]byte, 8)...))
	binary.LittleEndian.PutUint32(w.packed, uint32(len(w.packed)-8))
	binary.LittleEndian.PutUint32(w.packed[4:], uint32(len(w.plain)))
	w.plain = w.plain[:0]
	_, err := w.f.Write(w.packed)
	return err
}

func (w *runWriter) close() error { return errors.Join(w.flush(), w.f.Close()) }

type runReader struct {
	f      *os.File
	r      *bufio.Reader
	dec    *zstd.Decoder
	packed []byte
	block  []byte
	rest   []byte // of the block

	at   int64
	line []byte // valid until the next advance
}

func openRun(path string, dec *zstd.Decoder) (*runReader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &runReader{f: f, r: bufio.NewReaderSize(f, 32<<10), dec: dec}, nil
}

// advance reads the next record; io.EOF at the end.
func (r *runReader) advance() error {
	if len(r.rest) == 0 {
		if err := r.nextBlock(); err != nil {
			return err
		}
	}
	if len(r.rest) < runRecord {
		return io.ErrUnexpectedEOF
	}
	n := int64(binary.LittleEndian.Uint32(r.rest[8:])) + runRecord
	if n > int64(len(r.rest)) {
		return io.ErrUnexpectedEOF
	}
	r.at = int64(binary.LittleEndian.Uint64(r.rest))
	r.line, r.rest = r.rest[runRecord:n:n], r.rest[n:]
	return nil
}

func (r *runReader) nextBlock() error {
	var sizes [8]byte
	if _, err := io.ReadFull(r.r, sizes[:]); err != nil {
		return err
	}
	packed, plain := binary.LittleEndian.Uint32(sizes[:]), binary.LittleEndian.Uint32(sizes[4:])
	if packed > maxPacked || plain > maxFrame {
		return errors.New("temporary file was changed")
	}
	if cap(r.packed) < int(packed) {
		r.packed = make([]byte, packed)
	}
	r.packed = r.packed[:packed]
	if _, err := io.ReadFull(r.r, r.packed); err != nil {
		return unexpected(err)
	}
	var err error
	r.block, err = r.dec.DecodeAll(r.packed, r.block[:0])
	r.rest = r.block
	return err
}

// merger gives the records of sorted runs in order: by arrival, then by run.
type merger struct {
	runs []*runReader
	heap []int // indices of the runs that have a record, the first in order on top
	top  bool  // the record of heap[0] was given away, so that its run must move on
}

func newMerger(paths []string, dec *zstd.Decoder) (*merger, error) {
	m := &merger{}
	for i, path := range paths {
		r, err := openRun(path, dec)
		if err != nil {
			return nil, errors.Join(err, m.close())
		}
		m.runs = append(m.runs, r)
		if err := r.advance(); err == io.EOF {
			continue
		} else if err != nil {
			return nil, errors.Join(err, m.close())
		}
		m.heap = append(m.heap, i)
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
	return m, nil
}

// next gives the next record. line may be overwritten, and stays valid until the next call.
func (m *merger) next() (at int64, line []byte, err error) {
	if m.top {
		m.top = false
		switch err := m.runs[m.heap[0]].advance(); {
		case err == io.EOF:
			m.heap[0] = m.heap[len(m.heap)-1]
			m.heap = m.heap[:len(m.heap)-1]
		case err != nil:
			return 0, nil, err
		}
		m.down(0)
	}
	if len(m.heap) == 0 {
		return 0, nil, io.EOF
	}
	m.top = true
	r := m.runs[m.heap[0]]
	return r.at, r.line, nil
}

func (m *merger) down(i int) {
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(m.heap); c++ {
			if m.less(m.heap[c], m.heap[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		m.heap[i], m.heap[least] = m.heap[least], m.heap[i]
		i = least
	}
}

func (m *merger) less(a, b int) bool {
	if x, y := m.runs[a].at, m.runs[b].at; x != y {
		return x < y
	}
	return a < b
}

func (m *merger) close() error {
	var errs []error
	for _, r := range m.runs {
		errs = append(errs, r.f.Close())
	}
	m.runs = nil
	return errors.Join(errs...)
}
