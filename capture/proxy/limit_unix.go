//go:build unix

package proxy

import (
	"math"
	"syscall"
)

// openFiles is how many files this process may have open; the runtime has already raised that to what is allowed.
func openFiles() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil || uint64(l.Cur) > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(l.Cur)
}
