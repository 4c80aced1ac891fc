package packet

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/bits"
)

// The blocks of pcapng (PCAP Now Generic Capture File Format, IETF opsawg draft) that hold something for us. All
// others, name resolution and custom ones too, are passed over.
const (
	blockSection   = 0x0a0d0d0a // the same in both byte orders
	blockInterface = 1
	blockObsolete  = 2 // packet block
	blockSimple    = 3
	blockStatistic = 5
	blockEnhanced  = 6
	blockSecrets   = 10
)

const secretsTLS = 0x544c534b // an SSLKEYLOGFILE

// pcapng walks the packets of a pcapng file.
type pcapng struct {
	buf     *buffer
	order   binary.ByteOrder // of the section; every file begins with one
	big     bool
	sides   []side
	first   uint32 // place of the section's first interface
	last    int64  // the last packet's instant, for packets that have none
	dropped int64  // of earlier sections
	secrets []byte
}

// side is one interface of a section.
type side struct {
	link    LinkType
	snap    uint32 // 0: none
	fcs     int
	base    uint8 // 10 or 2
	digits  uint8 // a tick is base to the power of -digits seconds
	offset  int64 // seconds
	dropped int64 // as its packets say
	counted int64 // as its statistics say, the latest
}

// sectionOrder tells the byte order of a section from its magic number.
func sectionOrder(b []byte) (binary.ByteOrder, bool) {
	switch binary.LittleEndian.Uint32(b) {
	case 0x1a2b3c4d:
		return binary.LittleEndian, true
	case 0x4d3c2b1a:
		return binary.BigEndian, true
	}
	return nil, false
}

func (p *pcapng) next(f *Frame) error {
	for {
		off := p.buf.off
		kind, block, err := p.block()
		if err != nil {
			return err
		}
		whole, msg := false, ""
		switch kind {
		case blockSection:
			msg = p.section(block)
		case blockInterface:
			msg = p.interfaceBlock(block)
		case blockEnhanced:
			whole, msg = p.enhanced(f, block)
		case blockSimple:
			whole, msg = p.simple(f, block)
		case blockObsolete:
			whole, msg = p.obsolete(f, block)
		case blockStatistic:
			msg = p.statistics(block)
		case blockSecrets:
			msg = p.secret(block)
		}
		if msg != "" {
			return &FormatError{Offset: off, Msg: msg}
		}
		if whole {
			p.last = f.At
			return nil
		}
	}
}

// block takes the next block whole: its type, and its body without both lengths.
func (p *pcapng) block() (kind uint32, body []byte, err error) {
	off := p.buf.off
	head, err := p.buf.peek(12)
	if err != nil {
		if len(head) == 0 && err == io.EOF {
			return 0, nil, io.EOF
		}
		return 0, nil, cutShort(off, "block header", 12, len(head), err)
	}
	if binary.BigEndian.Uint32(head) == blockSection {
		order, ok := sectionOrder(head[8:])
		if !ok {
			return 0, nil, &FormatError{Offset: off, Msg: fmt.Sprintf("section of byte order %x", head[8:12])}
		}
		p.order, p.big = order, order == binary.BigEndian
	}
	kind, size := p.u32(head), p.u32(head[4:])
	switch {
	case size > maxBlock:
		return 0, nil, &FormatError{Offset: off, Msg: fmt.Sprintf("block of %d bytes, limit %d", size, maxBlock)}
	case size < 12 || size%4 != 0:
		return 0, nil, &FormatError{Offset: off, Msg: fmt.Sprintf("block of %d bytes", size)}
	}
	b, err := p.buf.peek(int(size))
	if err != nil {
		return 0, nil, cutShort(off, fmt.Sprintf("block of type %#x", kind), int(size), len(b), err)
	}
	if end := p.u32(b[size-4:]); end != size {
		return 0, nil, &FormatError{Offset: off, Msg: fmt.Sprintf("block of %d bytes that ends as one of %d", size, end)}
	}
	p.buf.take(int(size))
	return kind, b[8 : size-4], nil
}

