package packet

import "encoding/binary"

// Bits of the first two bytes of an IEEE 802.11 header.
const (
	wlanTypeMask  = 0x0c
	wlanData      = 0x08
	wlanNoData    = 0x40 // among the data frames: a null function
	wlanQoS       = 0x80
	wlanToDS      = 0x01
	wlanFromDS    = 0x02
	wlanMore      = 0x04 // fragments follow
	wlanProtected = 0x40
	wlanOrder     = 0x80
)

// radiotap goes on after a radiotap header, with or without the padding that some drivers put behind the 802.11
// header, which llc would not understand: such frames are not-ip.
func (d *Decoder) radiotap() (step, reason) {
	if len(d.b) < 8 {
		return 0, d.short(8)
	}
	n := int(binary.LittleEndian.Uint16(d.b[2:]))
	if n < 8 {
		return 0, badLength
	}
	if !d.take(n) {
		return 0, d.short(n)
	}
	return stepWLAN, used
}

// wlan goes on after the header of an IEEE 802.11 data frame. Its own fragments are not joined.
func (d *Decoder) wlan() (step, reason) {
	if len(d.b) < 2 {
		return 0, d.short(2)
	}
	kind, flags := d.b[0], d.b[1]
	if kind&wlanTypeMask != wlanData || kind&wlanNoData != 0 {
		return 0, notIP
	}
	if flags&wlanProtected != 0 {
		return 0, encrypted
	}
	size := 24
	if flags&(wlanToDS|wlanFromDS) == wlanToDS|wlanFromDS {
		size += 6
	}
	if kind&wlanQoS != 0 {
		size += 2
		if flags&wlanOrder != 0 {
			size += 4
		}
	}
	if len(d.b) < size {
		return 0, d.short(size)
	}
	if flags&wlanMore != 0 || d.b[22]&15 != 0 {
		return 0, notIP
	}
	d.take(size)
	return stepLLC, used
}
