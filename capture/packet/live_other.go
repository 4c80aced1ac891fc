//go:build !linux

package packet

import (
	"context"
	"fmt"
	"runtime"
)

// Live captures from a network interface, on Linux.
type Live struct{}

// OpenLive says what to use instead.
func OpenLive(o LiveOptions) (*Live, error) {
	return nil, fmt.Errorf("%s: live capture needs Linux, this is %s; use tcpdump -i %s -w - and capture its output", o.Interface, runtime.GOOS, o.Interface)
}

// Next is never reached: there is no Live.
func (l *Live) Next(ctx context.Context, s *Segment) error { return ctx.Err() }

// Stop is never reached.
func (l *Live) Stop() error { return nil }

// Stats is never reached.
func (l *Live) Stats() (FrameStats, LiveStats, error) { return FrameStats{}, LiveStats{}, nil }

// Close is never reached.
func (l *Live) Close() error { return nil }
