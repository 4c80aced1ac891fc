package packet

import "encoding/binary"

// LinkType says what a frame begins with: a LINKTYPE_ value of the tcpdump group's registry of link-layer header
// types.
type LinkType uint16

// The link types that are read.
const (
	linkNull      LinkType = 0
	LinkEthernet  LinkType = 1
	linkPPP       LinkType = 9
	linkRaw       LinkType = 12 // DLT_RAW of most systems
	linkRawBSD    LinkType = 14 // and of OpenBSD
	linkPPPSerial LinkType = 50
	linkPPPoE     LinkType = 51
	linkRawIP     LinkType = 101
	linkWLAN      LinkType = 105
	linkLoop      LinkType = 108
	linkSLL       LinkType = 113
	linkRadiotap  LinkType = 127
	linkIPv4      LinkType = 228
	linkIPv6      LinkType = 229
	linkNFLOG     LinkType = 239
	linkSLL2      LinkType = 276
)

// EtherTypes.
const (
	typeIPv4     = 0x0800
	typeARP      = 0x0806
	typeTEB      = 0x6558 // transparent Ethernet bridging
	typeVLAN     = 0x8100
	typeIPv6     = 0x86dd
	typePPP      = 0x880b
	typeMPLS     = 0x8847
	typeMPLSUp   = 0x8848
	typePPPoE    = 0x8864
	typeQinQ     = 0x88a8
	typeQinQ91   = 0x9100 // before 802.1ad
	typeQinQ92   = 0x9200
	minEtherType = 0x0600 // less is the length of an 802.3 frame
)

// begin says what the frame begins with.
func (d *Decoder) begin() (step, reason) {
	switch d.frame.Link {
	case LinkEthernet:
		return stepEthernet, used
	case linkNull, linkLoop:
		return stepNull, used
	case linkRaw, linkRawBSD, linkRawIP, linkIPv4, linkIPv6:
		return stepIP, used
	case linkSLL:
		return stepSLL, used
	case linkSLL2:
		return stepSLL2, used
	case linkPPP, linkPPPSerial:
		return stepPPP, used
	case linkPPPoE:
		return stepPPPoE, used
	case linkNFLOG:
		return stepNFLOG, used
	case linkRadiotap:
		return stepRadiotap, used
	case linkWLAN:
		return stepWLAN, used
	}
	return 0, unknownLink
}

func (d *Decoder) ethernet() (step, reason) {
	const size = 14
	b := d.b
	if len(b) < size {
		return 0, d.short(size)
	}
	d.etherType = binary.BigEndian.Uint16(b[12:])
	d.take(size)
	return stepType, used
}

// byType goes on after an EtherType, past VLAN tags of any kind.
func (d *Decoder) byType() (step, reason) {
	switch d.etherType {
	case typeIPv4:
		return stepIPv4, used
	case typeIPv6:
		return stepIPv6, used
	case typeVLAN, typeQinQ, typeQinQ91, typeQinQ92:
		if len(d.b) < 4 {
			return 0, d.short(4)
		}
		d.etherType = binary.BigEndian.Uint16(d.b[2:])
		d.take(4)
		return stepType, used
	case typeMPLS, typeMPLSUp:
		return stepMPLS, used
	case typePPPoE:
		return stepPPPoE, used
	case typePPP:
		return stepPPP, used
	case typeTEB:
		return stepEthernet, used
	}
	if d.etherType < minEtherType {
		return stepLLC, used
	}
	return 0, notIP
}

// llc goes on after an IEEE 802.2 header: with what SNAP names.
func (d *Decoder) llc() (step, reason) {
	const (
		size = 8
		snap = "\xaa\xaa\x03\x00\x00\x00"
	)
	if n := min(len(d.b), len(snap)); string(d.b[:n]) != snap[:n] || d.wire < size {
		return 0, notIP
	}
	if len(d.b) < size {
		return 0, cut
	}
	d.etherType = binary.BigEndian.Uint16(d.b[6:])
	if d.etherType < minEtherType {
		return 0, notIP
	}
	d.take(size)
	return stepType, used
}

// loopback goes on after the address family of BSD loopback, in either byte order.
func (d *Decoder) loopback() (step, reason) {
	if len(d.b) < 4 {
		return 0, d.short(4)
	}
	if !d.layer(&d.null) {
		return 0, notIP
	}
	d.take(4)
	switch d.null.Family {
	case 2:
		return stepIPv4, used
	case 10, 24, 28, 30: // Linux, NetBSD and OpenBSD, FreeBSD, macOS
		return stepIPv6, used
	}
	return 0, notIP
}

// ARPHRD_ values of Linux: what a cooked capture's EtherType does not stand for.
const (
	hardwareRadiotap = 803
	hardwareNetlink  = 824
)

// linuxSLL goes on after the header of a Linux cooked capture.
func (d *Decoder) linuxSLL() (step, reason) {
	const size = 16
	if len(d.b) < size {
		return 0, d.short(size)
	}
	if !d.layer(&d.sll) {
		return 0, notIP
	}
	d.etherType = uint16(d.sll.EthernetType)
	hardware := binary.BigEndian.Uint16(d.b[2:])
	d.take(size)
	return d.cooked(hardware)
}

