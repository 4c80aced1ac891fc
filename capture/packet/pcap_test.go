package packet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
)

// pcapHeader is the file header of a pcap file.
func pcapHeader(order binary.AppendByteOrder, magic, link uint32) []byte {
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint16(b, 4)
	b = order.AppendUint32(b, 0)
	b = order.AppendUint32(b, 0)
	b = order.AppendUint32(b, 65535)
	return order.AppendUint32(b, link)
}

// pcapRecord appends a packet that was captured at an instant in nanoseconds, in a file of microseconds.
func pcapRecord(b []byte, order binary.AppendByteOrder, at int64, data []byte, wire int) []byte {
	b = order.AppendUint32(b, uint32(at/1e9))
	b = order.AppendUint32(b, uint32(at%1e9/1e3))
	b = order.AppendUint32(b, uint32(len(data)))
	b = order.AppendUint32(b, uint32(wire))
	return append(b, data...)
}

// TestPcapVariants reads one packet out of each kind of pcap file.
func TestPcapVariants(t *testing.T) {
	packet := inner4(t)
	const sec, frac = 1700000000, 123456
	record := func(order binary.AppendByteOrder, captured, wire int, more string, b []byte) []byte {
		out := order.AppendUint32(nil, sec)
		out = order.AppendUint32(out, frac)
		out = order.AppendUint32(out, uint32(captured))
		out = order.AppendUint32(out, uint32(wire))
		return append(append(out, more...), b...)
	}
	little, big := binary.LittleEndian, binary.BigEndian
	n := len(packet)
	old := pcapHeader(little, magicMicro, 101)
	old[6] = 3
	for _, test := range []struct {
		name string
		file []byte
		at   int64
		wire int // beyond what is captured
	}{
		{"microseconds, little-endian", append(pcapHeader(little, magicMicro, 101), record(little, n, n, "", packet)...), sec*1e9 + frac*1000, 0},
		{"microseconds, big-endian", append(pcapHeader(big, magicMicro, 101), record(big, n, n, "", packet)...), sec*1e9 + frac*1000, 0},
		{"nanoseconds, little-endian", append(pcapHeader(little, magicNano, 101), record(little, n, n, "", packet)...), sec*1e9 + frac, 0},
		{"nanoseconds, big-endian", append(pcapHeader(big, magicNano, 101), record(big, n, n, "", packet)...), sec*1e9 + frac, 0},
		{"modified", append(pcapHeader(little, magicModified, 101), record(little, n, n, "\x01\x00\x00\x00\x08\x00\x00\x00", packet)...), sec*1e9 + frac*1000, 0},
		{"Ixia", append(append(pcapHeader(big, magicIxiaHW, 101), "\x00\x00\x00\x00"...), record(big, n, n, "", packet)...), sec*1e9 + frac, 0},
		{"checksum of four bytes", append(pcapHeader(little, magicMicro, 101|1<<26|2<<28), record(little, n+4, n+4, "", append(bytes.Clone(packet), "FCS!"...))...), sec*1e9 + frac*1000, 0},
		{"lengths in the old order", append(old, record(little, n+10, n, "", packet)...), sec*1e9 + frac*1000, 10},
		{"cut by the snap length", append(pcapHeader(little, magicMicro, 101), record(little, n, n+10, "", packet)...), sec*1e9 + frac*1000, 10},
		{"captured more than there was", append(pcapHeader(little, magicMicro, 101), record(little, n, n-10, "", packet)...), sec*1e9 + frac*1000, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !Recognise(test.file[:12]) {
				t.Error("Recognise = false, want true")
			}
			r, err := NewReader(bytes.NewReader(test.file), ReaderOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.nextFrame(); err != nil {
				t.Fatal(err)
			}
			f := r.frame
			if f.At != test.at || f.Len != n+test.wire || !bytes.Equal(f.Data, packet) || f.Link != 101 || f.Number != 1 {
				t.Errorf("frame %+v, want at %d, %d bytes on the wire", f, test.at, n+test.wire)
			}
			if err := r.nextFrame(); err != io.EOF {
				t.Errorf("then %v, want io.EOF", err)
			}
		})
	}
}

