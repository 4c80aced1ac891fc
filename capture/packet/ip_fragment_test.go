package packet

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// piece is a fragment of a datagram: its bytes from and to, counted from behind the IP header.
type piece struct {
	from, to int
	last     bool
}

// bigSegment is the part behind the IP header of a packet with size bytes of payload.
func bigSegment(t *testing.T, size int) []byte {
	payload := make([]byte, size)
	for i := range payload {
		payload[i] = byte(i * 7)
	}
	return stack(t, testIPv4(layers.IPProtocolTCP), testTCP(), gopacket.Payload(payload))[20:]
}

// fragment4 is a frame with a fragment of a datagram.
func fragment4(t testing.TB, id uint16, content []byte, p piece) []byte {
	ip := testIPv4(layers.IPProtocolTCP)
	ip.Id, ip.FragOffset = id, uint16(p.from/8)
	if !p.last {
		ip.Flags = layers.IPv4MoreFragments
	}
	return stack(t, testEthernet(layers.EthernetTypeIPv4), ip, gopacket.Payload(content[p.from:p.to]))
}

func fragment6(t testing.TB, id uint32, content []byte, p piece) []byte {
	h := &layers.IPv6Fragment{NextHeader: layers.IPProtocolTCP, FragmentOffset: uint16(p.from / 8), MoreFragments: !p.last, Identification: id}
	return stack(t, testEthernet(layers.EthernetTypeIPv6), testIPv6(layers.IPProtocolIPv6Fragment), h, gopacket.Payload(content[p.from:p.to]))
}

// fragmentFile is a capture of two fragmented packets, whose fragments alternate.
func fragmentFile(t *testing.T, order binary.AppendByteOrder) []byte {
	content := bigSegment(t, 100)
	file := pcapHeader(order, magicMicro, 1)
	for i, f := range [][]byte{
		fragment4(t, 1, content, piece{0, 64, false}), fragment4(t, 2, content, piece{64, len(content), true}),
		fragment4(t, 1, content, piece{64, len(content), true}), fragment4(t, 2, content, piece{0, 64, false}),
	} {
		file = pcapRecord(file, order, int64(i)*1e6, f, len(f))
	}
	return file
}

func TestFragments(t *testing.T) {
	content := bigSegment(t, 1000) // 32 bytes of header before
	n := len(content)
	for _, test := range []struct {
		name       string
		pieces     []piece
		used       int64
		ignored    map[string]int64
		overlapped int64
	}{
		{"in order", []piece{{0, 400, false}, {400, 800, false}, {800, n, true}}, 3, nil, 0},
		{"reversed", []piece{{800, n, true}, {400, 800, false}, {0, 400, false}}, 3, nil, 0},
		{"eight bytes each, from both ends", eights(n), int64(len(eights(n))), nil, 0},
		{"partial overlap", []piece{{0, 400, false}, {200, 800, false}, {800, n, true}}, 3, nil, 200},
		{"one over a gap and its neighbours", []piece{{0, 400, false}, {480, 800, false}, {800, n, true}, {80, 880, false}}, 4, nil, 720},
		{"a copy before the end", []piece{{0, 400, false}, {0, 400, false}, {400, n, true}}, 2, map[string]int64{"duplicate": 1}, 0},
		{"copies after the end", []piece{{0, 400, false}, {400, n, true}, {400, n, true}, {0, 400, false}}, 2, map[string]int64{"duplicate": 2}, 0},
		{"missing middle", []piece{{0, 400, false}, {800, n, true}}, 0, map[string]int64{"fragment": 2}, 0},
		{"missing end", []piece{{0, 400, false}, {400, 800, false}}, 0, map[string]int64{"fragment": 2}, 0},
		{"beyond the end", []piece{{0, 400, false}, {400, 800, true}, {800, n, true}}, 2, map[string]int64{"fragment": 1}, 0},
		{"two ends", []piece{{400, 800, true}, {400, n, true}}, 0, map[string]int64{"fragment": 1, "bad-length": 1}, 0},
		{"an end before the end", []piece{{800, n, true}, {400, 800, true}}, 0, map[string]int64{"fragment": 1, "bad-length": 1}, 0},
		{"an end that tells nothing but the end", []piece{{0, 400, false}, {400, 1000, false}, {1000, 1032, false}, {800, n, true}}, 4, nil, int64(n - 800)},
		{"an end before what is there", []piece{{800, 1000, false}, {400, 800, true}}, 0, map[string]int64{"fragment": 1, "bad-length": 1}, 0},
		{"not a multiple of eight", []piece{{0, 401, false}}, 0, map[string]int64{"bad-length": 1}, 0},
	} {
		for _, version := range []string{"IPv4", "IPv6"} {
			t.Run(test.name+" "+version, func(t *testing.T) {
				d := NewDecoder()
				var found []Segment
				for i, p := range test.pieces {
					f := fragment4(t, 9, content, p)
					if version == "IPv6" {
						f = fragment6(t, 9, content, p)
					}
					var s Segment
					if d.Decode(&Frame{Link: 1, Number: int64(i + 1), Data: f, Len: len(f)}, &s) {
						s.Payload = bytes.Clone(s.Payload)
						found = append(found, s)
					}
					checkBalance(t, test.name, d.Stats())
				}
				stats := d.Stats()
				if stats.Used != test.used || stats.Overlapped != test.overlapped || len(stats.Ignored) != len(test.ignored) {
					t.Errorf("used %d, overlapped %d, ignored %v; want %d, %d, %v", stats.Used, stats.Overlapped, stats.Ignored, test.used, test.overlapped, test.ignored)
				}
				for reason, n := range test.ignored {
					if stats.Ignored[reason] != n {
						t.Errorf("ignored %v, want %v", stats.Ignored, test.ignored)
					}
				}
				switch {
				case test.used == 0 && len(found) != 0:
					t.Errorf("%d segments, want none", len(found))
				case test.used > 0 && (len(found) != 1 || !bytes.Equal(found[0].Payload, content[32:][:found[0].Len])):
					t.Errorf("%d segments, want one with the payload that was sent", len(found))
				}
			})
		}
	}
}

