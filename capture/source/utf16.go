package source

import (
	"bufio"
	"bytes"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// utf16Order is the byte order of a text that begins with head, if that is UTF-16: by its byte order mark, or, where
// it has none, by the zeros that every other byte of ASCII then is.
func utf16Order(head []byte) (order unicode.Endianness, yes bool) {
	if len(head) < 2 {
		return unicode.BigEndian, false
	}
	switch {
	case head[0] == 0xff && head[1] == 0xfe:
		return unicode.LittleEndian, true
	case head[0] == 0xfe && head[1] == 0xff:
		return unicode.BigEndian, true
	case len(head) < sniffSize:
		return unicode.BigEndian, false
	}
	var zeros [2]int
	for i, b := range head[:sniffSize] {
		if b == 0 {
			zeros[i%2]++
		}
	}
	const half = sniffSize / 2
	if zeros[0] == 0 && zeros[1] == half {
		return unicode.LittleEndian, true
	}
	return unicode.BigEndian, zeros[1] == 0 && zeros[0] == half
}

// asUTF8 gives r as UTF-8: servers on Windows, and shells there that redirect into a file, write UTF-16.
func asUTF8(r io.Reader) io.Reader {
	b := bufio.NewReaderSize(r, 4<<10) // small, so that larger reads pass it by
	head, err := b.Peek(sniffSize)
	if err != nil && err != io.EOF { // which the buffer tells only once
		return io.MultiReader(bytes.NewReader(head), failed{err})
	}
	order, yes := utf16Order(head)
	if !yes {
		return b
	}
	return transform.NewReader(b, unicode.UTF16(order, unicode.UseBOM).NewDecoder())
}

// failed is a reader that has met its error.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }
