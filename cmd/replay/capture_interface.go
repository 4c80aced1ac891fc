package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"

	"trafficreplay/capture"
	"trafficreplay/capture/source"
)

// interfaceFlags say what to capture from a network interface.
type interfaceFlags struct {
	name  string
	ports []string
}

func (f *interfaceFlags) on() bool { return f.name != "" }

// parse gives the ports.
func (f *interfaceFlags) parse(args []string, in *inputFlags) (ports []uint16, err error) {
	if !f.on() {
		if len(f.ports) > 0 {
			return nil, usage(errors.New("--port: only with --interface"))
		}
		return nil, nil
	}
	if len(args) > 0 {
		return nil, usage(fmt.Errorf("--interface and %s exclude each other", args[0]))
	}
	if err := in.noLog("--interface"); err != nil {
		return nil, err
	}
	for _, p := range f.ports {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return nil, usage(fmt.Errorf("--port %q: want a number from 1 to 65535", p))
		}
		ports = append(ports, uint16(n))
	}
	return ports, nil
}

// interfaceMemory is captureMemory of a capture from an interface: the kernel's ring, 48 MiB, comes on top of it.
const interfaceMemory = 64 << 20

// captureInterface captures from a network interface until the user ends it. It takes one core, unless GOMAXPROCS allows
// more, and gives the right to capture up once it has the interface.
func (a *app) captureInterface(ctx context.Context, card *interfaceFlags, ports []uint16, in *inputFlags, path string, roll *rollFlags, w capture.WriterOptions) (*captureDocument, error) {
	o, redactor, err := in.options()
	if err != nil {
		return nil, err
	}
	if err := checkOutputs(append(in.outs, output{"-o", path}), func(os.FileInfo) bool { return false }); err != nil {
		return nil, err
	}
	live, err := source.NewInterface(ctx, card.name, ports, o)
	if errors.Is(err, os.ErrPermission) {
		return nil, &exit{exitTrouble, err, []string{"tcpdump -i " + card.name + " -w - | replay capture - -o " + path}}
	}
	if err != nil {
		return nil, err
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(interfaceMemory)
	}
	if err := dropPrivileges(); errors.Is(err, errors.ErrUnsupported) {
		a.term.warnf("this program was built with cgo and keeps its privileges while it captures (CGO_ENABLED=0 mends that)")
	} else if err != nil {
		return nil, errors.Join(fmt.Errorf("giving up privileges: %w", err), live.Close())
	}
	w.Redactor, w.Live = redactor, true
	out := &liveOut{a: a, live: live, path: path, roll: roll, o: w}
	out.o.Ledgers = func() []capture.Ledger { return []capture.Ledger{live.Ledger()} }
	if err := out.open(); err != nil {
		return nil, errors.Join(err, live.Close())
	}
	a.term.statusf("capturing from %s; Ctrl-C ends it", card.name)
	live.Dropping = a.warnDropping(card.name)
	doc, err := out.copy(ctx)
	for _, n := range live.Notes() {
		a.term.notef("%s", n)
	}
	a.warnLost(live)
	out.tellEmpty()
	a.warnSpared(in.rules, redactor.Spared())
	if doc != nil {
		doc.Redacted = redactor.Hits()
	}
	return doc, errors.Join(err, live.Close())
}

// warnDropping warns of packets that the kernel drops: of the first ones, and whenever they have become twice as many.
func (a *app) warnDropping(name string) func(packets int64) {
	next := int64(1)
	return func(packets int64) {
		if packets >= next {
			next = 2 * packets
			a.term.warnf("%s: the kernel has dropped %s packets so far: more came than could be read", name, thousands(packets))
		}
	}
}

// warnLost says what a capture of packets lost.
func (a *app) warnLost(live liveSource) {
	if p, ok := live.(*source.LivePackets); ok {
		for _, w := range p.Warnings() {
			a.term.warnf("%s", w)
		}
	}
}