// eights are the fragments of n bytes, in an order that closes its gaps late.
func eights(n int) []piece {
	var all []piece
	for from, to := 0, n-n%8; from < to; from, to = from+8, to-8 {
		all = append(all, piece{from, from + 8, false})
		if from+8 < to {
			all = append(all, piece{to - 8, to, false})
		}
	}
	if n%8 != 0 {
		all = append(all, piece{n - n%8, n, true})
	} else {
		all[1].last = true
	}
	return all
}

// TestFragmentFirstWins sends the same position twice with another content.
func TestFragmentFirstWins(t *testing.T) {
	content, other := bigSegment(t, 1000), bytes.Repeat([]byte{'X'}, 1100)
	n := len(content)
	d := NewDecoder()
	var s Segment
	decode := func(b []byte) bool { return d.Decode(&Frame{Link: 1, Data: b, Len: len(b)}, &s) }
	decode(fragment4(t, 9, content, piece{0, 400, false}))
	decode(fragment4(t, 9, other, piece{160, 320, false})) // wholly covered
	decode(fragment4(t, 9, other, piece{240, 480, false})) // 160 bytes covered
	if !decode(fragment4(t, 9, content, piece{480, n, true})) {
		t.Fatalf("no segment: %v", d.Stats().Ignored)
	}
	want := bytes.Clone(content[32:])
	copy(want[400-32:480-32], other)
	if !bytes.Equal(s.Payload, want) {
		t.Error("the payload is not made of what came first")
	}
	stats := d.Stats()
	if stats.Used != 3 || stats.Ignored["overlap"] != 1 || stats.Overlapped != 320 {
		t.Errorf("used %d, ignored %v, overlapped %d; want 3, one overlap, 320", stats.Used, stats.Ignored, stats.Overlapped)
	}
}

// TestFragmentCut snaps fragments: the payload goes as far as the first missing byte.
func TestFragmentCut(t *testing.T) {
	content := bigSegment(t, 1000)
	n := len(content)
	d := NewDecoder()
	var s Segment
	first := fragment4(t, 9, content, piece{0, 800, false})
	last := fragment4(t, 9, content, piece{400, n, true})
	d.Decode(&Frame{Link: 1, Data: first[:134], Len: len(first)}, &s)
	if !d.Decode(&Frame{Link: 1, Data: last, Len: len(last)}, &s) {
		t.Fatalf("no segment: %v", d.Stats().Ignored)
	}
	if s.Len != 1000 || !bytes.Equal(s.Payload, content[32:100]) {
		t.Errorf("%d bytes of which %d are there, want 1000 and %d", s.Len, len(s.Payload), 100-32)
	}
	// Bytes that were there already do not get lost by a copy that is cut.
	d = NewDecoder()
	d.Decode(&Frame{Link: 1, Data: first, Len: len(first)}, &s)
	if !d.Decode(&Frame{Link: 1, Data: last[:134], Len: len(last)}, &s) {
		t.Fatalf("no segment: %v", d.Stats().Ignored)
	}
	if s.Len != 1000 || !bytes.Equal(s.Payload, content[32:800]) {
		t.Errorf("%d bytes of which %d are there, want 1000 and %d", s.Len, len(s.Payload), 800-32)
	}
}

