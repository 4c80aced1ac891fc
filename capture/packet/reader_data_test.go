package packet

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// pcapData is the folder of the development data, which lies beside the repository.
func pcapData(tb testing.TB) string {
	tb.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "data"))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := os.Stat(root); err != nil {
		tb.Skipf("development data is absent: %v", err)
	}
	return root
}

// pcapFile is a capture file of the development data, unpacked.
func pcapFile(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(pcapData(tb), name))
	if err != nil {
		tb.Fatal(err)
	}
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			tb.Fatal(err)
		}
		if b, err = io.ReadAll(z); err != nil {
			tb.Fatal(err)
		}
	}
	return b
}

// pcapTruth is what another program counts in a capture file.
type pcapTruth struct {
	name             string
	packets, streams int64
	refused          bool // by that program
}

// pcapTruths is the table of the capture files.
func pcapTruths(tb testing.TB) []pcapTruth {
	tb.Helper()
	f, err := os.Open(filepath.Join(pcapData(tb), "truth", "pcap.tsv"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	c := csv.NewReader(f)
	c.Comma, c.LazyQuotes = '\t', true
	rows, err := c.ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	var all []pcapTruth
	for _, row := range rows[1:] {
		name := row[column["file"]]
		if strings.Contains(name, " ") { // the same file again, with its keys
			continue
		}
		t := pcapTruth{name: name, refused: row[column["tshark_rc"]] != "0"}
		t.packets, _ = strconv.ParseInt(row[column["packets"]], 10, 64)
		t.streams, _ = strconv.ParseInt(row[column["tcp_streams"]], 10, 64)
		all = append(all, t)
	}
	return all
}

// readSegments reads a whole capture file. The segments keep their payloads.
func readSegments(tb testing.TB, name string, b []byte) (segments []Segment, stats FrameStats, err error) {
	tb.Helper()
	r, err := NewReader(bytes.NewReader(b), ReaderOptions{Name: name})
	if err != nil {
		return nil, FrameStats{}, err
	}
	for {
		var s Segment
		if err = r.Next(&s); err != nil {
			break
		}
		s.Payload = bytes.Clone(s.Payload)
		segments = append(segments, s)
	}
	if err == io.EOF {
		err = nil
	}
	return segments, r.Stats(), err
}

// checkBalance checks that every packet is accounted for.
func checkBalance(tb testing.TB, name string, s FrameStats) {
	tb.Helper()
	sum := s.Used
	for reason, n := range s.Ignored {
		if n <= 0 {
			tb.Errorf("%s: %d packets ignored as %s, want a count above 0", name, n, reason)
		}
		sum += n
	}
	if sum != s.Packets || s.Used < 0 {
		tb.Errorf("%s: %d used + ignored %v = %d packets, want %d", name, s.Used, s.Ignored, sum, s.Packets)
	}
}

// streams counts pairs of endpoints.
func streams(segments []Segment) int64 {
	type pair struct{ a, b netip.AddrPort }
	seen := map[pair]bool{}
	for i := range segments {
		p := pair{segments[i].Src, segments[i].Dst}
		if p.a.Compare(p.b) > 0 {
			p.a, p.b = p.b, p.a
		}
		seen[p] = true
	}
	return int64(len(seen))
}

// TestDataFiles compares packets and streams of every capture with the independent truth.
func TestDataFiles(t *testing.T) {
	damaged := map[string]string{ // the same ones that the other program refuses
		"pcap/gopacket/tests/be/test901.pcapng": "byte 480: pcapng of version 2",
		"pcap/gopacket/tests/le/test901.pcapng": "byte 480: pcapng of version 2",
	}
	otherStreams := map[string]struct {
		streams int64
		why     string
	}{
		"pcap/wireshark/wireguard-ping-tcp-dsb.pcapng": {0, "the one stream is inside WireGuard, whose keys the file holds"},
	}
	for _, truth := range pcapTruths(t) {
		segments, stats, err := readSegments(t, truth.name, pcapFile(t, truth.name))
		checkBalance(t, truth.name, stats)
		if want := damaged[truth.name]; want != "" || truth.refused {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q", truth.name, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", truth.name, err)
		}
		if stats.Packets != truth.packets {
			t.Errorf("%s: %d packets, want %d", truth.name, stats.Packets, truth.packets)
		}
		want := truth.streams
		if other, ok := otherStreams[truth.name]; ok {
			want = other.streams
		}
		if got := streams(segments); got != want {
			t.Errorf("%s: %d streams, want %d; ignored %v", truth.name, got, want, stats.Ignored)
		}
	}
}

// TestDataDuplicates holds the count of duplicates in files that are known to have them, and in all others that
// there are none.
func TestDataDuplicates(t *testing.T) {
	want := map[string]int64{
		// A mirror that copied both ways: every packet but odd ones out is there twice.
		"pcap/zeek/http/ctu-62604-80.pcap":                     10,
		"pcap/zeek/tcp/ctu-64702-888.pcap":                     7,
		"pcap/zeek/http/m57-long-49583-80.pcap":                113,
		"pcap/zeek/http/m57-long-49600-80.pcap":                26,
		"pcap/zeek/http/vnd.ms-cab-compressed-multi-conn.pcap": 78,
		"pcap/zeek/tls/ssl-to-http-server.pcap":                4,
		"pcap/zeek/tcp/ssh-dups.pcap":                          280,
		"pcap/zeek/nflog-http.pcap":                            2,  // one SYN in three rules of the firewall
		"pcap/zeek/vlan-collisions.pcap":                       28, // each packet in three VLANs
		"pcap/zeek/vlan-pcp-dei.pcapng":                        6,
		// Made by a program at one instant with one identification: retransmissions that are copies in all but name.
		"pcap/wireshark/http-ooo.pcap":  1,
		"pcap/wireshark/http-ooo2.pcap": 2,
	}
	for _, truth := range pcapTruths(t) {
		_, stats, _ := readSegments(t, truth.name, pcapFile(t, truth.name))
		if got := stats.Ignored["duplicate"]; got != want[truth.name] {
			t.Errorf("%s: %d duplicates, want %d", truth.name, got, want[truth.name])
		}
	}
}