func (p *pcapng) u32(b []byte) uint32 {
	if p.big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func (p *pcapng) section(b []byte) (msg string) {
	if len(b) < 16 {
		return "section header of less than 28 bytes"
	}
	if major := p.order.Uint16(b[4:]); major != 1 {
		return fmt.Sprintf("pcapng of version %d, this build reads version 1", major)
	}
	p.dropped = p.drops()
	p.first += uint32(len(p.sides))
	p.sides = p.sides[:0]
	return ""
}

// Codes of options.
const (
	optionEnd        = 0
	optionResolution = 9  // of an interface: if_tsresol
	optionChecksum   = 13 // if_fcslen
	optionOffset     = 14 // if_tsoffset
	optionLost       = 4  // of a packet: epb_dropcount
	optionIfDrop     = 5  // of statistics: isb_ifdrop
	optionOSDrop     = 7  // isb_osdrop
)

// option takes the next option off b. It returns optionEnd where there is none, or not a whole one.
func (p *pcapng) option(b []byte) (code uint16, value, rest []byte) {
	if len(b) < 4 {
		return optionEnd, nil, nil
	}
	code, n := p.order.Uint16(b), int(p.order.Uint16(b[2:]))
	padded := 4 + (n+3)&^3
	if padded > len(b) {
		return optionEnd, nil, nil
	}
	return code, b[4 : 4+n], b[padded:]
}

func (p *pcapng) interfaceBlock(b []byte) (msg string) {
	if len(b) < 8 {
		return "interface description of less than 20 bytes"
	}
	if len(p.sides) == maxInterfaces {
		return fmt.Sprintf("more than %d interfaces", maxInterfaces)
	}
	s := side{link: LinkType(p.order.Uint16(b)), snap: p.u32(b[4:]), base: 10, digits: 6}
	for code, v, rest := p.option(b[8:]); code != optionEnd; code, v, rest = p.option(rest) {
		switch {
		case code == optionResolution && len(v) == 1:
			s.base, s.digits = 10, v[0]&0x7f
			if v[0]&0x80 != 0 {
				s.base = 2
			}
		case code == optionChecksum && len(v) == 1:
			s.fcs = int(v[0]) / 8 // bits; who wrote bytes is not heard, since IP has a length of its own
		case code == optionOffset && len(v) == 8:
			s.offset = int64(p.order.Uint64(v))
		}
	}
	p.sides = append(p.sides, s)
	return ""
}

// at is the instant of ticks on the clock of s, nanoseconds since the epoch, held within what an int64 can say.
func (s *side) at(ticks uint64) int64 {
	var sec, nano uint64
	switch {
	case s.base == 10 && s.digits == 6: // most files
		sec, nano = ticks/1e6, ticks%1e6*1000
	case s.base == 10 && s.digits <= 9:
		unit := power10(s.digits)
		sec, nano = ticks/unit, ticks%unit*power10(9-s.digits)
	case s.base == 10 && s.digits <= 19:
		unit := power10(s.digits)
		sec, nano = ticks/unit, ticks%unit/power10(s.digits-9)
	case s.base == 2 && s.digits < 64:
		sec = ticks >> s.digits
		hi, lo := bits.Mul64(ticks&(1<<s.digits-1), 1e9)
		nano = hi<<(64-s.digits) | lo>>s.digits
	}
	const limit = math.MaxInt64/int64(1e9) - 1
	total := min(sec, uint64(limit))
	switch offset := max(min(s.offset, limit), -limit); {
	case offset > limit-int64(total):
		return math.MaxInt64
	default:
		return (int64(total)+offset)*1e9 + int64(nano)
	}
}

// power10 is 10 to the power of n, for n up to 19.
func power10(n uint8) uint64 {
	v := uint64(1)
	for range n {
		v *= 10
	}
	return v
}

// enhanced reads an enhanced packet block.
func (p *pcapng) enhanced(f *Frame, b []byte) (whole bool, msg string) {
	if len(b) < 20 {
		return false, "packet block of less than 32 bytes"
	}
	ticks := uint64(p.u32(b[4:]))<<32 | uint64(p.u32(b[8:]))
	s, msg := p.packet(f, p.u32(b), ticks, p.u32(b[12:]), p.u32(b[16:]), b[20:])
	if msg != "" {
		return false, msg
	}
	used := 20 + (int(p.u32(b[12:]))+3)&^3
	if len(b) < used+4 { // without options, as nearly all are
		return true, ""
	}
	for code, v, rest := p.option(b[used:]); code != optionEnd; code, v, rest = p.option(rest) {
		if code == optionLost && len(v) == 8 {
			s.dropped = addDrops(s.dropped, p.order.Uint64(v))
		}
	}
	return true, ""
}

// obsolete reads a packet block, as files had before 2010.
func (p *pcapng) obsolete(f *Frame, b []byte) (whole bool, msg string) {
	if len(b) < 20 {
		return false, "packet block of less than 32 bytes"
	}
	ticks := uint64(p.u32(b[4:]))<<32 | uint64(p.u32(b[8:]))
	s, msg := p.packet(f, uint32(p.order.Uint16(b)), ticks, p.u32(b[12:]), p.u32(b[16:]), b[20:])
	if msg != "" {
		return false, msg
	}
	if lost := p.order.Uint16(b[2:]); lost != math.MaxUint16 { // which means unknown
		s.dropped = addDrops(s.dropped, uint64(lost))
	}
	return true, ""
}

// packet fills in f.
func (p *pcapng) packet(f *Frame, id uint32, ticks uint64, captured, wire uint32, b []byte) (s *side, msg string) {
	switch {
	case int64(id) >= int64(len(p.sides)):
		return nil, fmt.Sprintf("packet of interface %d, which is one of %d", id, len(p.sides))
	case captured > maxPacket:
		return nil, fmt.Sprintf("packet %d of %d bytes, limit %d", f.Number+1, captured, maxPacket)
	case int64(captured) > int64(len(b)):
		return nil, fmt.Sprintf("packet %d of %d bytes in a block with room for %d", f.Number+1, captured, len(b))
	}
	s = &p.sides[id]
	f.Link, f.Place, f.At = s.link, p.first+id, s.at(ticks)
	f.set(b[:captured], wire, s.fcs)
	return s, ""
}

// simple reads a simple packet block: of the first interface, without an instant. It gets the one of the packet
// before it.
func (p *pcapng) simple(f *Frame, b []byte) (whole bool, msg string) {
	if len(b) < 4 {
		return false, "packet block of less than 16 bytes"
	}
	wire := p.u32(b)
	captured := wire
	if len(p.sides) > 0 && p.sides[0].snap > 0 {
		captured = min(captured, p.sides[0].snap)
	}
	if _, msg = p.packet(f, 0, 0, captured, wire, b[4:]); msg != "" {
		return false, msg
	}
	f.At = p.last
	return true, ""
}

// statistics reads an interface statistics block: of several, the last one holds.
func (p *pcapng) statistics(b []byte) (msg string) {
	if len(b) < 12 {
		return "statistics block of less than 24 bytes"
	}
	id := p.u32(b)
	if int64(id) >= int64(len(p.sides)) {
		return fmt.Sprintf("statistics of interface %d, which is one of %d", id, len(p.sides))
	}
	var n int64
	for code, v, rest := p.option(b[12:]); code != optionEnd; code, v, rest = p.option(rest) {
		if (code == optionIfDrop || code == optionOSDrop) && len(v) == 8 {
			n = addDrops(n, p.order.Uint64(v))
		}
	}
	p.sides[id].counted = n
	return ""
}

// addDrops adds what a file claims, which may be anything.
func addDrops(n int64, more uint64) int64 {
	return n + int64(min(more, uint64(math.MaxInt64-n)))
}

// drops is how many packets the capturing kernel or card says it has lost.
func (p *pcapng) drops() int64 {
	n := p.dropped
	for i := range p.sides {
		n = addDrops(n, uint64(max(p.sides[i].dropped, p.sides[i].counted)))
	}
	return n
}

// secret keeps the lines of a decryption secrets block.
func (p *pcapng) secret(b []byte) (msg string) {
	if len(b) < 8 {
		return "secrets block of less than 20 bytes"
	}
	n := p.u32(b[4:])
	switch {
	case int64(n) > int64(len(b)-8):
		return fmt.Sprintf("secrets of %d bytes in a block with room for %d", n, len(b)-8)
	case p.u32(b) != secretsTLS:
		return ""
	case len(p.secrets)+int(n)+1 > maxSecrets:
		return fmt.Sprintf("more than %d bytes of secrets", maxSecrets)
	}
	p.secrets = append(append(p.secrets, b[8:8+n]...), '\n')
	return ""
}