// linuxSLL2 goes on after the header of version 2.
func (d *Decoder) linuxSLL2() (step, reason) {
	const size = 20
	if len(d.b) < size {
		return 0, d.short(size)
	}
	if !d.layer(&d.sll2) {
		return 0, notIP
	}
	d.etherType = uint16(d.sll2.ProtocolType)
	hardware := uint16(d.sll2.ARPHardwareType)
	d.take(size)
	return d.cooked(hardware)
}

func (d *Decoder) cooked(hardware uint16) (step, reason) {
	switch hardware {
	case hardwareNetlink:
		return 0, notIP
	case hardwareRadiotap:
		return stepRadiotap, used
	}
	return stepType, used
}

// mpls goes on after a stack of labels. What is below them is not written anywhere: IP, if it looks like it, else
// an Ethernet frame, with or without a control word, if that looks like it (RFC 4448).
func (d *Decoder) mpls() (step, reason) {
	for range maxLabels {
		if len(d.b) < 4 {
			return 0, d.short(4)
		}
		bottom := d.b[2]&1 != 0
		d.take(4)
		if !bottom {
			continue
		}
		switch {
		case looksLikeIP(d.b) && (d.fitsIP() || !looksLikeEthernet(d.b)):
			return stepIP, used
		case len(d.b) > 4 && d.b[0]>>4 == 0 && looksLikeEthernet(d.b[4:]):
			d.take(4)
			return stepEthernet, used
		case looksLikeEthernet(d.b):
			return stepEthernet, used
		}
		return 0, d.cutOr(notIP)
	}
	return 0, tooDeep
}

// looksLikeIP reports whether b may begin with an IP header.
func looksLikeIP(b []byte) bool {
	return len(b) >= 1 && (b[0]>>4 == 4 && b[0]&15 >= 5 || b[0]>>4 == 6)
}

// fitsIP reports whether the length that an IP header here would give is one that the packet has: a MAC address may
// look like the beginning of one.
func (d *Decoder) fitsIP() bool {
	if len(d.b) < 6 {
		return true
	}
	if d.b[0]>>4 == 6 {
		return 40+int(binary.BigEndian.Uint16(d.b[4:])) <= d.wire
	}
	return int(binary.BigEndian.Uint16(d.b[2:])) <= d.wire
}

// looksLikeEthernet reports whether b begins with an Ethernet header of a frame that may hold IP.
func looksLikeEthernet(b []byte) bool {
	if len(b) < 15 {
		return false
	}
	switch binary.BigEndian.Uint16(b[12:]) {
	case typeIPv4:
		return b[14]>>4 == 4 && b[14]&15 >= 5
	case typeIPv6:
		return b[14]>>4 == 6
	case typeARP, typeVLAN, typeQinQ, typeQinQ91, typeQinQ92, typeMPLS, typePPPoE:
		return true
	}
	return false
}

// pppoe goes on after a session header (RFC 2516).
func (d *Decoder) pppoe() (step, reason) {
	const size = 6
	if len(d.b) < size {
		return 0, d.short(size)
	}
	if d.b[0] != 0x11 || d.b[1] != 0 {
		return 0, notIP
	}
	n := int(binary.BigEndian.Uint16(d.b[4:]))
	d.take(size)
	if n > 0 && n < d.wire {
		d.trim(n)
	}
	return stepPPP, used
}

// ppp goes on after a PPP header, compressed or not (RFC 1661, 1662).
func (d *Decoder) ppp() (step, reason) {
	if len(d.b) >= 2 && d.b[0] == 0xff && d.b[1] == 3 {
		d.take(2)
	}
	if len(d.b) < 2 {
		return 0, d.short(2)
	}
	protocol, size := binary.BigEndian.Uint16(d.b), 2
	if d.b[0]&1 != 0 {
		protocol, size = uint16(d.b[0]), 1
	}
	d.take(size)
	switch protocol {
	case 0x0021:
		return stepIPv4, used
	case 0x0057:
		return stepIPv6, used
	case 0x0281, 0x0283:
		return stepMPLS, used
	}
	return 0, notIP
}

// nflog goes on after the attributes of a netfilter log message, with the packet that one of them is
// (LINKTYPE_NFLOG).
func (d *Decoder) nflog() (step, reason) {
	const (
		header  = 4
		payload = 9 // NFULA_PAYLOAD
	)
	if len(d.b) < header {
		return 0, d.short(header)
	}
	if d.b[1] != 0 {
		return 0, notIP
	}
	family := d.b[0]
	d.take(header)
	for len(d.b) >= 4 {
		n, kind := int(binary.LittleEndian.Uint16(d.b)), binary.LittleEndian.Uint16(d.b[2:])&0x7fff
		if n < 4 {
			return 0, badLength
		}
		if kind == payload {
			d.take(4)
			d.trim(min(n-4, d.wire))
			if family == 2 || family == 10 {
				return stepIP, used
			}
			return 0, notIP
		}
		if padded := (n + 3) &^ 3; !d.take(padded) {
			return 0, d.short(padded)
		}
	}
	return 0, d.short(4)
}
