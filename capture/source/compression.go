package source

import (
	"bufio"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"trafficreplay/capture"
)

// sniffSize is how much of a file is looked at to tell what it is, bytes.
const sniffSize = 64

// compression names what a file that begins with head is compressed with; empty: nothing that we know.
func compression(head []byte) string {
	if len(head) < 4 {
		return ""
	}
	magic := binary.LittleEndian.Uint32(head)
	switch {
	case head[0] == 0x1f && head[1] == 0x8b && head[2] == 8:
		return "gzip"
	case magic == 0xFD2FB528:
		return "zstd"
	case magic == 0x184D2204 || magic == 0x184C2102:
		return "lz4"
	case magic&0xFFFFFFF0 == 0x184D2A50: // both begin with skippable frames; zstd is the likelier one
		return "zstd"
	case len(head) >= len(xzMagic) && string(head[:len(xzMagic)]) == xzMagic:
		return "xz"
	case len(head) >= 10 && string(head[:3]) == "BZh" && head[3] >= '1' && head[3] <= '9' && bzip2Block(string(head[4:10])):
		return "bzip2"
	}
	return ""
}

// bzip2Block reports whether a bzip2 file goes on like this: a block begins with the digits of pi, the end of an
// empty file with those of its square root.
func bzip2Block(s string) bool {
	return s == "\x31\x41\x59\x26\x53\x59" || s == "\x17\x72\x45\x38\x50\x90"
}

// decompress opens a stream that is compressed as named, one after the other where a file holds several.
func decompress(packed string, r *bufio.Reader) (io.ReadCloser, error) {
	switch packed {
	case "gzip":
		return capture.NewGzipReader(r)
	case "zstd":
		return capture.NewZstdReader(r)
	case "bzip2":
		return io.NopCloser(bzip2.NewReader(r)), nil
	case "lz4":
		return io.NopCloser(&lz4Frames{r: r, z: lz4.NewReader(r)}), nil
	case "xz":
		x, err := xz.NewReader(newXZGuard(r))
		return io.NopCloser(x), err
	}
	return io.NopCloser(r), nil
}

// lz4Frames reads frame after frame; the library reads one.
type lz4Frames struct {
	r *bufio.Reader
	z *lz4.Reader
}

func (l *lz4Frames) Read(b []byte) (int, error) {
	for {
		n, err := l.z.Read(b)
		if n > 0 && err == io.EOF {
			return n, nil
		}
		if n > 0 || err != io.EOF {
			return n, err
		}
		if _, err := l.r.Peek(1); err != nil {
			return 0, err
		}
		l.z.Reset(l.r)
	}
}

// Limits on what comes out of a compressed file.
const (
	ratioAfter = 16 << 20 // bytes that may come out before their ratio to what went in counts
	maxRatio   = 1000
	maxOutput  = 1 << 40
)

// bombGuard ends a stream that decompresses to more than anything honest does, and turns a panic of a
// decompressor into an error.
type bombGuard struct {
	r      io.Reader
	raw    *rawReader
	packed string
	out    int64
}

func (g *bombGuard) Read(b []byte) (n int, err error) {
	defer func() {
		if p := recover(); p != nil {
			n, err = 0, fmt.Errorf("%s: damaged in a way that the decoder does not know: %v", g.packed, p)
		}
	}()
	n, err = g.r.Read(b)
	g.out += int64(n)
	switch {
	case g.packed == "":
	case g.out > maxOutput:
		return 0, errors.New("decompresses to more than 1 TiB")
	case g.out > ratioAfter && g.out/maxRatio > g.raw.n:
		return 0, fmt.Errorf("decompresses to more than %d times its size: %d bytes out of %d", maxRatio, g.out, g.raw.n)
	case err != nil && err != io.EOF:
		err = fmt.Errorf("%s: %w", g.packed, err)
	}
	return n, err
}
