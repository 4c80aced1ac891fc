//go:build unix

package send

import (
	"math"

	"golang.org/x/sys/unix"
)

// openFiles is the number of files this process may have open, 0 when unlimited. The runtime has already raised
// the soft limit to the hard one.
func openFiles() int64 {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil || uint64(l.Cur) > math.MaxInt32 {
		return 0
	}
	return int64(l.Cur)
}
