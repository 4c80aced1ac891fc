package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"

	"trafficreplay/capture"
	"trafficreplay/capture/packet"
)

// LivePackets reads packets while they are captured: from a pipe, or from an interface. Its requests come in the order in
// which they end. It is not safe for concurrent use.
type LivePackets struct {
	set   *Set
	in    *input
	p     *packets
	cut   capture.Ledger // what earlier ledgers told
	ended bool

	// Dropping, if not nil, is told while an interface is captured how many packets the kernel has dropped so far, whenever
	// that has grown.
	Dropping func(packets int64)

	pipe    *Live        // one of the two
	card    *packet.Live //
	decoder *packet.Decoder
}

// IsPackets waits for the beginning of the stream and reports whether it is a packet capture, not compressed.
func (l *Live) IsPackets() bool {
	head, _ := l.in.stream.buffer.Peek(packetsHead)
	return packet.Recognise(head)
}

// Packets reads the stream, which is a packet capture, instead of Recognise and Copy.
func (l *Live) Packets() *LivePackets { return &LivePackets{set: l.set, in: l.in, pipe: l} }

// NewInterface opens an interface to capture from: TCP from or to ports, or all of it where none is named. Close closes it.
func NewInterface(ctx context.Context, name string, ports []uint16, o Options) (*LivePackets, error) {
	decoder := packet.NewDecoder()
	card, err := packet.OpenLive(packet.LiveOptions{Interface: name, Ports: ports, Decoder: decoder})
	if err != nil {
		return nil, err
	}
	set := &Set{ctx: ctx, o: o, host: []byte(o.Accesslog.Host)}
	return &LivePackets{set: set, in: &input{name: name}, card: card, decoder: decoder}, nil
}

// liveConns is how many connections are remembered at once. Where there are more, the one that was idle longest is taken
// for ended, and goes on as another one. It costs 0.6 KB where nothing was said, 2 KB where it is idle and some 4 KB where a
// request waits for its response: 35 MB for 10,000 of these.
const liveConns = 20_000

// Close closes the interface. What comes through a pipe needs no Close.
func (l *LivePackets) Close() error {
	if l.card == nil {
		return nil
	}
	return l.card.Close()
}

// Copy gives every request to out, until the stream ends. When the context ends, the packets that were read so far are
// taken for all, and the error is the context's cause.
func (l *LivePackets) Copy(out Sink) error {
	l.begin(out.Write)
	var err error
	if l.card != nil {
		err = l.fromCard(out)
	} else {
		err = l.fromPipe(out)
	}
	l.p.order.Flush()
	l.ended = true
	l.p.explain(l.in.name)
	if err == io.EOF {
		err = nil
	}
	return errors.Join(err, l.p.err)
}

// begin makes what reads packets into requests, which go to add.
func (l *LivePackets) begin(add func(*capture.Request) error) {
	l.p = l.set.newPackets(l.in, add)
	l.p.order = packet.NewAssembler(packet.Options{New: l.p.open, MaxConn: liveConns, MaxBytes: packetsMemory})
}

func (l *LivePackets) fromPipe(out Sink) error {
	l.pipe.stream.tick = out.Tick
	r, err := packet.NewReader(l.in.stream.buffer, packet.ReaderOptions{Name: l.in.name, Decoder: l.p.decode})
	if err != nil {
		return err
	}
	var seg packet.Segment
	for err == nil {
		if err = r.Next(&seg); err == nil {
			l.p.learn(r)
			err = l.p.segment(&seg)
		}
	}
	l.p.drops = r.Stats().Drops
	if torn, ok := errors.AsType[*packet.FormatError](err); ok && errors.Is(err, io.ErrUnexpectedEOF) {
		l.set.note("%s: cut off (%s): all packets before that were read", l.in.name, torn.Msg)
		err = io.EOF
	}
	return err
}

// fromCard reads an interface until the context ends, then what the kernel had taken before that. Once a second it looks
// at the kernel's counts, and gives up what has waited for too long.
func (l *LivePackets) fromCard(out Sink) error {
	l.p.decode = l.decoder
	err := error(nil)
	for err == nil && l.set.ctx.Err() == nil {
		second, cancel := context.WithTimeout(l.set.ctx, time.Second)
		err = l.segments(second)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			err = l.count()
		}
		if err == nil {
			err = out.Tick(time.Now())
		}
	}
	if l.set.ctx.Err() != nil {
		err = context.Cause(l.set.ctx)
	}
	rest := l.card.Stop()
	if rest == nil && l.p.err == nil {
		rest = l.segments(context.Background())
	}
	if rest == io.EOF {
		rest = nil
	}
	return errors.Join(err, rest, l.count())
}

// segments reads the interface until an error comes, or the end after Stop.
func (l *LivePackets) segments(ctx context.Context) (err error) {
	var seg packet.Segment
	for err == nil {
		if err = l.card.Next(ctx, &seg); err == nil {
			err = l.p.segment(&seg)
		}
	}
	return err
}

// count takes the kernel's count of lost packets, and lets time pass for what waits.
func (l *LivePackets) count() error {
	_, kernel, err := l.card.Stats()
	if kernel.Drops > l.p.drops && l.Dropping != nil {
		l.Dropping(kernel.Drops)
	}
	l.p.drops = kernel.Drops
	l.p.order.Advance(time.Now().UnixNano())
	return err
}

// Ledger accounts for the packets since the last Cut. It balances between two packets.
func (l *LivePackets) Ledger() capture.Ledger {
	if l.p == nil {
		return capture.Ledger{Name: l.in.name, Format: "packets", Skipped: map[string]int64{}}
	}
	c := l.p.account()
	c.Bytes, c.SHA256 = l.bytes(), ""
	if left := c.PayloadBytes - c.MessageBytes - total(c.SkippedBytes); left != 0 {
		c.SkippedBytes[inProgress] = left
	}
	if l.ended && l.pipe != nil && l.cut.Packets == 0 {
		c.SHA256 = l.in.stream.digest()
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
	l.cut.Bytes = l.bytes()
	l.cut.PayloadBytes = c.MessageBytes + total(c.SkippedBytes) // what is in progress belongs to the next one too
	l.cut.FilteredBy = maps.Clone(c.FilteredBy)
	l.p.log.ledger.Examples = nil
}

// bytes is how much of a pipe was read.
func (l *LivePackets) bytes() int64 {
	if l.pipe == nil {
		return 0
	}
	return l.in.stream.raw.n
}

// since is what c has more than before.
func since(c capture.Ledger, before *capture.Ledger) capture.Ledger {
	for _, n := range []struct {
		now  *int64
		then int64
	}{
		{&c.Bytes, before.Bytes}, {&c.Packets, before.Packets}, {&c.Used, before.Used}, {&c.Streams, before.Streams},
		{&c.Requests, before.Requests}, {&c.Responses, before.Responses}, {&c.Filtered, before.Filtered}, {&c.Late, before.Late}, {&c.KernelDrops, before.KernelDrops},
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
func (l *LivePackets) Notes() []string { return l.set.notes }

// Warnings says what was lost.
func (l *LivePackets) Warnings() []string { return l.set.warned }

// Empty is the error of a stream out of which no request came.
func (l *LivePackets) Empty() error {
	c := l.Ledger()
	if c.Packets == 0 {
		return fmt.Errorf("%w: %s: no packets came", ErrEmpty, l.in.name)
	}
	return fmt.Errorf("%w: %s", ErrEmpty, describe(&c))
}
