package send

import (
	"errors"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// drained waits until the peer's kernel has acknowledged all that was written to c.
func drained(c *net.TCPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	for range 10_000 {
		left := 0
		if e := raw.Control(func(fd uintptr) { left, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }); e != nil || err != nil {
			return errors.Join(e, err)
		}
		if left == 0 {
			return nil
		}
		time.Sleep(10 * time.Microsecond)
	}
	return errors.New("the peer does not read")
}
