package wire

import (
	"bytes"
	"encoding/binary"
)

// frameKind is the type of a frame (RFC 9113, section 6).
type frameKind uint8

const (
	frameData frameKind = iota
	frameHeaders
	framePriority
	frameReset
	frameSettings
	framePush
	framePing
	frameGoAway
	frameWindow
	frameContinuation
	frameAltSvc // RFC 7838

	frameOrigin         frameKind = 12 // RFC 8336
	framePriorityUpdate frameKind = 16 // RFC 9218
)

const (
	flagEndStream  = 1
	flagAck        = 1
	flagEndHeaders = 4
	flagPadded     = 8
	flagPriority   = 0x20
)

const (
	frameHeadBytes = 9
	tryFrame       = 512 << 10 // longest payload while frames are tried
	unpadded       = -1
)

// parseFrameHead reads the head of a frame.
func parseFrameHead(b []byte) (kind frameKind, flags byte, id uint32, length int) {
	length = int(b[0])<<16 | int(b[1])<<8 | int(b[2])
	return frameKind(b[3]), b[4], binary.BigEndian.Uint32(b[5:]) &^ (1 << 31), length
}

// isSound reports whether a peer accepts a frame.
func isSound(kind frameKind, flags byte, id uint32, length int) bool {
	padded := 0
	if flags&flagPadded != 0 {
		padded = 1
	}
	switch kind {
	case frameData:
		return id > 0 && length >= padded
	case frameHeaders:
		if flags&flagPriority != 0 {
			padded += 5
		}
		return id > 0 && length >= padded
	case framePush:
		return id > 0 && length >= padded+4
	case framePriority:
		return id > 0 && length == 5
	case frameReset:
		return id > 0 && length == 4
	case frameSettings:
		return id == 0 && length%6 == 0 && (flags&flagAck == 0 || length == 0)
	case framePing:
		return id == 0 && length == 8
	case frameGoAway:
		return id == 0 && length >= 8
	case frameWindow:
		return length == 4
	case frameContinuation:
		return id > 0
	}
	return true
}

// usedFlags are the flags that a frame may have.
var usedFlags = [...]byte{
	frameData:           flagEndStream | flagPadded,
	frameHeaders:        flagEndStream | flagEndHeaders | flagPadded | flagPriority,
	frameSettings:       flagAck,
	framePush:           flagEndHeaders | flagPadded,
	framePing:           flagAck,
	frameContinuation:   flagEndHeaders,
	framePriorityUpdate: 0,
}

// isFlawless reports whether the head of a frame is as careful peers write it, where it is not certain that it is one:
// of a known kind, with no bit set that means nothing, and no longer than is usual.
func isFlawless(head []byte, continues bool) bool {
	kind, flags, id, length := parseFrameHead(head)
	switch {
	case head[5]&0x80 != 0 || length > tryFrame || !isSound(kind, flags, id, length):
		return false
	case int(kind) >= len(usedFlags) || flags&^usedFlags[kind] != 0 || continues != (kind == frameContinuation):
		return false
	}
	switch kind {
	case frameHeaders, frameContinuation:
		return length > 0
	case frameSettings:
		return length <= 32*6
	case frameGoAway:
		return length <= 1<<10
	case framePush:
		return id&1 == 1
	case frameData, framePriority, frameReset, framePing, frameWindow:
		return true
	case frameAltSvc, frameOrigin, framePriorityUpdate:
		return length <= 4<<10
	}
	return false
}

// mayBegin reports whether frames may be tried from head on.
func mayBegin(head []byte) bool {
	return head[0] == 0 && head[3] < byte(frameContinuation) && isFlawless(head, false)
}

// find looks for the head of a frame in b, and begins to try it. It returns how many bytes it is done with.
func (h *http2) find(f *http2Half, at int64, b []byte) int {
	if f.n > 0 {
		return h.findAcross(f, at, b)
	}
	i := 0
	for {
		n := bytes.IndexByte(b[i:], 0)
		if n < 0 {
			h.c.tally.count(f.why, len(b))
			return len(b)
		}
		i += n
		switch {
		case len(b)-i < frameHeadBytes:
			h.c.tally.count(f.why, i)
			f.n = copy(f.head[:], b[i:])
			f.at, f.frame = at, h.c.Frame
			return len(b)
		case mayBegin(b[i:]):
			h.c.tally.count(f.why, i)
			h.try(f)
			return i
		}
		i++
	}
}

// findAcross looks for the head of a frame that begins in what was kept of an earlier Data.
func (h *http2) findAcross(f *http2Half, at int64, b []byte) int {
	var window [2 * frameHeadBytes]byte
	kept := f.n
	all := window[:copy(window[:], f.head[:kept])]
	all = append(all, b[:min(len(b), frameHeadBytes)]...)
	for i := range kept {
		switch rest := all[i:]; {
		case rest[0] != 0:
		case len(rest) < frameHeadBytes: // all of b, then
			h.c.tally.count(f.why, i)
			f.n = copy(f.head[:], rest)
			return len(b)
		case mayBegin(rest):
			h.c.tally.count(f.why, i)
			f.n = copy(f.head[:], all[i:kept])
			h.try(f)
			return 0
		}
	}
	h.c.tally.count(f.why, kept)
	f.n = 0
	return 0
}

// findFrames looks for HTTP/2 in bytes of a connection of which nothing is known: frames that follow each other, or one that b
// is exactly. It returns where they begin.
func findFrames(b []byte) (at int, ok bool) {
	for {
		n := bytes.IndexByte(b[at:], 0)
		if n < 0 || len(b)-at-n < frameHeadBytes {
			return 0, false
		}
		at += n
		if mayBegin(b[at:]) && isChain(b[at:], at == 0) {
			return at, true
		}
		at++
	}
}

// isChain reports whether b begins with frames that follow each other: three, or fewer to which nothing is missing.
func isChain(b []byte, atStart bool) bool {
	frames, data, open := 0, 0, false
	for len(b) >= frameHeadBytes {
		if !isFlawless(b, open) {
			return false
		}
		kind, flags, _, length := parseFrameHead(b)
		frames++
		if kind == frameData {
			data++
		}
		if kind.hasBlock() {
			open = flags&flagEndHeaders == 0
		}
		if frames == 3 {
			return true
		}
		if length > len(b)-frameHeadBytes {
			return atStart && frames > 1 && frames > data
		}
		b = b[frameHeadBytes+length:]
	}
	return len(b) == 0 && frames > data && (atStart || frames > 1)
}

// areFrames reports whether b is whole frames from its first byte to its last.
func areFrames(b []byte) bool {
	open := false
	for len(b) >= frameHeadBytes && isFlawless(b, open) {
		kind, flags, _, length := parseFrameHead(b)
		if length > len(b)-frameHeadBytes {
			return false
		}
		if kind.hasBlock() {
			open = flags&flagEndHeaders == 0
		}
		b = b[frameHeadBytes+length:]
	}
	return len(b) == 0
}

// hasBlock reports whether a frame carries a part of a header block.
func (k frameKind) hasBlock() bool {
	return k == frameHeaders || k == framePush || k == frameContinuation
}
