package packet

import "encoding/binary"

// What GRE carries beyond the EtherTypes of links.
const (
	greERSPAN   = 0x88be // types I and II
	greERSPAN3  = 0x22eb
	greWCCP     = 0x883e
	greWLAN     = 0x8200 // of access points by Aruba, to 0x8370 by tunnel
	greWLANLast = 0x8370
)

// UDP ports of tunnels. VXLAN is recognised on any port.
const (
	portVXLAN      = 4789
	portVXLANLinux = 8472
	portGeneve     = 6081
	portGTP        = 2152
	portTeredo     = 3544
	portGRE        = 4754 // RFC 8086
	portMPLS       = 6635 // RFC 7510
	portAYIYA      = 5072
	portHTTPS      = 443
)

// greTunnel goes on after a GRE header (RFC 2784, 2890, 2637).
func (d *Decoder) greTunnel() (step, reason) {
	if len(d.b) < 4 {
		return 0, d.short(4)
	}
	if !d.layer(&d.gre) {
		return 0, d.cutOr(badLength)
	}
	d.take(len(d.gre.Contents))
	d.etherType = uint16(d.gre.Protocol)
	switch {
	case d.etherType == greERSPAN && !d.gre.SeqPresent: // type I has no header of its own
		return stepEthernet, used
	case d.etherType == greERSPAN:
		return d.erspan2()
	case d.etherType == greERSPAN3:
		return d.erspan3()
	case d.etherType == greWCCP:
		if len(d.b) > 0 && d.b[0]>>4 != 4 && !d.take(4) { // a redirect header, from version 2 on
			return 0, d.short(4)
		}
		return stepIPv4, used
	case d.etherType >= greWLAN && d.etherType <= greWLANLast && d.etherType&15 == 0:
		return stepWLAN, used
	case d.etherType < minEtherType:
		return 0, notIP
	}
	return stepType, used
}

// cutOr is why a header cannot be read: because the capture ends in it, or else as given.
func (d *Decoder) cutOr(why reason) reason {
	if len(d.b) < d.wire {
		return cut
	}
	return why
}

func (d *Decoder) erspan2() (step, reason) {
	const size = 8
	if len(d.b) < size {
		return 0, d.short(size)
	}
	if !d.layer(&d.erspan) {
		return 0, notIP
	}
	d.take(size)
	return stepEthernet, used
}

// erspan3 goes on after an ERSPAN header of type III, which gopacket does not know.
func (d *Decoder) erspan3() (step, reason) {
	size := 12
	if len(d.b) < size {
		return 0, d.short(size)
	}
	kind := d.b[10] >> 2 & 31
	if d.b[0]>>4 != 2 || kind != 0 && kind != 2 {
		return 0, notIP
	}
	if d.b[11]&1 != 0 {
		size += 8 // a header of the platform's
	}
	if !d.take(size) {
		return 0, d.short(size)
	}
	if kind == 2 {
		return stepIP, used
	}
	return stepEthernet, used
}

// udp goes on with what a datagram carries, where that is a tunnel.
func (d *Decoder) udp() (step, reason) {
	const size = 8
	if len(d.b) < size {
		return 0, d.short(size)
	}
	src, dst := binary.BigEndian.Uint16(d.b), binary.BigEndian.Uint16(d.b[2:])
	if n := int(binary.BigEndian.Uint16(d.b[4:])); n >= size && n < d.wire {
		d.trim(n)
	}
	d.take(size)
	next := d.udpTunnel(dst)
	if next == 0 {
		next = d.udpTunnel(src)
	}
	switch {
	case next != 0:
		return next, used
	case d.vxlanInside(dst == portVXLAN || dst == portVXLANLinux):
		d.take(8)
		return stepEthernet, used
	case looksLikeQUIC(d.b, src == portHTTPS || dst == portHTTPS):
		return 0, quic
	case tunnelPort(src) || tunnelPort(dst):
		return 0, d.cutOr(notTCP)
	}
	return 0, notTCP
}

// tunnelPort reports whether a tunnel may be expected on a port.
func tunnelPort(port uint16) bool {
	switch port {
	case portVXLAN, portVXLANLinux, portGeneve, portGTP, portTeredo, portGRE, portAYIYA:
		return true
	}
	return false
}

