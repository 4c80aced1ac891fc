package packet

import (
	"encoding/binary"
	"testing"

	"golang.org/x/net/bpf"
)

func TestLiveFilter(t *testing.T) {
	v4 := func(protocol byte, options, fragment int, src, dst uint16) []byte {
		b := make([]byte, 40+options)
		b[0], b[9] = 0x45+byte(options/4), protocol
		binary.BigEndian.PutUint16(b[6:], uint16(fragment))
		binary.BigEndian.PutUint16(b[20+options:], src)
		binary.BigEndian.PutUint16(b[22+options:], dst)
		return b
	}
	v6 := func(next byte, src, dst uint16) []byte {
		b := make([]byte, 60)
		b[0], b[6] = 0x60, next
		binary.BigEndian.PutUint16(b[40:], src)
		binary.BigEndian.PutUint16(b[42:], dst)
		return b
	}
	tests := []struct {
		name   string
		packet []byte
		ports  []uint16
		want   bool
	}{
		{"to the port", v4(6, 0, 0, 40000, 80), []uint16{80}, true},
		{"from the port", v4(6, 0, 0, 80, 40000), []uint16{80}, true},
		{"the last of many ports", v4(6, 0, 0, 8443, 40000), []uint16{80, 443, 8080, 8443}, true},
		{"another port", v4(6, 0, 0, 40000, 81), []uint16{80}, false},
		{"options before the ports", v4(6, 12, 0, 40000, 80), []uint16{80}, true},
		{"first fragment", v4(6, 0, 0x2000, 40000, 80), []uint16{80}, true},
		{"later fragment", v4(6, 0, 0x2010, 1, 1), []uint16{80}, true},
		{"UDP", v4(17, 0, 0, 40000, 80), []uint16{80}, false},
		{"no ports given", v4(6, 0, 0, 40000, 81), nil, true},
		{"no ports given, UDP", v4(17, 0, 0, 40000, 81), nil, false},
		{"IPv6", v6(6, 40000, 80), []uint16{80}, true},
		{"IPv6, from the port", v6(6, 80, 40000), []uint16{80}, true},
		{"IPv6, another port", v6(6, 40000, 81), []uint16{80}, false},
		{"IPv6, extension header", v6(60, 1, 1), []uint16{80}, true},
		{"IPv6, UDP", v6(17, 40000, 80), []uint16{80}, false},
		{"IPv6, no ports given", v6(6, 40000, 81), nil, true},
		{"ARP", []byte{0, 1, 8, 0, 6, 4}, nil, false},
		{"too short for ports", v4(6, 0, 0, 0, 0)[:20], []uint16{80}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			raw, err := liveFilter(test.ports)
			if err != nil {
				t.Fatal(err)
			}
			program, ok := bpf.Disassemble(raw)
			if !ok {
				t.Fatal("the filter has an instruction that is none")
			}
			vm, err := bpf.NewVM(program)
			if err != nil {
				t.Fatal(err)
			}
			n, err := vm.Run(test.packet)
			if err != nil || n > 0 != test.want {
				t.Errorf("filter gives %d, %v; want to pass: %v", n, err, test.want)
			}
		})
	}
}
