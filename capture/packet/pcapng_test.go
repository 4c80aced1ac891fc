package packet

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
)

// ngBlock is a block of pcapng.
func ngBlock(order binary.AppendByteOrder, kind uint32, body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	size := uint32(12 + len(body))
	b := order.AppendUint32(nil, kind)
	b = order.AppendUint32(b, size)
	b = append(b, body...)
	return order.AppendUint32(b, size)
}

func ngSection(order binary.AppendByteOrder) []byte {
	b := order.AppendUint32(nil, 0x1a2b3c4d)
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(b, 0)
	return ngBlock(order, blockSection, order.AppendUint64(b, math.MaxUint64))
}

// ngOption is an option with its padding.
func ngOption(order binary.AppendByteOrder, code uint16, value string) string {
	b := order.AppendUint16(nil, code)
	b = order.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return string(b)
}

func ngInterface(order binary.AppendByteOrder, link uint16, snap uint32, options ...string) []byte {
	b := order.AppendUint16(nil, link)
	b = order.AppendUint16(b, 0)
	b = order.AppendUint32(b, snap)
	return ngBlock(order, blockInterface, append(b, strings.Join(options, "")...))
}

func ngEnhanced(order binary.AppendByteOrder, id uint32, ticks uint64, data []byte, wire int, options ...string) []byte {
	b := order.AppendUint32(nil, id)
	b = order.AppendUint32(b, uint32(ticks>>32))
	b = order.AppendUint32(b, uint32(ticks))
	b = order.AppendUint32(b, uint32(len(data)))
	b = order.AppendUint32(b, uint32(wire))
	b = append(b, data...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return ngBlock(order, blockEnhanced, append(b, strings.Join(options, "")...))
}

func ngSecrets(order binary.AppendByteOrder, kind uint32, secret string) []byte {
	b := order.AppendUint32(nil, kind)
	b = order.AppendUint32(b, uint32(len(secret)))
	return ngBlock(order, blockSecrets, append(b, secret...))
}

// ngEveryBlock is a file of two sections, in both byte orders, with every kind of block.
func ngEveryBlock() []byte {
	var file []byte
	for i, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		frame := loopbackCapture(1)[24+16:][:14+20+32+150]
		frame[14+5] += byte(i) // another identification, so that the second section has no duplicates
		file = append(file, ngSection(order)...)
		file = append(file, ngSecrets(order, secretsTLS, "CLIENT_RANDOM 00 11")...)
		file = append(file, ngSecrets(order, 0x57474b4c, "a WireGuard key")...)
		file = append(file, ngInterface(order, 1, 0, ngOption(order, 2, "eth0"), ngOption(order, optionResolution, "\x09"))...)
		file = append(file, ngInterface(order, 101, 40, ngOption(order, optionResolution, "\x8a"), ngOption(order, optionOffset, string(order.AppendUint64(nil, 100))))...)
		file = append(file, ngBlock(order, 4, []byte("names"))...)
		file = append(file, ngBlock(order, 0xbad, []byte("custom"))...)
		file = append(file, ngBlock(order, 0x40000bad, []byte("custom"))...)
		file = append(file, ngBlock(order, 0x80001234, nil)...)
		file = append(file, ngEnhanced(order, 0, 1e18+5, frame, len(frame), ngOption(order, 1, "a comment"), ngOption(order, optionLost, string(order.AppendUint64(nil, 3))))...)
		file = append(file, ngEnhanced(order, 1, 2048+512, frame[14:14+60], len(frame)-14)...)
		simple := order.AppendUint32(nil, uint32(len(frame)))
		file = append(file, ngBlock(order, blockSimple, append(simple, frame...))...)
		obsolete := order.AppendUint16(nil, 1)
		obsolete = order.AppendUint16(obsolete, 7) // drops
		obsolete = order.AppendUint32(obsolete, 0)
		obsolete = order.AppendUint32(obsolete, 1024)
		obsolete = order.AppendUint32(obsolete, 60)
		obsolete = order.AppendUint32(obsolete, uint32(len(frame)-14))
		file = append(file, ngBlock(order, blockObsolete, append(obsolete, frame[14:14+60]...))...)
		statistics := append(order.AppendUint32(nil, 0), make([]byte, 8)...)
		for _, o := range []string{ngOption(order, optionIfDrop, string(order.AppendUint64(nil, 20))), ngOption(order, optionOSDrop, string(order.AppendUint64(nil, 2)))} {
			statistics = append(statistics, o...)
		}
		file = append(file, ngBlock(order, blockStatistic, statistics)...)
	}
	return file
}