func TestRecognise(t *testing.T) {
	for _, test := range []struct {
		name, prefix string
		want         bool
	}{
		{"nothing", "", false},
		{"three bytes", "\xd4\xc3\xb2", false},
		{"pcap", "\xd4\xc3\xb2\xa1", true},
		{"pcap, big-endian, nanoseconds", "\xa1\xb2\x3c\x4d", true},
		{"pcapng", "\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a", true},
		{"pcapng, big-endian", "\x0a\x0d\x0d\x0a\x00\x00\x00\x1c\x1a\x2b\x3c\x4d", true},
		{"pcapng, cut", "\x0a\x0d\x0d\x0a\x1c\x00\x00\x00", false},
		{"empty lines", "\n\r\r\n\r\n\r\n\r\n\r\n", false},
		{"text", "GET / HTTP/1.1", false},
	} {
		if got := Recognise([]byte(test.prefix)); got != test.want {
			t.Errorf("%s: Recognise = %v, want %v", test.name, got, test.want)
		}
	}
}

// TestHostileSizes reads small files that claim to be huge. Each is refused with the offset of the claim, in
// memory that its own size justifies.
func TestHostileSizes(t *testing.T) {
	pcapOf := func(captured uint32, rest int) []byte {
		b := pcapHeader(binary.LittleEndian, magicMicro, 1)
		b = append(b, make([]byte, 8)...)
		b = binary.LittleEndian.AppendUint32(b, captured)
		b = binary.LittleEndian.AppendUint32(b, captured)
		return append(b, make([]byte, rest)...)
	}
	section := ngSection(binary.LittleEndian)
	ngOf := func(kind, size uint32, rest int) []byte {
		b := append(bytes.Clone(section), ngInterface(binary.LittleEndian, 1, 0)...)
		b = binary.LittleEndian.AppendUint32(b, kind)
		b = binary.LittleEndian.AppendUint32(b, size)
		return append(b, make([]byte, rest)...)
	}
	enhanced := ngEnhanced(binary.LittleEndian, 0, 0, make([]byte, 28), 28)
	binary.LittleEndian.PutUint32(enhanced[20:], 1<<30)
	for _, test := range []struct {
		name string
		file []byte
		want string
		cut  bool
	}{
		{"40 bytes of pcap, 2 GiB", pcapOf(1<<31, 0), "x: byte 24: packet 1 of 2147483648 bytes, limit 262144", false},
		{"pcap, one byte over the limit", pcapOf(maxPacket+1, 100), "x: byte 24: packet 1 of 262145 bytes, limit 262144", false},
		{"pcap, the limit, cut", pcapOf(maxPacket, 100), "x: byte 24: packet 1: 116 of 262160 bytes: unexpected EOF", true},
		{"76 bytes of pcapng, 1 GiB", ngOf(6, 1<<30, 20), "x: byte 48: block of 1073741824 bytes, limit 16777216", false},
		{"pcapng, 4 GiB", ngOf(0xbad, 0xfffffffc, 20), "x: byte 48: block of 4294967292 bytes, limit 16777216", false},
		{"pcapng, the limit, cut", ngOf(5, maxBlock, 20), "x: byte 48: block of type 0x5: 28 of 16777216 bytes: unexpected EOF", true},
		{"pcapng, a section of 3 GiB", append(section[:4:4], "\x00\x00\x00\xc0\x4d\x3c\x2b\x1a"...), "x: byte 0: block of 3221225472 bytes, limit 16777216", false},
		{"packet of 1 GiB in a block of 60", append(append(bytes.Clone(section), ngInterface(binary.LittleEndian, 1, 0)...), enhanced...), "x: byte 48: packet 1 of 1073741824 bytes, limit 262144", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := readSegments(t, "x", test.file)
			runtime.ReadMemStats(&after)
			if err == nil || err.Error() != test.want {
				t.Errorf("error %v, want %s", err, test.want)
			}
			var damage *FormatError
			if !errors.As(err, &damage) || errors.Is(err, io.ErrUnexpectedEOF) != test.cut {
				t.Errorf("error %#v, want a *FormatError, and an end too soon: %v", err, test.cut)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 2<<20 {
				t.Errorf("%d bytes allocated for a file of %d, want less than 2 MiB", used, len(test.file))
			}
		})
	}
}

