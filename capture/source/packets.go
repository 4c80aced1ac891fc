package source

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"time"

	"trafficreplay/capture"
	"trafficreplay/capture/packet"
	"trafficreplay/capture/tlskeys"
	"trafficreplay/capture/wire"
)

// packetsHead is how much of a file tells a packet capture.
const packetsHead = 12

// lookAtPackets finds when a packet capture begins: with its first TCP, or, if that is far behind, about then.
func (s *Set) lookAtPackets(in *input) {
	in.packets = true
	head, _ := in.stream.bytes.Peek(64 << 10)
	in.first = firstPacket(bytes.NewReader(head))
	if in.first != 0 || in.info == nil || !in.info.Mode().IsRegular() {
		return
	}
	if st, err := in.open(nil); err == nil { // once more: it begins with secrets, which may be long
		if st.unpack() == nil {
			in.first = firstPacket(io.LimitReader(st.bytes, 32<<20))
		}
		_ = st.close()
	}
}

// firstPacket is when the first TCP was captured, or the last packet before the source ends; 0: there is none.
func firstPacket(src io.Reader) int64 {
	r, err := packet.NewReader(src, packet.ReaderOptions{})
	if err != nil {
		return 0
	}
	var seg packet.Segment
	_ = r.Next(&seg) // which ends in the middle where there is no TCP
	return r.At()
}

// followsWithin is how long after the last packet of a file another may begin that goes on with its connections, as
// rotated captures do; it may also begin a little before.
const (
	followsWithin = int64(time.Minute)
	followsBefore = int64(time.Second)
)

// packetsMemory bounds what segments take that wait for others, and likewise heads and bodies that are put together, bytes.
const packetsMemory = 16 << 20

// packets is the reading of packet captures that follow each other in time. Their connections go on from file to file,
// so they have one ledger.
type packets struct {
	log     *log // of the first file
	files   int
	last    int64 // arrival of the last segment
	frame   int64 // number of the packet at hand
	read    int64 // bytes of the files that were read to their end
	drops   int64 // packets that the capturing system lost
	err     error // of the sorter
	secrets int   // bytes of the file's own key log that were taken

	decode *packet.Decoder
	order  *packet.Assembler
	keys   *tlskeys.Keys
	tls    *tlskeys.Decryptor
	wire   *wire.Decoder
}

// loadPackets reads a packet capture.
func (s *Set) loadPackets(in *input) error {
	if in.stream == nil {
		st, err := in.open(s.o.Stdin)
		if err != nil {
			return err
		}
		in.stream = st
		if err := st.unpack(); err != nil {
			return fmt.Errorf("%s: %w", in.name, err)
		}
	}
	if p := s.packets; p != nil && (in.first < p.last-followsBefore || in.first > p.last+followsWithin) {
		if in.first < p.last-followsBefore {
			s.note("%s was recorded at the same time as %s: a connection that is in both gives its requests twice; mergecap -w FILE joins them", in.name, p.log.ledger.Name)
		}
		if err := s.endPackets(); err != nil {
			return err
		}
	}
	if s.packets == nil {
		s.packets = s.newPackets(in, s.sorter.Add)
	}
	return s.packets.file(in)
}

// newPackets begins to read packets whose requests go to add.
func (s *Set) newPackets(in *input, add func(*capture.Request) error) *packets {
	p := &packets{log: s.newLog(in, add), decode: packet.NewDecoder(), keys: s.o.Keys}
	if p.keys == nil {
		p.keys = new(tlskeys.Keys)
	}
	p.tls = tlskeys.NewDecryptor(p.keys)
	p.wire = wire.NewDecoder(wire.Options{Source: filepath.Base(in.name), Emit: p.take, Budget: packetsMemory})
	p.order = packet.NewAssembler(packet.Options{New: p.open, MaxBytes: packetsMemory})
	return p
}

// connection is one TCP connection on its way to requests.
type connection struct {
	p    *packets
	wire *wire.Conn
	tls  *tlskeys.Conn
}

func (p *packets) open(f packet.Flow) packet.Sink {
	c := &connection{p: p, wire: p.wire.Open([2]netip.AddrPort{f.Client, f.Server})}
	c.tls = p.tls.Open(c.wire, func() { c.wire.Secure = true })
	return c
}

func (c *connection) Data(side int, at int64, b []byte) {
	c.wire.Frame = c.p.frame
	c.tls.Data(side, at, b)
}

func (c *connection) Gap(side int, at, n int64, reason string) { c.tls.Gap(side, at, n, reason) }

func (c *connection) End(side int, at int64, reset bool) { c.tls.End(side, at, reset) }

// take keeps a request that was recovered.
func (p *packets) take(q *capture.Request) {
	if p.err != nil {
		return
	}
	p.log.s.nameHost(q)
	p.log.resolve(q)
	p.err = p.log.keep(q, lineDigest{})
}

// ticking is a reader that calls tick before each read, and ends with its error.
type ticking struct {
	r    io.Reader
	tick func() error
}

func (t ticking) Read(b []byte) (int, error) {
	if err := t.tick(); err != nil {
		return 0, err
	}
	return t.r.Read(b)
}

