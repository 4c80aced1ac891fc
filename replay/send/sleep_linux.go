package send

import (
	"time"

	"golang.org/x/sys/unix"
)

// fineTimers makes the kernel wake this thread at the instant asked for; the default slack is 50 µs. Where that
// is forbidden the slack stays, and the lag of the results says so.
func fineTimers() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) }

// sleep blocks the calling thread. The runtime's own timers are up to 1 ms late.
func sleep(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &ts, &ts) == unix.EINTR {
	}
}
