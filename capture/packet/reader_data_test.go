package packet

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
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

// streamCount counts TCP streams by their four numbers and by SYNs that begin a new connection.
func readAll(tb testing.TB, name string, b []byte) (segments []Segment, stats Stats, err error) {
	tb.Helper()
	r, err := NewReader(bytes.NewReader(b), Options{Name: name})
	if err != nil {
		return nil, Stats{}, err
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

func TestProbe(t *testing.T) {
	for _, f := range pcapTruths(t) {
		segs, stats, err := readAll(t, f.name, pcapFile(t, f.name))
		flows := map[string]bool{}
		for _, s := range segs {
			a, b := s.Src.String(), s.Dst.String()
			if a > b {
				a, b = b, a
			}
			flows[a+" "+b] = true
		}
		var fe *FormatError
		_ = errors.As(err, &fe)
		mark := ""
		if int64(len(flows)) != f.streams {
			mark = "STREAMS"
		}
		if stats.Packets != f.packets {
			mark += " PACKETS"
		}
		sum := stats.Used
		for _, n := range stats.Ignored {
			sum += n
		}
		if sum != stats.Packets {
			mark += " LAW"
		}
		if stats.Ignored["duplicate"] > 0 || mark != "" || err != nil ||stats.Drops>0 || stats.Overlapped > 0 {
			t.Logf("%s %s packets %d/%d streams %d/%d %v drops %d err %v", mark, f.name, stats.Packets, f.packets, len(flows), f.streams, stats.Ignored, stats.Drops, err)
		}
	}
}
