package capture

import (
	"errors"
	"os"
	"syscall"
)

// keepSize is FALLOC_FL_KEEP_SIZE: the file does not grow, the disk has room for it to.
const keepSize = 1

// reserve makes the disk keep room for n bytes of f from an offset on. ok is false where the file system does not do
// that; the error is that of a disk without so much room.
func reserve(f *os.File, offset, n int64) (ok bool, err error) {
	for {
		err = syscall.Fallocate(int(f.Fd()), keepSize, offset, n)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return true, err
	}
	return err == nil, nil
}
