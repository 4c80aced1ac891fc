package plan

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"
)

// Survey is what a plan holds, known before the first byte is sent.
type Survey struct {
	Captured   int64            // requests that were read
	Unsendable map[string]int64 // captured, but cannot be re-issued, by reason
	Withheld   map[string]int64 // the guard does not allow them, by reason
	Planned    int64
	Judged     int64   // planned less the warm-up
	Length     int64   // intended instant of the last shot, ns
	Endpoints  []int64 // planned shots per endpoint
	JudgedBy   []int64 // planned shots per endpoint less the warm-up
	PeakRate   int64   // most shots in one second of the plan
	Digest     string  // hex of the sum modulo 2^256 of the SHA-256 of every shot: independent of order, additive over shards
}

// Survey reads the whole plan without sending anything.
func (p *Plan) Survey(ctx context.Context) (*Survey, error) {
	c := &counts{unsendable: map[string]int64{}, withheld: map[string]int64{}}
	s := &Survey{Endpoints: make([]int64, len(p.o.IDs)), JudgedBy: make([]int64, len(p.o.IDs))}
	var d digest
	var second, inSecond int64
	for shot, err := range p.read(ctx, c) {
		if err != nil {
			return nil, err
		}
		s.Planned++
		s.Endpoints[shot.Endpoint]++
		if !shot.Warmup {
			s.Judged++
			s.JudgedBy[shot.Endpoint]++
		}
		s.Length = shot.Intended
		if sec := shot.Intended / 1e9; sec != second {
			second, inSecond = sec, 0
		}
		inSecond++
		s.PeakRate = max(s.PeakRate, inSecond)
		d.add(&shot)
	}
	s.Captured, s.Unsendable, s.Withheld, s.Digest = c.captured, c.unsendable, c.withheld, d.String()
	if s.Planned == 0 {
		return s, fmt.Errorf("nothing to send: %d requests captured, %d unsendable%s, %d withheld%s", s.Captured,
			Total(s.Unsendable), reasons(s.Unsendable), Total(s.Withheld), reasons(s.Withheld))
	}
	return s, nil
}

// reasons prints counts by reason, in brackets, or nothing.
func reasons(counts map[string]int64) string {
	if len(counts) == 0 {
		return ""
	}
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, ", %s %d", k, counts[k])
	}
	return " (" + b.String()[2:] + ")"
}

// Total adds up the counts of all reasons.
func Total(byReason map[string]int64) int64 {
	var n int64
	for _, c := range byReason {
		n += c
	}
	return n
}

// digest is a sum modulo 2^256 of hashes, least significant word first, so that shards add up in any order.
type digest struct {
	sum [4]uint64
	buf []byte
}

func (d *digest) add(s *Shot) {
	b := binary.LittleEndian.AppendUint64(d.buf[:0], uint64(s.Intended))
	b = binary.LittleEndian.AppendUint64(b, s.Client)
	b = binary.LittleEndian.AppendUint32(b, s.Endpoint)
	b = binary.LittleEndian.AppendUint32(b, uint32(s.Target))
	b = appendField(b, s.Request.Method)
	b = appendField(b, s.Request.Path)
	for _, h := range s.Request.Header {
		b = appendField(b, h.Name)
		b = appendField(b, h.Value)
	}
	d.buf = appendField(b, s.Request.Body)
	h := sha256.Sum256(d.buf)
	var carry uint64
	for i := range d.sum {
		d.sum[i], carry = bits.Add64(d.sum[i], binary.LittleEndian.Uint64(h[8*i:]), carry)
	}
}

// appendField appends a length before the bytes, so that two different shots never give the same input.
func appendField[T string | []byte](b []byte, v T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

func (d *digest) String() string {
	var b [32]byte
	for i, w := range d.sum {
		binary.LittleEndian.PutUint64(b[8*i:], w)
	}
	return hex.EncodeToString(b[:])
}
