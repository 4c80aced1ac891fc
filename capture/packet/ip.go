package packet

import (
	"encoding/binary"
	"net/netip"
)

// IP protocols and IPv6 next headers.
const (
	protocolHopByHop    = 0
	protocolIPv4        = 4
	protocolTCP         = 6
	protocolUDP         = 17
	protocolIPv6        = 41
	protocolRouting     = 43
	protocolFragment    = 44
	protocolGRE         = 47
	protocolAuth        = 51
	protocolDestination = 60
	protocolEtherIP     = 97
	protocolMobility    = 135
	protocolHIP         = 139
	protocolShim6       = 140
	protocolMPLS        = 137
)

// ip goes on with the version that the first byte says.
func (d *Decoder) ip() (step, reason) {
	if len(d.b) == 0 {
		return 0, d.short(1)
	}
	switch d.b[0] >> 4 {
	case 4:
		return stepIPv4, used
	case 6:
		return stepIPv6, used
	}
	return 0, notIP
}

// ipv4 goes on after an IPv4 header, with the whole datagram where it is a fragment.
func (d *Decoder) ipv4() (step, reason) {
	const size = 20
	b := d.b
	if len(b) < size {
		return 0, d.short(size)
	}
	header := int(b[0]&15) * 4
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 { // a packet that the network card was to cut up and number, seen before it did
		total = d.wire
	}
	if b[0]>>4 != 4 || header < size || total < header {
		return 0, badLength
	}
	if d.link < 0 {
		d.link = len(d.frame.Data) - len(b)
	}
	d.v6 = false
	d.src, d.dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	d.pair, d.id = binary.BigEndian.Uint64(b[12:]), uint32(binary.BigEndian.Uint16(b[4:]))
	d.ttl, d.protocol = b[8], b[9]
	at := binary.BigEndian.Uint16(b[6:])
	d.trim(total)
	if !d.take(header) { // its options are cut
		return 0, d.short(header)
	}
	const more, offset = 0x2000, 0x1fff
	if at&(more|offset) != 0 {
		return d.join(int(at&offset)*8, at&more != 0)
	}
	return stepTransport, used
}

// ipv6 goes on after an IPv6 header.
func (d *Decoder) ipv6() (step, reason) {
	const size = 40
	b := d.b
	if len(b) < size {
		return 0, d.short(size)
	}
	if b[0]>>4 != 6 {
		return 0, badLength
	}
	if d.link < 0 {
		d.link = len(d.frame.Data) - len(b)
	}
	d.v6 = true
	d.src, d.dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	d.pair = pair6(b[8:40])
	d.id, d.ttl, d.protocol = 0, b[7], b[6]
	n := int(binary.BigEndian.Uint16(b[4:]))
	d.take(size)
	if n > 0 { // else a jumbogram, or a packet that the network card was to cut up
		d.trim(n)
	}
	return stepTransport, used
}

// pair6 is a digest of two addresses of IPv6, one after the other.
func pair6(b []byte) uint64 {
	o := binary.BigEndian
	return mix(mix(o.Uint64(b), o.Uint64(b[8:])), mix(o.Uint64(b[16:]), o.Uint64(b[24:])))
}

// pairOf is Decoder.pair of two addresses.
func pairOf(src, dst netip.Addr) uint64 {
	if src.Is4() && dst.Is4() {
		a, b := src.As4(), dst.As4()
		return uint64(binary.BigEndian.Uint32(a[:]))<<32 | uint64(binary.BigEndian.Uint32(b[:]))
	}
	a, b := src.As16(), dst.As16()
	return pair6(append(a[:], b[:]...))
}

// transport goes on after an IP header with what is not TCP: extension headers, tunnels, UDP.
func (d *Decoder) transport() (step, reason) {
	switch d.protocol {
	case protocolUDP:
		return d.udp()
	case protocolIPv4:
		return stepIPv4, used
	case protocolIPv6:
		return stepIPv6, used
	case protocolGRE:
		return d.greTunnel()
	case protocolMPLS:
		return stepMPLS, used
	case protocolEtherIP:
		if !d.take(2) {
			return 0, d.short(2)
		}
		return stepEthernet, used
	case protocolAuth:
		return d.extension(4, 2)
	}
	if !d.v6 {
		return 0, notTCP
	}
	switch d.protocol {
	case protocolHopByHop, protocolRouting, protocolDestination, protocolMobility, protocolHIP, protocolShim6:
		return d.extension(8, 1)
	case protocolFragment:
		return d.fragmentHeader()
	}
	return 0, notTCP
}

// extension goes on after an extension header, whose second byte counts units beyond the first ones.
func (d *Decoder) extension(unit, first int) (step, reason) {
	if len(d.b) < 8 {
		return 0, d.short(8)
	}
	next, n := d.b[0], (int(d.b[1])+first)*unit
	if !d.take(n) {
		return 0, d.short(n)
	}
	d.protocol = next
	return stepTransport, used
}

// fragmentHeader goes on after an IPv6 fragment header, with the whole datagram.
func (d *Decoder) fragmentHeader() (step, reason) {
	const size = 8
	if len(d.b) < size {
		return 0, d.short(size)
	}
	next, at := d.b[0], binary.BigEndian.Uint16(d.b[2:])
	d.id = binary.BigEndian.Uint32(d.b[4:])
	d.take(size)
	d.protocol = next
	if at&^6 == 0 { // whole, as some translators send it
		d.id = 0
		return stepTransport, used
	}
	return d.join(int(at&^7), at&1 != 0)
}

// tcp reads the segment itself.
func (d *Decoder) tcp(s *Segment) reason {
	const size = 20
	b := d.b
	if len(b) < size {
		return d.short(size)
	}
	header := int(b[12]>>4) * 4
	if header < size || header > d.wire {
		return badLength
	}
	s.Frame, s.At = d.frame.Number, d.frame.At
	s.Src = netip.AddrPortFrom(d.src, binary.BigEndian.Uint16(b))
	s.Dst = netip.AddrPortFrom(d.dst, binary.BigEndian.Uint16(b[2:]))
	s.Seq, s.Ack = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
	bits := b[13]
	s.Flags = Flags(bits & 0x3f) // the same bits in the same order
	s.Len = d.wire - header
	s.Payload = b[min(header, len(b)):]
	d.aliases.rename(d, s, b)
	if d.twins.seen(d, s, b) {
		return duplicate
	}
	return used
}
