package capture

import (
	"errors"
	"fmt"
	"os"

	"github.com/klauspost/compress/zstd"
)

// run is sorted requests in a temporary file: frames of lines as a capture file has them, so that one which needs no
// merging goes into the capture file as it is.
type run struct {
	frames []runFrame
	tail   []byte   // lines of the frame that is not written yet
	part   runFrame // what is known of it; its last arrival is that of the run
}

// runFrame is one frame of a run.
type runFrame struct {
	at          int64 // where in the file
	size        frameSize
	first, last int64 // arrivals
	count       int64 // requests
}

func newFrameEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true))
}

func newFrameDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxFrame))
}

// spillFile is a temporary file of frames. Where the system allows it the file has no name from the start, so
// that nothing is left of it however the program ends.
type spillFile struct {
	f      *os.File
	dir    string
	name   string // empty: removed
	size   int64
	packed []byte
}

// newSpillFile creates a file that only its owner may read.
func newSpillFile(dir string) (*spillFile, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	f, err := os.CreateTemp(dir, "replay-sort-")
	if err != nil {
		return nil, err
	}
	file := &spillFile{f: f, dir: dir, name: f.Name()}
	if os.Remove(file.name) == nil {
		file.name = ""
	}
	return file, nil
}

// append compresses lines and writes the frame. It sets where it lies.
func (s *spillFile) append(enc *zstd.Encoder, lines []byte, frame *runFrame) error {
	s.packed = enc.EncodeAll(lines, s.packed[:0])
	return s.appendPacked(s.packed, len(lines), frame)
}

func (s *spillFile) appendPacked(packed []byte, plain int, frame *runFrame) error {
	frame.at, frame.size = s.size, frameSize{uint32(len(packed)), uint32(plain)}
	if _, err := s.f.WriteAt(packed, s.size); err != nil {
		return fmt.Errorf("temporary file in %s: %w after %d bytes (TMPDIR names another folder)", s.dir, cause(err), s.size)
	}
	s.size += int64(len(packed))
	return nil
}

// read reads a frame as it stands in the file. It is valid until the next call.
func (s *spillFile) read(frame *runFrame) ([]byte, error) {
	n := int(frame.size.packed)
	if cap(s.packed) < n {
		s.packed = make([]byte, n+n/4)
	}
	s.packed = s.packed[:n]
	if _, err := s.f.ReadAt(s.packed, frame.at); err != nil {
		return nil, fmt.Errorf("temporary file: %w", unexpected(err))
	}
	return s.packed, nil
}

// decode appends the lines of a frame to dst.
func (s *spillFile) decode(dec *zstd.Decoder, frame *runFrame, dst []byte) ([]byte, error) {
	packed, err := s.read(frame)
	if err != nil {
		return dst, err
	}
	lines, err := dec.DecodeAll(packed, dst)
	if err == nil && len(lines)-len(dst) != int(frame.size.plain) {
		err = errors.New("size is not what was written")
	}
	if err != nil {
		return dst, fmt.Errorf("temporary file: %w", err)
	}
	return lines, nil
}

// close closes the file and removes what is left of it.
func (s *spillFile) close() error {
	err := s.f.Close()
	if s.name != "" {
		err = errors.Join(err, os.Remove(s.name))
	}
	return err
}
