package capture

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

// Damage is what is wrong with the frames of a capture file.
type Damage struct {
	Frames []*FormatError // in their order, at most MaxDamage; Requests counts the sound ones before each
	Sound  int64          // requests in sound frames, also behind damaged ones
	Lost   bool           // what follows the last of Frames could not be looked at
}

// MaxDamage is how many damaged frames are told apart.
const MaxDamage = 20

// FindDamage looks at every frame of the capture file at path by itself, so also at those behind a damaged one, where
// a Reader stops. Where a frame does not even tell where the next one begins, the seek table does.
func FindDamage(path string) (*Damage, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	dec, err := newFrameDecoder()
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	s := &surgeon{f: f, dec: dec, walk: frameWalker{r: bufio.NewReaderSize(f, 64<<10)}}
	for len(s.d.Frames) < MaxDamage {
		off := s.walk.off
		magic, err := s.walk.next()
		if err == io.EOF {
			return &s.d, nil
		}
		if _, bad := errors.AsType[*FormatError](err); bad || err == io.ErrUnexpectedEOF {
			if err := s.skip(off, err); err != nil {
				return nil, err
			}
			if s.d.Lost {
				return &s.d, nil
			}
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: byte %d: %w", path, s.walk.off, err)
		}
		s.look(magic, off)
	}
	s.d.Lost = true
	return &s.d, nil
}

// surgeon looks for damage.
type surgeon struct {
	f     *os.File
	dec   *zstd.Decoder
	walk  frameWalker
	plain []byte
	block int64
	d     Damage
}

func (s *surgeon) bad(off int64, format string, args ...any) {
	s.d.Frames = append(s.d.Frames, &FormatError{Offset: off, Requests: s.d.Sound, Msg: fmt.Errorf(format, args...).Error()})
}

// look checks the frame that was walked.
func (s *surgeon) look(magic uint32, off int64) {
	if magic == ownFrame {
		if _, _, err := parseOwnFrame(s.walk.buf[8:]); err != nil {
			s.bad(off, "frame at byte %d: %w", off, err)
		}
		return
	}
	if magic != zstdMagic {
		return
	}
	s.block++
	var err error
	if s.plain, err = s.dec.DecodeAll(s.walk.buf, s.plain[:0]); err != nil {
		s.bad(off, "block %d at byte %d: %w", s.block, off, frameCause(err))
		return
	}
	var q Request
	n := int64(0)
	for line := range bytes.Lines(s.plain) {
		body, ok := bytes.CutSuffix(line, []byte{'\n'})
		if !ok {
			s.bad(off, "block %d at byte %d: last line has no end", s.block, off)
			return
		}
		if err := ParseJSON(body, &q); err != nil {
			s.bad(off, "block %d at byte %d: line is not a request: %w", s.block, off, err)
			return
		}
		n++
	}
	s.d.Sound += n
}

// skip goes on behind a frame at off that could not be walked, where the seek table says that the next one begins.
func (s *surgeon) skip(off int64, why error) error {
	next, plain := s.after(off)
	name := fmt.Sprintf("byte %d", off)
	if plain > 0 {
		s.block++
		name = fmt.Sprintf("block %d at byte %d", s.block, off)
	}
	if why == io.ErrUnexpectedEOF {
		s.bad(off, "%s: frame runs past the end of the file", name)
	} else {
		s.bad(off, "%s: %s", name, why.(*FormatError).Msg)
	}
	if next <= off {
		s.d.Lost = true
		return nil
	}
	if _, err := s.f.Seek(next, io.SeekStart); err != nil {
		return err
	}
	s.walk.r.Reset(s.f)
	s.walk.off = next
	return nil
}

// after is where the frame behind the one at off begins, and the plain bytes of the one at off, as the seek table has
// them; 0 where it does not say. Frames without requests have no plain bytes.
func (s *surgeon) after(off int64) (next int64, plain uint32) {
	info, err := s.f.Stat()
	if err != nil {
		return 0, 0
	}
	var foot [seekFooter]byte
	if _, err := s.f.ReadAt(foot[:], info.Size()-seekFooter); err != nil || binary.LittleEndian.Uint32(foot[5:]) != seekMagic {
		return 0, 0
	}
	entries := int64(binary.LittleEndian.Uint32(foot[:])) * seekEntry
	begin := info.Size() - seekFooter - entries
	if begin < 8 {
		return 0, 0
	}
	r := bufio.NewReader(io.NewSectionReader(s.f, begin, entries))
	var e [seekEntry]byte
	for at := int64(0); at <= off; {
		if _, err := io.ReadFull(r, e[:]); err != nil {
			return 0, 0
		}
		if at += int64(binary.LittleEndian.Uint32(e[:])); at > off {
			return min(at, begin-8), binary.LittleEndian.Uint32(e[4:])
		}
	}
	return 0, 0
}
