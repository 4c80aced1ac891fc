package tally

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// WriteHlog writes the latencies of ok shots after the warm-up as an HdrHistogram log: one record for each
// endpoint in each 10 s of the plan in which it had any, by intended instant, in microseconds. Plans of more
// than two hours have wider records, some 480 of them. The tag is the endpoint's id with space, comma,
// percent and control bytes percent-encoded. ids has one id per endpoint; start is when the run began.
func (t *Tally) WriteHlog(w io.Writer, start time.Time, ids []string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := bufio.NewWriter(w)
	// The library's writer has no way to say that values are microseconds, hence our own lines.
	fmt.Fprintf(b, "#[Latencies of ok shots in microseconds, Interval_Max in milliseconds]\n")
	fmt.Fprintf(b, "#[Histogram log format version %s]\n", hdr.HISTOGRAM_LOG_FORMAT_VERSION)
	fmt.Fprintf(b, "#[StartTime: %.3f (seconds since epoch), %s]\n", float64(start.UnixMilli())/1e3, start.UTC().Format(time.RFC3339))
	fmt.Fprintf(b, "#[BaseTime: %.3f (seconds since epoch)]\n", float64(start.UnixMilli())/1e3)
	fmt.Fprintf(b, "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n")
	enc := newEncoder()
	for from := 0; from < t.clock.slots; from += t.clock.perRecord {
		for i := range t.endpoints {
			if err := t.logRecord(b, enc, from, i, ids[i]); err != nil {
				return err
			}
		}
	}
	return b.Flush()
}

// logRecord writes what endpoint i has in the slots of one record.
func (t *Tally) logRecord(w io.Writer, enc *encoder, from, i int, id string) error {
	slots := t.endpoints[i].slots
	if slots == nil {
		return nil
	}
	to := min(from+t.clock.perRecord, len(slots))
	var tables []*sparse
	for k := from; k < to; k++ {
		if slots[k].ok.used > 0 {
			tables = append(tables, &slots[k].ok)
		}
	}
	buckets := sorted(tables...)
	if len(buckets) == 0 {
		return nil
	}
	highest := upper(buckets[len(buckets)-1].b)
	at, length := float64(from)*float64(t.clock.width)/1e9, float64(to-from)*float64(t.clock.width)/1e9
	_, err := fmt.Fprintf(w, "Tag=%s,%.3f,%.3f,%.3f,%s\n", tagOf(id), at, length, float64(highest)/1e3, enc.encode(buckets))
	if err != nil {
		return fmt.Errorf("interval log: %s: %w", id, err)
	}
	return nil
}

// tagOf makes an id fit for a log whose fields end at a comma and whose records at a line break.
func tagOf(id string) string {
	var b strings.Builder
	for _, c := range []byte(id) {
		if c <= ' ' || c == ',' || c == '%' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// encoder makes HdrHistogram V2 payloads: a header, the counts as ZigZag LEB128 with runs of zeros as
// negative numbers, all that compressed, a header before it, and base64 around it.
//
// Note: the library's Encode takes 1.1 ms and 1 MB of garbage for each payload, most of it to set up a
// compressor. A log of ten minutes over 60 endpoints has 3,600.
type encoder struct {
	plain  []byte
	packed bytes.Buffer
	z      *zlib.Writer
}

func newEncoder() *encoder {
	e := &encoder{}
	e.z = zlib.NewWriter(&e.packed)
	return e
}

// Marks that begin a V2 payload, plain and compressed; 0x10 in each says that counts have variable length.
const (
	cookiePlain  = 0x1c849303 | 0x10
	cookiePacked = 0x1c849304 | 0x10
)

// encode encodes buckets in ascending order, of which equal neighbours are added up.
func (e *encoder) encode(buckets []bucket) string {
	p := binary.BigEndian.AppendUint32(e.plain[:0], cookiePlain)
	p = append(p, 0, 0, 0, 0)                    // length of the counts, below
	p = binary.BigEndian.AppendUint32(p, 0)      // normalising offset
	p = binary.BigEndian.AppendUint32(p, digits) // significant digits
	p = binary.BigEndian.AppendUint64(p, 1)      // lowest value
	p = binary.BigEndian.AppendUint64(p, maxUS)  // highest value
	p = binary.BigEndian.AppendUint64(p, math.Float64bits(1))
	const header = 40
	next := int64(0)
	for i := 0; i < len(buckets); {
		b, n := buckets[i].b, int64(0)
		for ; i < len(buckets) && buckets[i].b == b; i++ {
			n += buckets[i].n
		}
		if gap := int64(b) - next; gap > 0 {
			p = binary.AppendVarint(p, -gap)
		}
		p = binary.AppendVarint(p, n)
		next = int64(b) + 1
	}
	binary.BigEndian.PutUint32(p[4:], uint32(len(p)-header))
	e.plain = p
	e.packed.Reset()
	e.packed.Write(make([]byte, 8))
	e.z.Reset(&e.packed)
	// Writes to a bytes.Buffer return no error.
	_, _ = e.z.Write(p)
	_ = e.z.Close()
	out := e.packed.Bytes()
	binary.BigEndian.PutUint32(out, cookiePacked)
	binary.BigEndian.PutUint32(out[4:], uint32(len(out)-8))
	return base64.StdEncoding.EncodeToString(out)
}