func TestPcapngBlocks(t *testing.T) {
	file := ngEveryBlock()
	r, err := NewReader(iotest.OneByteReader(bytes.NewReader(file)), ReaderOptions{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	type frame struct {
		place    uint32
		link     LinkType
		at       int64
		captured int
		wire     int
	}
	var got []frame
	for err = r.nextFrame(); err == nil; err = r.nextFrame() {
		f := r.frame
		got = append(got, frame{f.Place, f.Link, f.At, len(f.Data), f.Len})
	}
	if err != io.EOF {
		t.Fatal(err)
	}
	const n = 14 + 20 + 32 + 150
	var want []frame
	for _, first := range []uint32{0, 2} {
		want = append(want,
			frame{first, 1, 1e18 + 5, n, n},
			frame{first + 1, 101, 102.5e9, 60, n - 14},
			frame{first, 1, 102.5e9, n, n},
			frame{first + 1, 101, 101e9, 60, n - 14})
	}
	if len(got) != len(want) {
		t.Fatalf("%d frames, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("frame %d: %+v, want %+v", i+1, got[i], want[i])
		}
	}
	if s := r.Stats(); s.Drops != 2*(22+7) {
		t.Errorf("%d drops, want %d: of each interface the greater of what its packets and its statistics say", s.Drops, 2*(22+7))
	}
	if got, want := string(r.Secrets()), "CLIENT_RANDOM 00 11\nCLIENT_RANDOM 00 11\n"; got != want {
		t.Errorf("secrets %q, want %q", got, want)
	}
}

func TestClocks(t *testing.T) {
	for _, test := range []struct {
		name   string
		base   uint8
		digits uint8
		offset int64
		ticks  uint64
		want   int64
	}{
		{"microseconds", 10, 6, 0, 1700000000123456, 1700000000123456000},
		{"nanoseconds", 10, 9, 0, 1700000000123456789, 1700000000123456789},
		{"seconds", 10, 0, 0, 1700000000, 1700000000e9},
		{"milliseconds before 1970", 10, 3, -10, 500, -9.5e9},
		{"picoseconds", 10, 12, 0, 1500000000999, 1500000000},
		{"attoseconds", 10, 18, 0, 2500000000000000000, 2.5e9},
		{"a power too far", 10, 127, 0, math.MaxUint64, 0},
		{"binary seconds", 2, 0, 0, 5, 5e9},
		{"halves of a nanosecond, nearly", 2, 31, 0, 3 << 30, 1.5e9},
		{"2 to the power of -63", 2, 63, 0, 1 << 62, 5e8},
		{"a binary power too far", 2, 64, 0, math.MaxUint64, 0},
		{"offset", 10, 6, 1700000000, 123456, 1700000000123456000},
		{"after the year 2262", 10, 0, 0, math.MaxUint64, 9223372035e9},
		{"offset beyond everything", 10, 0, math.MaxInt64, 5, math.MaxInt64},
		{"offset before everything", 10, 0, math.MinInt64, 5, -9223372030e9},
	} {
		s := side{base: test.base, digits: test.digits, offset: test.offset}
		if got := s.at(test.ticks); got != test.want {
			t.Errorf("%s: %d ticks are %d ns, want %d", test.name, test.ticks, got, test.want)
		}
	}
}

// TestPcapngDamage reads files that contradict themselves.
func TestPcapngDamage(t *testing.T) {
	order := binary.LittleEndian
	section, side := ngSection(order), ngInterface(order, 1, 0)
	head := append(bytes.Clone(section), side...)
	with := func(b []byte) []byte { return append(bytes.Clone(head), b...) }
	badEnd := ngBlock(order, 5, make([]byte, 12))
	badEnd[len(badEnd)-4]++
	odd := ngBlock(order, 0xbad, []byte("1234"))
	odd[4]++
	version := bytes.Clone(section)
	version[12] = 2
	byteOrder := bytes.Clone(section)
	byteOrder[8] = 0
	room := ngEnhanced(order, 0, 0, make([]byte, 8), 8)
	order.PutUint32(room[20:], 100)
	secret := ngSecrets(order, secretsTLS, "1234")
	order.PutUint32(secret[12:], 5)
	for _, test := range []struct {
		name string
		file []byte
		want string
	}{
		{"ends that differ", with(badEnd), "x: byte 48: block of 24 bytes that ends as one of 25"},
		{"odd length", with(odd), "x: byte 48: block of 17 bytes"},
		{"length of 8", with([]byte("\x05\x00\x00\x00\x08\x00\x00\x00\x08\x00\x00\x00")), "x: byte 48: block of 8 bytes"},
		{"version 2", version, "x: byte 0: pcapng of version 2, this build reads version 1"},
		{"byte order", byteOrder, "x: byte 0: section of byte order 003c2b1a"},
		{"unknown interface", with(ngEnhanced(order, 1, 0, nil, 0)), "x: byte 48: packet of interface 1, which is one of 1"},
		{"simple packet without interface", append(bytes.Clone(section), ngBlock(order, blockSimple, make([]byte, 4))...), "x: byte 28: packet of interface 0, which is one of 0"},
		{"more than the block holds", with(room), "x: byte 48: packet 1 of 100 bytes in a block with room for 8"},
		{"short packet block", with(ngBlock(order, blockEnhanced, make([]byte, 16))), "x: byte 48: packet block of less than 32 bytes"},
		{"short obsolete block", with(ngBlock(order, blockObsolete, make([]byte, 16))), "x: byte 48: packet block of less than 32 bytes"},
		{"short simple block", with(ngBlock(order, blockSimple, nil)), "x: byte 48: packet block of less than 16 bytes"},
		{"short interface", append(bytes.Clone(section), ngBlock(order, blockInterface, make([]byte, 4))...), "x: byte 28: interface description of less than 20 bytes"},
		{"short statistics", with(ngBlock(order, blockStatistic, make([]byte, 8))), "x: byte 48: statistics block of less than 24 bytes"},
		{"statistics of nobody", with(ngBlock(order, blockStatistic, []byte("\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))), "x: byte 48: statistics of interface 1, which is one of 1"},
		{"short secrets", with(ngBlock(order, blockSecrets, make([]byte, 4))), "x: byte 48: secrets block of less than 20 bytes"},
		{"secrets beyond the block", with(secret), "x: byte 48: secrets of 5 bytes in a block with room for 4"},
		{"short section", ngBlock(order, blockSection, []byte("\x4d\x3c\x2b\x1a\x01\x00\x00\x00")), "x: byte 0: section header of less than 28 bytes"},
	} {
		if _, _, err := readSegments(t, "x", test.file); err == nil || err.Error() != test.want {
			t.Errorf("%s: error %v, want %s", test.name, err, test.want)
		}
	}
}

// TestPcapngCeilings reads files at a ceiling and one beyond.
func TestPcapngCeilings(t *testing.T) {
	order := binary.LittleEndian
	head := ngSection(order)
	side := ngInterface(order, 1, 0)
	file := append(bytes.Clone(head), bytes.Repeat(side, maxInterfaces)...)
	if _, _, err := readSegments(t, "x", file); err != nil {
		t.Errorf("%d interfaces: %v", maxInterfaces, err)
	}
	if _, _, err := readSegments(t, "x", append(file, side...)); err == nil || !strings.Contains(err.Error(), "more than 65536 interfaces") {
		t.Errorf("%d interfaces: error %v, want more than 65536 interfaces", maxInterfaces+1, err)
	}
	secret := ngSecrets(order, secretsTLS, strings.Repeat("x", 8<<20-1))
	file = append(bytes.Clone(head), bytes.Repeat(secret, 2)...)
	if _, _, err := readSegments(t, "x", file); err != nil {
		t.Errorf("%d bytes of secrets: %v", maxSecrets, err)
	}
	if _, _, err := readSegments(t, "x", append(file, ngSecrets(order, secretsTLS, "")...)); err == nil || !strings.Contains(err.Error(), "more than 16777216 bytes of secrets") {
		t.Errorf("a byte more: error %v, want more than 16777216 bytes of secrets", err)
	}
	// Options that end in the middle are passed over.
	file = append(bytes.Clone(head), ngInterface(order, 101, 0, "\x09\x00\xff\xff", "\x06\x00\x00\x00")...)
	file = append(file, ngEnhanced(order, 0, 3, inner4(t), 200, "\x04\x00\x08\x00\x01\x00\x00\x00")...)
	segments, stats, err := readSegments(t, "x", file)
	if err != nil || len(segments) != 1 || segments[0].At != 3000 || stats.Drops != 0 {
		t.Errorf("%v, %d segments, drops %d; want one at 3000 ns and no drops", err, len(segments), stats.Drops)
	}
}

// TestPcapngChecksum: the length of the checksum behind each frame is given in bits.
func TestPcapngChecksum(t *testing.T) {
	order := binary.LittleEndian
	packet := loopbackCapture(1)[24+16+14:][:20+32+150]
	for bits, kept := range map[string]int{"\x20": len(packet), "\x10": len(packet) + 2, "\x00": len(packet) + 4} {
		file := append(ngSection(order), ngInterface(order, 101, 0, ngOption(order, optionChecksum, bits))...)
		file = append(file, ngEnhanced(order, 0, 1, append(bytes.Clone(packet), "FCS!"...), len(packet)+4)...)
		r, err := NewReader(bytes.NewReader(file), ReaderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.nextFrame(); err != nil || len(r.frame.Data) != kept || r.frame.Len != kept {
			t.Errorf("checksum of %d bits: %d bytes of %d, %v; want %d of them", bits[0], len(r.frame.Data), r.frame.Len, err, kept)
		}
	}
}
