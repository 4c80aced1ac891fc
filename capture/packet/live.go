package packet

import (
	"fmt"

	"golang.org/x/net/bpf"
)

// LiveOptions say what to capture from a network interface.
type LiveOptions struct {
	Interface string   // such as eth0 or lo
	Ports     []uint16 // TCP packets from or to these are kept, at most 64 ports; empty: all of them
	Decoder   *Decoder // nil: a new one
}

// LiveStats say what the kernel saw.
type LiveStats struct {
	Packets int64 // that passed the filter
	Drops   int64 // of these: lost for want of room in the ring
}

const maxPorts = 64

// liveFilter is the program that the kernel runs on each packet, from its network header on: TCP over IPv4 or IPv6
// from or to one of the ports. Later fragments and packets with extension headers have no ports where it can look,
// so they all pass.
func liveFilter(ports []uint16) ([]bpf.RawInstruction, error) {
	if len(ports) > maxPorts {
		return nil, fmt.Errorf("%d ports, limit %d", len(ports), maxPorts)
	}
	const all, none = maxPacket, 0
	// match keeps what A says to be one of the ports.
	match := func(load bpf.Instruction) []bpf.Instruction {
		p := []bpf.Instruction{load}
		for _, port := range ports {
			p = append(p, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(port), SkipTrue: 1}, bpf.RetConstant{Val: all})
		}
		return p
	}
	v4 := []bpf.Instruction{
		bpf.LoadAbsolute{Off: 9, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 6, SkipTrue: 1},
		bpf.RetConstant{Val: none},
		bpf.LoadAbsolute{Off: 6, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpBitsNotSet, Val: 0x1fff, SkipTrue: 1},
		bpf.RetConstant{Val: all}, // a later fragment
		bpf.LoadMemShift{Off: 0},
	}
	v6 := []bpf.Instruction{bpf.LoadAbsolute{Off: 6, Size: 1}}
	for _, extension := range []uint32{0, 43, 44, 51, 60} {
		v6 = append(v6, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: extension, SkipTrue: 1}, bpf.RetConstant{Val: all})
	}
	v6 = append(v6, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 6, SkipTrue: 1}, bpf.RetConstant{Val: none})
	if len(ports) == 0 {
		v4, v6 = append(v4, bpf.RetConstant{Val: all}), append(v6, bpf.RetConstant{Val: all})
	}
	v4 = append(append(v4, match(bpf.LoadIndirect{Off: 0, Size: 2})...), match(bpf.LoadIndirect{Off: 2, Size: 2})...)
	v6 = append(append(v6, match(bpf.LoadAbsolute{Off: 40, Size: 2})...), match(bpf.LoadAbsolute{Off: 42, Size: 2})...)
	v4, v6 = append(v4, bpf.RetConstant{Val: none}), append(v6, bpf.RetConstant{Val: none})

	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: 0, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 4, SkipTrue: 1},
		bpf.Jump{Skip: uint32(len(v4))},
	}
	program = append(program, v4...)
	program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 6, SkipTrue: 1}, bpf.RetConstant{Val: none})
	return bpf.Assemble(append(program, v6...))
}