// TestFragmentWait lets fragments wait too long, and uses an identification again.
func TestFragmentWait(t *testing.T) {
	a, b := bigSegment(t, 1000), bigSegment(t, 1000)
	for i := range b[32:] {
		b[32+i] ^= 0xff
	}
	n := len(a)
	front, back := piece{0, 400, false}, piece{400, n, true}
	for _, test := range []struct {
		name     string
		apart    int64 // nanoseconds
		first    []piece
		second   []piece
		used     int64
		fragment int64
	}{
		{"within the time", 29e9, []piece{front}, []piece{back}, 2, 0},
		{"too late", 31e9, []piece{front}, []piece{back}, 0, 2},
		{"before its time", -31e9, []piece{front}, []piece{back}, 0, 2},
		{"a little out of order", -1e6, []piece{front}, []piece{back}, 2, 0},
		{"the number again at once", 1000, []piece{front, back}, []piece{front, back}, 4, 0},
		{"copies a little later", 9e8, []piece{front, back}, []piece{back}, 2, 0},
		{"the number again with the same end", 11e8, []piece{front, back}, []piece{back}, 2, 1},
		{"the number again after a loss", 31e9, []piece{front}, []piece{front, back}, 2, 1},
	} {
		d := NewDecoder()
		var s Segment
		var got []byte
		decode := func(at int64, content []byte, p piece) {
			f := fragment4(t, 9, content, p)
			if d.Decode(&Frame{Link: 1, At: at, Data: f, Len: len(f)}, &s) {
				got = bytes.Clone(s.Payload)
			}
		}
		for _, p := range test.first {
			decode(1e12, a, p)
		}
		content := a
		if len(test.second) == 2 {
			content = b
		}
		for _, p := range test.second {
			decode(1e12+test.apart, content, p)
		}
		stats := d.Stats()
		if stats.Used != test.used || stats.Ignored["fragment"] != test.fragment {
			t.Errorf("%s: used %d, ignored %v; want %d and %d fragments", test.name, stats.Used, stats.Ignored, test.used, test.fragment)
		}
		if test.used > 0 && !bytes.Equal(got, content[32:]) {
			t.Errorf("%s: another payload than was sent", test.name)
		}
	}
}

// TestFragmentMemory sends the beginnings of very many datagrams.
func TestFragmentMemory(t *testing.T) {
	for _, test := range []struct {
		name string
		size int
	}{{"many", 8}, {"big", 60000}} {
		content := make([]byte, 65504)
		d := NewDecoder()
		var s Segment
		f := fragment4(t, 0, content, piece{65504 - test.size, 65504, false})
		if test.size > 8 {
			f = fragment4(t, 0, content, piece{0, test.size, false})
		}
		const sent = 5000
		for i := range sent {
			binary.BigEndian.PutUint16(f[14+4:], uint16(i))
			d.Decode(&Frame{Link: 1, At: int64(i), Data: f, Len: len(f)}, &s)
		}
		held := 0
		for _, g := range d.fragments.queue {
			held += cap(g.data)
		}
		if len(d.fragments.waiting) > maxDatagrams || len(d.fragments.waiting) != len(d.fragments.queue) {
			t.Errorf("%s: %d datagrams wait in a queue of %d, limit %d", test.name, len(d.fragments.waiting), len(d.fragments.queue), maxDatagrams)
		}
		if held > maxFragmentBytes+maxDatagram*2 || d.fragments.bytes > maxFragmentBytes+maxDatagram*2 {
			t.Errorf("%s: %d bytes held, %d counted, limit %d", test.name, held, d.fragments.bytes, maxFragmentBytes)
		}
		if stats := d.Stats(); stats.Ignored["fragment"] != sent {
			t.Errorf("%s: ignored %v, want %d fragments", test.name, stats.Ignored, sent)
		}
	}
	// One datagram in very many pieces that do not touch is given up.
	content := make([]byte, 65504)
	d := NewDecoder()
	var s Segment
	for i := range 4 * maxPieces {
		f := fragment4(t, 1, content, piece{i * 16, i*16 + 8, false})
		d.Decode(&Frame{Link: 1, Data: f, Len: len(f)}, &s)
		for _, g := range d.fragments.queue {
			if len(g.pieces) > maxPieces {
				t.Fatalf("%d pieces, limit %d", len(g.pieces), maxPieces)
			}
		}
	}
	checkBalance(t, "pieces", d.Stats())
}
