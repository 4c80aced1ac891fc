package source

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const xzMagic = "\xfd7zXZ\x00"

// maxDictionary is the largest xz dictionary that is read, bytes: that of xz -9.
const maxDictionary = 64 << 20

// xzGuard passes an xz file on and holds the dictionary of each of its blocks against our ceiling, since the
// decoder takes the memory that a block asks for, up to 4 GiB, before it reads on. For that it follows the
// structure of the file (the .xz file format 1.2.1, tukaani.org): headers and sizes, not the data.
type xzGuard struct {
	r       io.Reader
	skip    int64  // bytes of data until the next part that is looked at
	need    int    // bytes of that part
	part    []byte // what was read of it
	then    func() error
	between bool // streams: the file may end once nothing is left to skip

	check   int64 // bytes of the checksum behind each block
	block   int64 // bytes of the block's data so far
	index   int64 // bytes of the index so far
	varints int64 // numbers of the index to come; -1: their count is the next one
	varint  uint64
	shift   uint
}

var errXZ = errors.New("not what the xz format allows")

func newXZGuard(r io.Reader) *xzGuard {
	g := &xzGuard{r: r}
	g.want(12, g.streamHeader)
	return g
}

func (g *xzGuard) want(n int, then func() error) { g.need, g.then, g.part = n, then, g.part[:0] }

func (g *xzGuard) Read(b []byte) (int, error) {
	n, err := g.r.Read(b)
	for p := b[:n]; len(p) > 0; {
		if g.skip > 0 {
			k := min(g.skip, int64(len(p)))
			g.skip -= k
			p = p[k:]
			continue
		}
		k := min(g.need-len(g.part), len(p))
		g.part = append(g.part, p[:k]...)
		p = p[k:]
		if len(g.part) == g.need {
			if err := g.then(); err != nil {
				return 0, err
			}
		}
	}
	if err == io.EOF && (!g.between || g.skip > 0 || len(g.part) > 0) {
		err = io.ErrUnexpectedEOF // the decoder takes some of these for the end
	}
	return n, err
}

func (g *xzGuard) streamHeader() error {
	if string(g.part[:len(xzMagic)]) != xzMagic {
		return errXZ
	}
	g.check = [16]int64{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}[g.part[7]&15]
	g.want(1, g.blockOrIndex)
	return nil
}

// blockOrIndex has the first byte of a block's header, its size, or the zero with which the index begins.
func (g *xzGuard) blockOrIndex() error {
	if g.part[0] == 0 {
		g.index, g.varints, g.varint, g.shift = 1, -1, 0, 0
		g.want(1, g.indexByte)
		return nil
	}
	g.want(int(g.part[0])*4+3, g.blockHeader)
	return nil
}

// blockHeader has a block's header without its first byte.
func (g *xzGuard) blockHeader() error {
	flags, p := g.part[0], g.part[1:]
	sizes := int(flags>>6&1) + int(flags>>7)
	for range sizes {
		_, n := binary.Uvarint(p)
		if n <= 0 {
			return errXZ
		}
		p = p[n:]
	}
	for range flags&3 + 1 {
		id, n := binary.Uvarint(p)
		if n <= 0 {
			return errXZ
		}
		size, k := binary.Uvarint(p[n:])
		if k <= 0 || size > uint64(len(p)-n-k) {
			return errXZ
		}
		props := p[n+k:][:size]
		p = p[n+k+int(size):]
		if id == 0x21 && (size != 1 || dictionary(props[0]) > maxDictionary) {
			return fmt.Errorf("dictionary above the limit of %d bytes", maxDictionary)
		}
	}
	g.block = 0
	g.want(1, g.chunk)
	return nil
}

// dictionary is the size that a property byte of LZMA2 stands for.
func dictionary(b byte) int64 {
	if b >= 40 {
		return 1<<32 - 1
	}
	return int64(2|b&1) << (b/2 + 11)
}

// chunk has the control byte of a chunk of LZMA2.
func (g *xzGuard) chunk() error {
	c := g.part[0]
	g.block++
	switch {
	case c == 0:
		g.skip = -g.block&3 + g.check
		g.want(1, g.blockOrIndex)
	case c <= 2:
		g.want(2, g.plainChunk)
	case c >= 0xC0:
		g.want(5, g.packedChunk)
	case c >= 0x80:
		g.want(4, g.packedChunk)
	default:
		return errXZ
	}
	return nil
}

func (g *xzGuard) plainChunk() error { return g.data(int64(binary.BigEndian.Uint16(g.part)) + 1) }

func (g *xzGuard) packedChunk() error { return g.data(int64(binary.BigEndian.Uint16(g.part[2:])) + 1) }

func (g *xzGuard) data(n int64) error {
	g.block += int64(len(g.part)) + n
	g.skip = n
	g.want(1, g.chunk)
	return nil
}

// indexByte has one byte of the index: of the number of its records, or of the two numbers of each.
func (g *xzGuard) indexByte() error {
	c := g.part[0]
	g.index++
	if g.shift > 56 {
		return errXZ
	}
	g.varint |= uint64(c&0x7f) << g.shift
	g.shift += 7
	if c < 0x80 {
		if g.varints--; g.varints < -1 {
			if g.varint > 1<<40 {
				return errXZ
			}
			g.varints = int64(g.varint) * 2
		}
		g.varint, g.shift = 0, 0
	}
	if g.varints == 0 {
		g.skip = -g.index&3 + 4 + 12 // padding, checksum, the stream's footer
		g.between = true
		g.want(4, g.padding)
		return nil
	}
	g.want(1, g.indexByte)
	return nil
}

// padding has four bytes behind a stream: zeros, or the beginning of the next one.
func (g *xzGuard) padding() error {
	if binary.LittleEndian.Uint32(g.part) == 0 {
		g.want(4, g.padding)
		return nil
	}
	part := g.part
	g.between = false
	g.want(12, g.streamHeader)
	g.part = part
	return nil
}
