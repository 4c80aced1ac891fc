package source

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"
)

// utf16Text is s in UTF-16, perhaps behind a byte order mark.
func utf16Text(order binary.AppendByteOrder, mark bool, s string) []byte {
	units := utf16.Encode([]rune(s))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	var b []byte
	for _, u := range units {
		b = order.AppendUint16(b, u)
	}
	return b
}

func TestUTF16(t *testing.T) {
	text := combined(0) + "\r\n" + strings.Replace(combined(1), "Mozilla", "Möz😀", 1) + "\r\n" + combined(2)
	for _, c := range []struct {
		name    string
		content []byte
		want    int
	}{
		{"little-endian with a mark", utf16Text(binary.LittleEndian, true, text), 3},
		{"big-endian with a mark", utf16Text(binary.BigEndian, true, text), 3},
		{"little-endian", utf16Text(binary.LittleEndian, false, text), 3},
		{"big-endian", utf16Text(binary.BigEndian, false, text), 3},
		{"half a unit at the end", append(utf16Text(binary.LittleEndian, true, text+"\r\n"), 'x'), 3},
		{"inside gzip", gzipped(string(utf16Text(binary.LittleEndian, true, text))), 3},
		{"UTF-8 with zeros", []byte(combined(0) + "\n" + combined(1) + "\n\x00\x00\n"), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, t.TempDir(), "access.log", c.content)
			got, s, err := read(t, []string{path}, options(t, true))
			if err != nil {
				t.Fatal(err)
			}
			l := s.Ledgers()[0]
			if len(got) != c.want || l.Requests != int64(c.want) || l.Format != "combined" {
				t.Errorf("%d requests, format %s, skipped %v, want %d of combined", len(got), l.Format, l.Skipped, c.want)
			}
			if got[1].target != "/items/1" || got[1].src != "access.log:2" {
				t.Errorf("the second request is %+v", got[1])
			}
		})
	}
}
