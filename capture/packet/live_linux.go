package packet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

const (
	ringBlock    = 1 << 20 // the kernel fills one block after the other
	ringBlocks   = 48      // with 2 KB a request, 10,000 of them a second fill it in 2.5 s: a disk may take that long
	ringRetireMS = 50      // a block that is not full is handed over after so many milliseconds
	pollMS       = 200     // how often a wait looks at its context

	// stopWithin is how long after Stop the kernel may take to hand over what it holds. It takes ringRetireMS.
	stopWithin = 2 * time.Second

	// Offsets in the headers of TPACKET_V3 (linux/if_packet.h).
	blockStatus  = 8
	blockPackets = 12
	blockFirst   = 16
	ringNext     = 0
	ringSec      = 4
	ringNsec     = 8
	ringSnap     = 12
	ringLen      = 16
	ringNet      = 26
	ringHeader   = 48
)

// Live captures from a network interface with a ring that the kernel fills. It is not safe for concurrent use.
// It sees what comes in and what goes out, without link layers; on the loopback interface each packet once.
type Live struct {
	name    string // of the interface
	fd      int
	ring    []byte
	block   int // being read, or waited for
	left    int // packets of it
	pos     int // in ring, of the next packet
	frame   Frame
	decoder *Decoder
	total   LiveStats
	stopped time.Time // zero: not yet
}

// OpenLive opens an interface, which takes the right to capture (CAP_NET_RAW). The right is not needed afterwards.
func OpenLive(o LiveOptions) (_ *Live, err error) {
	filter, err := liveFilter(o.Ports)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Interface, err)
	}
	dev, err := net.InterfaceByName(o.Interface)
	if bad, ok := errors.AsType[*net.OpError](err); ok {
		err = bad.Err // without the protocol that asks for it
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Interface, err)
	}
	// Protocol 0: no packets before the filter is there.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: opening a packet socket: %w", o.Interface, err)
	}
	l := &Live{name: o.Interface, fd: fd, decoder: o.Decoder}
	if l.decoder == nil {
		l.decoder = NewDecoder()
	}
	if err := l.setUp(dev, filter); err != nil {
		l.Close()
		return nil, fmt.Errorf("%s: %w", o.Interface, err)
	}
	return l, nil
}

func (l *Live) setUp(dev *net.Interface, filter []bpf.RawInstruction) error {
	if err := unix.SetsockoptInt(l.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return fmt.Errorf("ring of version 3: %w", err)
	}
	if dev.Flags&net.FlagLoopback != 0 {
		if err := unix.SetsockoptInt(l.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
			return fmt.Errorf("leaving out what goes out: %w", err)
		}
	}
	code := make([]unix.SockFilter, len(filter))
	for i, f := range filter {
		code[i] = unix.SockFilter{Code: f.Op, Jt: f.Jt, Jf: f.Jf, K: f.K}
	}
	program := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	if err := unix.SetsockoptSockFprog(l.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program); err != nil {
		return fmt.Errorf("filter: %w", err)
	}
	request := unix.TpacketReq3{
		Block_size: ringBlock, Block_nr: ringBlocks, Frame_size: ringBlock, Frame_nr: ringBlocks, Retire_blk_tov: ringRetireMS,
	}
	if err := unix.SetsockoptTpacketReq3(l.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &request); err != nil {
		return fmt.Errorf("ring of %d MiB: %w", ringBlock*ringBlocks>>20, err)
	}
	var err error
	if l.ring, err = unix.Mmap(l.fd, 0, ringBlock*ringBlocks, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return fmt.Errorf("mapping the ring: %w", err)
	}
	all := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	if err := unix.Bind(l.fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: dev.Index}); err != nil {
		return fmt.Errorf("binding: %w", err)
	}
	return nil
}

// Next waits for the next TCP segment, whose payload is valid until the next call. It returns the error of ctx
// when that ends; what the kernel still holds can be read with another one. After Stop it returns io.EOF at the end.
func (l *Live) Next(ctx context.Context, s *Segment) error {
	for {
		for l.left == 0 {
			if err := l.nextBlock(ctx); err != nil {
				return err
			}
		}
		if l.nextFrame(); l.decoder.Decode(&l.frame, s) {
			return nil
		}
	}
}

