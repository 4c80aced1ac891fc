package source

import (
	"errors"
	"fmt"
	"io"
	"maps"

	"trafficreplay/capture"
	"trafficreplay/capture/packet"
)

// LivePackets reads packets while they are captured. Its requests come in the order in which they end. It is not safe
// for concurrent use.
type LivePackets struct {
	live *Live
	p    *packets
	cut  capture.Ledger // what earlier ledgers told
	done bool
}

// IsPackets waits for the beginning of the stream and reports whether it is a packet capture, not compressed.
func (l *Live) IsPackets() bool {
	head, _ := l.in.stream.buffer.Peek(packetsHead)
	return packet.Recognise(head)
}

// Packets reads the stream, which is a packet capture, instead of Recognise and Copy.
func (l *Live) Packets() *LivePackets { return &LivePackets{live: l} }

// Copy gives every request to out, until the stream ends. When the context ends, the packets that were read so far are
// taken for all, and the error is the context's cause.
func (l *LivePackets) Copy(out Sink) error {
	s, in := l.live.set, l.live.in
	l.p = s.newPackets(in, out.Write)
	l.live.stream.tick = out.Tick
	r, err := packet.NewReader(in.stream.buffer, packet.ReaderOptions{Name: in.name, Decoder: l.p.decode})
	if err != nil {
		return err
	}
	var seg packet.Segment
	for err == nil {
		if err = r.Next(&seg); err == nil {
			err = l.p.segment(r, &seg)
		}
	}
	l.p.drops = r.Stats().Drops
	l.p.order.Flush()
	l.done = true
	if torn, ok := errors.AsType[*packet.FormatError](err); ok && errors.Is(err, io.ErrUnexpectedEOF) {
		s.note("%s: cut off (%s): all packets before that were read", in.name, torn.Msg)
		err = nil
	}
	l.p.explain(in.name)
	if err == io.EOF {
		err = nil
	}
	return errors.Join(err, l.p.err)
}

// Ledger accounts for the packets since the last Cut. It balances between two packets.
func (l *LivePackets) Ledger() capture.Ledger {
	if l.p == nil {
		return capture.Ledger{Name: l.live.in.name, Format: "packets", Skipped: map[string]int64{}}
	}
	c := l.p.account()
	c.Bytes, c.SHA256 = l.live.in.stream.raw.n, ""
	if left := c.PayloadBytes - c.MessageBytes - total(c.SkippedBytes); left != 0 {
		c.SkippedBytes[inProgress] = left
	}
	if l.done && l.cut.Packets == 0 {
		c.SHA256 = l.live.in.stream.digest()
	}
	return since(c, &l.cut)
}

// inProgress is the reason under which bytes stand whose message is not over. The next ledger counts them once more.
const inProgress = "in-progress"

// Cut begins another ledger, for another file.
func (l *LivePackets) Cut() {
	if l.p == nil {
		return
	}
	c := l.p.account()
	l.cut = c
	l.cut.Bytes = l.live.in.stream.raw.n
	l.cut.PayloadBytes = c.MessageBytes + total(c.SkippedBytes) // what is in progress belongs to the next one too
	l.cut.FilteredBy = maps.Clone(c.FilteredBy)
	l.p.log.ledger.Examples = nil
}

// since is what c has more than before.
func since(c capture.Ledger, before *capture.Ledger) capture.Ledger {
	for _, n := range []struct {
		now  *int64
		then int64
	}{
		{&c.Bytes, before.Bytes}, {&c.Packets, before.Packets}, {&c.Used, before.Used}, {&c.Streams, before.Streams},
		{&c.Requests, before.Requests}, {&c.Responses, before.Responses}, {&c.Filtered, before.Filtered}, {&c.Late, before.Late},
		{&c.PayloadBytes, before.PayloadBytes}, {&c.MessageBytes, before.MessageBytes},
	} {
		*n.now -= n.then
	}
	c.FilteredBy = maps.Clone(c.FilteredBy)
	for _, m := range [][2]map[string]int64{
		{c.Ignored, before.Ignored}, {c.Skipped, before.Skipped}, {c.SkippedBytes, before.SkippedBytes},
		{c.LostBytes, before.LostBytes}, {c.FilteredBy, before.FilteredBy},
	} {
		for why, n := range m[1] {
			if m[0][why] -= n; m[0][why] == 0 {
				delete(m[0], why)
			}
		}
	}
	return c
}

func total(counts map[string]int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// Notes says what is doubtful.
func (l *LivePackets) Notes() []string { return append(l.live.Notes(), l.live.set.warned...) }

// Empty is the error of a stream out of which no request came.
func (l *LivePackets) Empty() error {
	c := l.Ledger()
	return fmt.Errorf("%w: %s", ErrEmpty, describe(&c))
}