// file reads one file to its end.
func (p *packets) file(in *input) error {
	src := ticking{in.stream.bytes, func() error { return p.log.s.tick(p.read + in.stream.offset()) }}
	r, err := packet.NewReader(src, packet.ReaderOptions{Name: in.name, Decoder: p.decode})
	if err != nil {
		return cmp.Or(context.Cause(p.log.s.ctx), err)
	}
	p.log.base, p.secrets = filepath.Base(in.name), 0
	var seg packet.Segment
	for {
		if err := r.Next(&seg); err == io.EOF {
			break
		} else if torn, ok := errors.AsType[*packet.FormatError](err); ok && errors.Is(err, io.ErrUnexpectedEOF) {
			p.log.s.warn(fmt.Sprintf("%s: cut off (%s): all packets before that were read", in.name, torn.Msg))
			break
		} else if err != nil {
			return cmp.Or(context.Cause(p.log.s.ctx), err)
		}
		p.learn(r)
		if err := p.segment(&seg); err != nil {
			return fmt.Errorf("%s: packet %d: %w", in.name, seg.Frame, err)
		}
	}
	p.files++
	p.log.ledger.SHA256 = in.stream.digest()
	p.read += in.stream.offset()
	p.drops += r.Stats().Drops
	return nil
}

// learn takes the TLS secrets that a file holds.
func (p *packets) learn(r *packet.Reader) {
	if s := r.Secrets(); len(s) > p.secrets {
		if err := p.keys.Read(bytes.NewReader(s[p.secrets:]), "TLS secrets in the file"); err != nil {
			p.log.s.warn(fmt.Sprintf("%s: %v; those behind it are not used", p.log.in.name, err))
		}
		p.secrets = len(s)
	}
}

func (p *packets) segment(seg *packet.Segment) error {
	p.frame, p.last = seg.Frame, seg.At
	p.order.Add(seg)
	return p.err
}

// endPackets closes the account of the packet captures that were read last.
func (s *Set) endPackets() error {
	p := s.packets
	if p == nil {
		return nil
	}
	s.packets = nil
	p.order.Flush()
	if p.err != nil {
		return fmt.Errorf("%s: %w", p.log.in.name, p.err)
	}
	l := p.account()
	p.explain(l.Name)
	s.bytes += l.Bytes
	s.conns += p.log.top
	s.ledger = append(s.ledger, l)
	if err := l.Balance(); err != nil {
		return err
	}
	if l.Requests == 0 && l.Filtered == 0 && len(s.inputs) > 1 { // else the error says it
		s.note("%s", describe(&l))
	}
	return nil
}

// account is the ledger so far. While packets are still being read, bytes of messages that are not over stand under
// "in-progress".
func (p *packets) account() capture.Ledger {
	l := p.log.ledger
	l.Skipped = maps.Clone(l.Skipped)
	if p.files > 1 {
		l.Name, l.SHA256 = fmt.Sprintf("%s and %d more", l.Name, p.files-1), ""
	}
	l.Format, l.Basis, l.Resolution, l.Bytes = "packets", capture.BasisStart, time.Duration(p.log.unit).String(), p.read
	frames, order, tls, msgs := p.decode.Stats(), p.order.Stats(), p.tls.Tally(), p.wire.Tally()
	l.Packets, l.Used, l.Ignored, l.KernelDrops = frames.Packets, frames.Used, frames.Ignored, p.drops
	for why, n := range order.Ignored {
		l.Ignored[why] += n
		l.Used -= n
	}
	l.Streams, l.Responses = order.Connections, msgs.Responses
	l.PayloadBytes, l.MessageBytes, l.LostBytes = order.PayloadBytes, msgs.Message, order.MissingBytes
	l.SkippedBytes, l.Unkept = order.SkippedBytes, msgs.Unkept
	addKnown(l.SkippedBytes, msgs.Skipped())
	addKnown(l.SkippedBytes, map[string]int64{"tls": tls.Overhead, "tls-unread": tls.Unread})
	addKnown(l.Skipped, map[string]int64{"response-alone": msgs.Alone, "too-long": msgs.Refused})
	for kind, n := range msgs.Streams() {
		switch kind {
		case "tls-no-key", "not-http", "tunnel", "upgrade":
			l.Skipped[kind] += n
		}
	}
	return l
}

// addKnown adds the counts that are not zero.
func addKnown(to, from map[string]int64) {
	for why, n := range from {
		if n != 0 {
			to[why] += n
		}
	}
}

// maxServers is how many servers without a key are named, those with the most connections first.
const maxServers = 5

// explain names the servers of connections that no key opens, and says what nobody knows of HTTP/2 and what the system lost.
func (p *packets) explain(name string) {
	if n := p.wire.Tally().Unresolved; n > 0 {
		p.log.s.note("%s: %d header fields of HTTP/2 refer to what came before the capture; they are left out", name, n)
	}
	names := p.wire.Tally().ServerNames()
	servers := slices.SortedFunc(maps.Keys(names), func(a, b string) int {
		return cmp.Or(cmp.Compare(names[b], names[a]), cmp.Compare(a, b))
	})
	for _, server := range servers[:min(len(servers), maxServers)] {
		to := "servers that were not named"
		if server != "" {
			to = p.log.s.o.Redactor.Example([]byte(server))
		}
		p.log.s.note("%s: %d TLS connections to %s without a key (--tls-keys)", name, names[server], to)
	}
	if more := len(servers) - maxServers; more > 0 {
		p.log.s.note("%s: TLS connections to %d more servers without a key", name, more)
	}
	if p.drops > 0 {
		p.log.s.warn(fmt.Sprintf("%s: the system lost %d packets while it captured", name, p.drops))
	}
}