func (l *Live) status(block int) *uint32 {
	return (*uint32)(unsafe.Pointer(&l.ring[block*ringBlock+blockStatus]))
}

// nextBlock gives the block at hand back to the kernel, if it was read, and waits for the next one.
func (l *Live) nextBlock(ctx context.Context) error {
	if l.pos != 0 {
		atomic.StoreUint32(l.status(l.block), unix.TP_STATUS_KERNEL)
		l.block, l.pos = (l.block+1)%ringBlocks, 0
	}
	if ctx.Err() != nil { // also where there is always a block to read
		return ctx.Err()
	}
	for atomic.LoadUint32(l.status(l.block))&unix.TP_STATUS_USER == 0 {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := l.wait(); err != nil {
			return err
		}
	}
	b := l.ring[l.block*ringBlock:]
	l.left = int(binary.NativeEndian.Uint32(b[blockPackets:]))
	l.pos = l.block*ringBlock + int(binary.NativeEndian.Uint32(b[blockFirst:]))
	return nil
}

// wait waits for the kernel, for a while. Once the capture is stopped it returns io.EOF where nothing is left to wait for.
func (l *Live) wait() error {
	ms := pollMS
	if !l.stopped.IsZero() {
		if ms = ringRetireMS; l.drained(time.Since(l.stopped)) {
			return io.EOF
		}
	}
	fds := []unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLIN | unix.POLLERR}}
	if _, err := unix.Poll(fds, ms); err != nil && err != unix.EINTR {
		return fmt.Errorf("%s: waiting for packets: %w", l.name, err)
	}
	if fds[0].Revents&unix.POLLERR != 0 {
		if n, err := unix.GetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_ERROR); err == nil && n != 0 {
			return fmt.Errorf("%s: waiting for packets: %w", l.name, unix.Errno(n))
		}
	}
	return nil
}

// drained reports whether, some time after Stop, every packet that the kernel took was read. A packet that another
// core was just taking when the filter closed counts a little later.
func (l *Live) drained(since time.Duration) bool {
	_, kernel, err := l.Stats()
	return since > stopWithin || since > ringRetireMS*time.Millisecond && (err != nil || l.frame.Number >= kernel.Packets-kernel.Drops)
}

// Stop ends the capture at this instant: the kernel takes no more packets. Next gives those that it holds.
func (l *Live) Stop() error {
	l.stopped = time.Now()
	none := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
	program := unix.SockFprog{Len: 1, Filter: &none}
	if err := unix.SetsockoptSockFprog(l.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program); err != nil {
		return fmt.Errorf("filter: %w", err)
	}
	return nil
}

// nextFrame reads a packet of the block. Offsets are the kernel's, which is trusted.
func (l *Live) nextFrame() {
	b := l.ring[l.pos:]
	word := func(off int) int { return int(binary.NativeEndian.Uint32(b[off:])) }
	from := int(binary.NativeEndian.Uint16(b[ringNet:]))
	l.frame.Link = linkRawIP
	l.frame.Number++
	l.frame.At = int64(word(ringSec))*1e9 + int64(word(ringNsec))
	l.frame.Data = b[from : from+word(ringSnap)]
	l.frame.Len = word(ringLen)
	l.pos += max(word(ringNext), ringHeader)
	l.left--
}

// Stats are the counts so far: what became of the packets that were read, and what the kernel saw.
func (l *Live) Stats() (FrameStats, LiveStats, error) {
	k, err := unix.GetsockoptTpacketStatsV3(l.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return l.decoder.Stats(), l.total, fmt.Errorf("reading the kernel's counts: %w", err)
	}
	l.total.Packets += int64(k.Packets) // each call sets the kernel's to zero
	l.total.Drops += int64(k.Drops)
	return l.decoder.Stats(), l.total, nil
}

// Close stops the capture.
func (l *Live) Close() error {
	if l.ring != nil {
		unix.Munmap(l.ring)
		l.ring = nil
	}
	return unix.Close(l.fd)
}