// TestTruncation cuts files after every byte. What was whole comes out as it does from the whole file, then an
// error tells of the end, unless the cut is between two packets.
func TestTruncation(t *testing.T) {
	files := map[string][]byte{"loopback": loopbackCapture(3), "blocks": ngEveryBlock()}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		files["fragments "+order.String()] = fragmentFile(t, order)
	}
	for _, name := range []string{
		"zeek/tcp/option-sack.pcap", "zeek/tcp/retransmit-timeout.pcapng", "zeek/tcp/miss_end_data.pcap", "zeek/ipv4/fragmented-4.pcap",
		"zeek/http/x-gzip.pcap", "zeek/nflog-http.pcap", "zeek/tunnels/vxlan.pcap", "zeek/vlan-pcp-dei.pcapng", "wireshark/dhcp-nanosecond.pcapng",
		"wireshark/http-ooo.pcap", "gopacket/tests/be/test010.pcapng", "gopacket/tests/le/test202.pcapng", "gopacket/tests/be/test102.pcapng",
	} {
		files[name] = nil
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			if file == nil {
				file = pcapFile(t, "pcap/"+name)
			}
			whole, stats, err := readSegments(t, name, file)
			if err != nil {
				t.Fatal(err)
			}
			between := 0
			for n := range file {
				got, part, err := readSegments(t, name, file[:n])
				checkBalance(t, name, part)
				switch {
				case err == nil:
					between++
				case !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), name+": byte "):
					t.Fatalf("cut after %d bytes: error %v, want one that names the offset", n, err)
				}
				if len(got) > len(whole) {
					t.Fatalf("cut after %d bytes: %d segments, more than the whole file's %d", n, len(got), len(whole))
				}
				for i := range got {
					if !sameSegment(&got[i], &whole[i]) {
						t.Fatalf("cut after %d bytes: segment %d is %+v, want %+v", n, i, got[i], whole[i])
					}
				}
			}
			if limit := int(stats.Packets) + 30; between > limit {
				t.Errorf("%d cuts went unnoticed, want at most one for each of %d packets and some blocks", between, stats.Packets)
			}
		})
	}
}

func sameSegment(a, b *Segment) bool {
	return a.Frame == b.Frame && a.At == b.At && a.Src == b.Src && a.Dst == b.Dst && a.Seq == b.Seq && a.Ack == b.Ack &&
		a.Flags == b.Flags && a.Len == b.Len && bytes.Equal(a.Payload, b.Payload)
}

// TestEmptyAndForeign opens what is no capture file.
func TestEmptyAndForeign(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{"empty", "", "x: byte 0: not even a file header: unexpected EOF"},
		{"text", "GET / HTTP/1.1", "x: byte 0: 47455420 is not the beginning of a capture file"},
		{"header cut", "\xd4\xc3\xb2\xa1\x02\x00", "x: byte 0: file header: 6 of 24 bytes: unexpected EOF"},
	} {
		if _, err := NewReader(strings.NewReader(test.file), ReaderOptions{Name: "x"}); err == nil || err.Error() != test.want {
			t.Errorf("%s: error %v, want %s", test.name, err, test.want)
		}
	}
	if _, err := NewReader(failing{}, ReaderOptions{Name: "x"}); !errors.Is(err, errFailing) {
		t.Errorf("error %v, want the source's", err)
	}
	r, err := NewReader(io.MultiReader(bytes.NewReader(loopbackCapture(1)[:60]), failing{}), ReaderOptions{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	var s Segment
	for range 2 {
		if err := r.Next(&s); !errors.Is(err, errFailing) || !strings.HasPrefix(err.Error(), "x: byte 24: packet 1: ") {
			t.Errorf("error %v, want the source's, with the place", err)
		}
	}
	if got := r.Secrets(); got != nil {
		t.Errorf("secrets %q, want none in a pcap file", got)
	}
}

var errFailing = errors.New("the disk is on fire")

// failing is a source that cannot be read.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errFailing }
