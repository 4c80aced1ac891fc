//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package capture

import (
	"errors"
	"os"
	"syscall"
)

// lock takes f for this Writer alone, until f is closed or the process ends, however it does. held says that another
// one has it. Where the file system knows no locks, nothing is taken.
func lock(f *os.File) (held bool) {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return errors.Is(err, syscall.EWOULDBLOCK)
		}
	}
}

// claim takes the unfinished file that another program may still be writing. It gives [ErrInUse] where one is; else
// release lets go of the file, and is nil where there is none.
func claim(part string) (release func(), err error) {
	f, err := os.OpenFile(part, os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return func() {}, nil // not ours: whether it can be removed will be seen
	}
	release = func() { _ = f.Close() }
	if !lock(f) {
		info, err := f.Stat()
		if err == nil && standsAt(info, part) {
			return release, nil
		}
		if _, err := os.Lstat(part); errors.Is(err, os.ErrNotExist) { // it was finished meanwhile
			release()
			return nil, nil
		}
	}
	release()
	return nil, ErrInUse
}
