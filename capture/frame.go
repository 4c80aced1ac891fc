package capture

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// schema and version are what this build writes; it reads up to version.
const (
	schema  = "replay.capture/1"
	version = 1
)

const (
	frameTarget = 1 << 20                     // a frame is closed once it holds this many bytes of lines
	maxFrame    = MaxRecord + frameTarget + 1 // bytes of lines in one frame
	maxPacked   = maxFrame + maxFrame/64      // bytes of one frame in the file: incompressible blocks cost 3 bytes each
	maxMeta     = 16 << 20                    // bytes of the metadata
	maxWindow   = 8 << 20                     // bytes of history that a frame may ask its reader to keep
)

// Magic numbers, little-endian in the file. Those of skippable frames end in any hexadecimal digit.
const (
	zstdMagic     = 0xFD2FB528
	skippable     = 0x184D2A50
	skippableMask = 0xFFFFFFF0
	ownFrame      = 0x184D2A5A // ours
	seekFrame     = 0x184D2A5E // seek table of the zstd seekable format
	seekMagic     = 0x8F92EAB1 // its last four bytes
)

// Our own skippable frames hold: mark, kind, version, two zero bytes, CRC-32C of the JSON that follows, the JSON.
const (
	mark       = "rplycap\n"
	kindHeader = 'H'
	kindMeta   = 'M'
	kindCheck  = 'C'
	ownHeader  = len(mark) + 8
)

// IsCaptureFile reports whether a file that begins with head (24 bytes are enough) is a capture file.
func IsCaptureFile(head []byte) bool {
	return len(head) >= 8+len(mark) && binary.LittleEndian.Uint32(head) == ownFrame && string(head[8:8+len(mark)]) == mark
}

// FormatError says where a capture file is damaged.
type FormatError struct {
	Offset   int64 // where in the file the damaged part begins, bytes
	Requests int64 // how many requests before it are sound
	Cut      bool  // of a torn file: part of a request stands at its end
	Msg      string
	Err      error // ErrTorn, ErrVersion, or nil: damaged in the middle
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s (%d requests before it are sound)", e.Msg, e.Requests)
}

func (e *FormatError) Unwrap() error { return e.Err }

var (
	// ErrTorn means that a capture file stops before its end: its writer was killed, or is still writing. Everything
	// before is sound.
	ErrTorn = errors.New("capture file is torn")
	// ErrVersion means that a newer version of the program wrote the file.
	ErrVersion = errors.New("capture file is of a newer version")
)

// checksum is the CRC-32C that guards the JSON of our own frames.
func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// appendOwnFrame appends a skippable frame of ours that holds body.
func appendOwnFrame(dst []byte, kind byte, body []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, ownFrame)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(ownHeader+len(body)))
	dst = append(dst, mark...)
	dst = append(dst, kind, version, 0, 0)
	dst = binary.LittleEndian.AppendUint32(dst, checksum(body))
	return append(dst, body...)
}

// parseOwnFrame gives kind and body of the contents of a frame with the magic number ownFrame. kind is 0
// when the frame is somebody else's.
func parseOwnFrame(b []byte) (kind byte, body []byte, err error) {
	if len(b) < ownHeader || string(b[:len(mark)]) != mark {
		return 0, nil, nil
	}
	kind, body = b[len(mark)], b[ownHeader:]
	if v := b[len(mark)+1]; v > version {
		return 0, nil, fmt.Errorf("%w: version %d, this build reads up to %d", ErrVersion, v, version)
	}
	if checksum(body) != binary.LittleEndian.Uint32(b[len(mark)+4:]) {
		return 0, nil, errors.New("checksum mismatch")
	}
	return kind, body, nil
}

// fileHeader is what a file says before its first request. All but the schema is for live files, whose metadata may
// never be written.
type fileHeader struct {
	Schema    string `json:"schema"`
	Live      bool   `json:"live,omitempty"`
	Redaction string `json:"redaction,omitempty"`
	Series    string `json:"series,omitempty"`
	Part      int    `json:"part,omitempty"`
}

func appendHeaderFrame(dst []byte, h *fileHeader) ([]byte, error) {
	body, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	return appendOwnFrame(dst, kindHeader, body), nil
}

func appendMetaFrame(dst []byte, m *Meta) ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	if len(body) > maxMeta {
		return nil, fmt.Errorf("metadata of %d bytes, limit %d", len(body), maxMeta)
	}
	return appendOwnFrame(dst, kindMeta, body), nil
}

// frameSize is one entry of the seek table: bytes in the file, bytes of lines.
type frameSize struct{ packed, plain uint32 }

const (
	seekEntry  = 8
	seekFooter = 9 // number of frames, descriptor, seekMagic
)

func appendSeekTable(dst []byte, frames []frameSize) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, seekFrame)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(seekEntry*len(frames)+seekFooter))
	for _, f := range frames {
		dst = binary.LittleEndian.AppendUint32(dst, f.packed)
		dst = binary.LittleEndian.AppendUint32(dst, f.plain)
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(frames)))
	dst = append(dst, 0)
	return binary.LittleEndian.AppendUint32(dst, seekMagic)
}

// tailMeta reads the metadata from the end of a whole capture file of size bytes: the seek table's last entry
// gives the size of the frame before it. ok is false when the end is not that of a whole file.
func tailMeta(f io.ReaderAt, size int64) (m Meta, ok bool) {
	var foot [seekFooter]byte
	if _, err := f.ReadAt(foot[:], size-seekFooter); err != nil || binary.LittleEndian.Uint32(foot[5:]) != seekMagic {
		return m, false
	}
	table := int64(binary.LittleEndian.Uint32(foot[:]))*seekEntry + seekFooter
	var last [seekEntry]byte
	if _, err := f.ReadAt(last[:], size-seekFooter-seekEntry); err != nil || table < seekEntry+seekFooter {
		return m, false
	}
	length := int64(binary.LittleEndian.Uint32(last[:])) - 8
	if length < int64(ownHeader) || length > int64(ownHeader)+maxMeta {
		return m, false
	}
	b := make([]byte, length)
	if _, err := f.ReadAt(b, size-table-8-length); err != nil {
		return m, false
	}
	kind, body, err := parseOwnFrame(b)
	if err != nil || kind != kindMeta || json.Unmarshal(body, &m) != nil {
		return Meta{}, false
	}
	return m, true
}
