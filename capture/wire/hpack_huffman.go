package wire

// huffmanBits are the lengths of the codes of the 256 bytes and of the end mark (RFC 7541, appendix B). Codes of one
// length follow each other in the order of the bytes, so that the lengths say all.
var huffmanBits = [257]uint8{
	13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
	28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
	6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
	5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
	13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
	15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
	6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
	20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
	24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
	22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
	21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
	26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
	19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
	20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
	26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
	30,
}

const (
	huffmanEnd  = 256
	longestCode = 30
	quickBits   = 10 // codes up to this length are found in one step
)

// huffmanCodes is what a decoder looks up.
type huffmanCodes struct {
	quick   [1 << quickBits]uint16   // of the next bits: the byte, and the code's length from bit 8 on; 0: a longer code
	first   [longestCode + 1]uint32  // first code of a length
	number  [longestCode + 1]uint32  // how many there are
	from    [longestCode + 1]uint32  // where they begin in symbols
	symbols [len(huffmanBits)]uint16 // in the order of their codes
}

var huffman = makeHuffman()

func makeHuffman() *huffmanCodes {
	h := &huffmanCodes{}
	code, n := uint32(0), uint32(0)
	for bits := 1; bits <= longestCode; bits++ {
		code <<= 1
		h.first[bits], h.from[bits] = code, n
		for symbol, length := range huffmanBits {
			if int(length) != bits {
				continue
			}
			if bits <= quickBits {
				for i := range uint32(1) << (quickBits - bits) {
					h.quick[code<<(quickBits-bits)|i] = uint16(bits)<<8 | uint16(symbol)
				}
			}
			h.symbols[n] = uint16(symbol)
			code, n = code+1, n+1
		}
		h.number[bits] = n - h.from[bits]
	}
	return h
}

// appendHuffman appends what the Huffman code src stands for. It is false where src is none.
func appendHuffman(dst, src []byte) ([]byte, bool) {
	acc, bits := uint64(0), 0 // the low bits of acc are still to be read
	for {
		for bits <= 56 && len(src) > 0 {
			acc, bits, src = acc<<8|uint64(src[0]), bits+8, src[1:]
		}
		symbol, n := huffman.next(acc, bits)
		if n > bits { // ones that pad the last byte
			return dst, bits < 8 && acc&(1<<bits-1) == 1<<bits-1
		}
		if symbol == huffmanEnd {
			return dst, false
		}
		dst = append(dst, byte(symbol))
		bits -= n
	}
}

// next is the symbol that the low bits of acc begin with, as if ones followed them, and the length of its code.
func (h *huffmanCodes) next(acc uint64, bits int) (symbol uint16, n int) {
	var ahead uint32 // 30 bits
	if bits >= longestCode {
		ahead = uint32(acc>>(bits-longestCode)) & (1<<longestCode - 1)
	} else {
		ahead = uint32(acc<<(longestCode-bits)|(1<<(longestCode-bits)-1)) & (1<<longestCode - 1)
	}
	if q := h.quick[ahead>>(longestCode-quickBits)]; q != 0 {
		return q & 0xff, int(q >> 8)
	}
	for n = quickBits + 1; n < longestCode; n++ {
		if i := ahead>>(longestCode-n) - h.first[n]; i < h.number[n] {
			return h.symbols[h.from[n]+i], n
		}
	}
	return h.symbols[h.from[n]+ahead-h.first[n]], n
}