// udpTunnel goes on after the header of the tunnel that port stands for. It returns 0 where there is none.
func (d *Decoder) udpTunnel(port uint16) step {
	switch port {
	case portGeneve:
		return d.geneve()
	case portGTP:
		return d.gtp()
	case portTeredo:
		return d.teredo()
	case portGRE:
		if len(d.b) >= 4 && d.b[1]&7 == 0 {
			d.protocol = protocolGRE
			return stepTransport
		}
	case portMPLS:
		return stepMPLS
	case portAYIYA:
		return d.ayiya()
	}
	return 0
}

// vxlanInside reports whether a VXLAN header comes next (RFC 7348). On a port that is not its own it must be
// followed by a frame that may hold IP.
func (d *Decoder) vxlanInside(known bool) bool {
	if len(d.b) < 8 || d.b[0]&0x08 == 0 {
		return false
	}
	if !known {
		return d.b[0] == 0x08 && d.b[1]|d.b[2]|d.b[3]|d.b[7] == 0 && looksLikeEthernet(d.b[8:])
	}
	const flags = 0x88 // a valid network identifier, a group policy
	return d.b[0]&^flags == 0 && d.layer(&d.vxlan) && d.vxlan.ValidIDFlag
}

// geneve goes on after a Geneve header (RFC 8926). gopacket's decoder counts the options in eight bits, which 63
// words of them exceed, and allocates for each.
func (d *Decoder) geneve() step {
	if len(d.b) < 8 || d.b[0]>>6 != 0 || d.b[1]&0x80 != 0 { // another version, or a control packet
		return 0
	}
	etherType := binary.BigEndian.Uint16(d.b[2:])
	if etherType < minEtherType || !d.take(8+int(d.b[0]&63)*4) {
		return 0
	}
	d.etherType = etherType
	return stepType
}

// gtp goes on after a GTP-U header (3GPP TS 29.281). gopacket's decoder refuses packets that the capture has cut.
func (d *Decoder) gtp() step {
	const tunnelled = 255 // G-PDU
	if len(d.b) < 8 || d.b[0]>>4 != 3 || d.b[1] != tunnelled {
		return 0
	}
	b, size := d.b, 8
	if b[0]&7 != 0 {
		size += 4
		if len(b) < size {
			return 0
		}
		for next := b[0]&4 != 0 && b[size-1] != 0; next; next = b[size-1] != 0 {
			if len(b) <= size || b[size] == 0 {
				return 0
			}
			size += int(b[size]) * 4
			if len(b) < size {
				return 0
			}
		}
	}
	if !looksLikeIP(b[size:]) {
		return 0
	}
	d.take(size)
	return stepIP
}

// teredo goes on after the optional headers of a Teredo packet (RFC 4380).
func (d *Decoder) teredo() step {
	b := d.b
	if len(b) >= 4 && b[0] == 0 && b[1] == 1 {
		n := 4 + int(b[2]) + int(b[3]) + 8 + 1
		if len(b) < n {
			return 0
		}
		b = b[n:]
	}
	if len(b) >= 8 && b[0] == 0 && b[1] == 0 {
		b = b[8:]
	}
	if len(b) < 40 || b[0]>>4 != 6 {
		return 0
	}
	d.take(len(d.b) - len(b))
	return stepIPv6
}

// ayiya goes on after the header of Anything In Anything, which tunnel brokers used for IPv6
// (draft-massar-v6ops-ayiya).
func (d *Decoder) ayiya() step {
	const forward = 1
	if len(d.b) < 8 || d.b[2]&15 != forward || d.b[3] != protocolIPv6 && d.b[3] != protocolIPv4 {
		return 0
	}
	next := d.b[3]
	if !d.take(8 + 1<<(d.b[0]>>4) + int(d.b[1]>>4)*4) {
		return 0
	}
	d.protocol = next
	return stepTransport
}

// looksLikeQUIC reports whether a datagram carries QUIC (RFC 8999, 9000): a long header of a version that exists,
// or any header on the port of HTTP/3.
func looksLikeQUIC(b []byte, https bool) bool {
	if len(b) < 5 {
		return false
	}
	if b[0]&0x80 == 0 {
		return https && b[0]&0x40 != 0
	}
	switch version := binary.BigEndian.Uint32(b[1:]); {
	case version == 1, version == 0x6b3343cf: // version 2
		return b[0]&0x40 != 0
	case version>>8 == 0xff0000: // drafts
		return b[0]&0x40 != 0
	case version>>16 == 0x5130: // Q0..: Google's own
		return https
	}
	return https && binary.BigEndian.Uint32(b[1:]) == 0 // version negotiation
}
