package packet

import (
	"encoding/binary"
	"fmt"
	"io"
)

// The magic numbers of pcap files, as the PCAP Capture File Format (IETF opsawg draft) and the file format notes
// of Wireshark name them.
const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34 // Kuznetzov's patches: eight bytes more in each packet header
	magicIxiaHW   = 0x1c0001ac // Ixia: nanoseconds, four bytes more in the file header
	magicIxiaSW   = 0x1c0001ab
)

// pcap walks the packets of a pcap file.
type pcap struct {
	buf    *buffer
	order  binary.ByteOrder
	big    bool
	header int   // bytes of a packet's header
	tick   int64 // nanoseconds
	swap   bool  // an old version, whose two lengths may stand in the other order
	link   LinkType
	fcs    int // bytes of checksum at each frame's end
}

// pcapMagic tells the byte order and the magic number of a pcap file.
func pcapMagic(head []byte) (order binary.ByteOrder, magic uint32, ok bool) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch magic := order.Uint32(head); magic {
		case magicMicro, magicNano, magicModified, magicIxiaHW, magicIxiaSW:
			return order, magic, true
		}
	}
	return nil, 0, false
}

// newPcap reads the file header.
func newPcap(buf *buffer) (*pcap, error) {
	head, err := buf.peek(4)
	if err != nil {
		return nil, err
	}
	order, magic, ok := pcapMagic(head)
	if !ok {
		return nil, &FormatError{Msg: fmt.Sprintf("%x is not the beginning of a capture file", head)}
	}
	p := &pcap{buf: buf, order: order, big: order == binary.BigEndian, header: 16, tick: 1000}
	size := 24
	switch magic {
	case magicNano:
		p.tick = 1
	case magicModified:
		p.header = 24
	case magicIxiaHW, magicIxiaSW:
		p.tick = 1
		size = 28
	}
	if head, err = buf.peek(size); err != nil {
		return nil, cutShort(0, "file header", size, len(head), err)
	}
	p.swap = order.Uint16(head[4:]) == 2 && order.Uint16(head[6:]) <= 3
	link := order.Uint32(head[20:])
	p.link = LinkType(link & 0xffff)
	if link&(1<<26) != 0 { // then the top four bits hold the length of the checksum, in units of 16 bits
		p.fcs = int(link>>28) * 2
	}
	buf.take(size)
	return p, nil
}

func (p *pcap) next(f *Frame) error {
	off := p.buf.off
	head, err := p.buf.peek(p.header)
	if err != nil {
		if len(head) == 0 && err == io.EOF {
			return io.EOF
		}
		return cutShort(off, "packet header", p.header, len(head), err)
	}
	sec, frac, captured, wire := p.fields(head)
	if p.swap && captured > wire {
		captured, wire = wire, captured
	}
	if captured > maxPacket {
		return &FormatError{Offset: off, Msg: fmt.Sprintf("packet %d of %d bytes, limit %d", f.Number+1, captured, maxPacket)}
	}
	size := p.header + int(captured)
	b, err := p.buf.peek(size)
	if err != nil {
		return cutShort(off, fmt.Sprintf("packet %d", f.Number+1), size, len(b), err)
	}
	f.Link, f.Place = p.link, 0
	f.At = int64(sec)*1e9 + int64(frac)*p.tick
	f.set(b[p.header:], wire, p.fcs)
	p.buf.take(size)
	return nil
}

// fields reads the four numbers of a packet's header. The two byte orders are apart since calls through an
// interface cost more than the rest.
func (p *pcap) fields(b []byte) (sec, frac, captured, wire uint32) {
	if p.big {
		o := binary.BigEndian
		return o.Uint32(b), o.Uint32(b[4:]), o.Uint32(b[8:]), o.Uint32(b[12:])
	}
	o := binary.LittleEndian
	return o.Uint32(b), o.Uint32(b[4:]), o.Uint32(b[8:]), o.Uint32(b[12:])
}

// set fills in the bytes of a frame, without the checksum that ends it on some links. A file that captured more
// than there was on the wire is believed in what it captured, and one that saw more than any wire carries is not.
func (f *Frame) set(data []byte, wire uint32, fcs int) {
	f.Len = max(int(min(wire, maxWire)), len(data))
	if fcs > 0 && f.Len >= fcs {
		f.Len -= fcs
		data = data[:min(len(data), f.Len)]
	}
	f.Data = data
}

// cutShort is the error of a file that ends within something of want bytes.
func cutShort(off int64, what string, want, got int, err error) error {
	return &FormatError{Offset: off, Msg: fmt.Sprintf("%s: %d of %d bytes", what, got, want), Err: ended(err)}
}
