package send

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poller waits for sockets with nanosecond timeouts.
type poller struct {
	fd     int
	coarse bool // no epoll_pwait2 (Linux before 5.11, some sandboxes): ppoll waits instead, one more system call
}

// wait blocks until something is ready or d has passed, for ever when d is negative. The kernel may sleep 0.1%
// longer than asked, so long waits are cut into ones that end early.
func (p *poller) wait(events []unix.EpollEvent, d time.Duration) (int, error) {
	if d > time.Millisecond {
		d -= d / 128
	}
	n, err := p.once(events, d)
	switch {
	case err == unix.EINTR:
		return 0, nil
	case (err == unix.ENOSYS || err == unix.EPERM) && !p.coarse:
		p.coarse = true
		return p.wait(events, d)
	}
	return n, err
}

func (p *poller) once(events []unix.EpollEvent, d time.Duration) (int, error) {
	if d == 0 {
		return unix.EpollWait(p.fd, events, 0)
	}
	ts := unix.NsecToTimespec(int64(d))
	timeout := &ts
	if d < 0 {
		timeout = nil
	}
	if p.coarse {
		fds := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
		if _, err := unix.Ppoll(fds, timeout, nil); err != nil {
			return 0, err
		}
		return unix.EpollWait(p.fd, events, 0)
	}
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)),
		uintptr(unsafe.Pointer(timeout)), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// write is send(2): it raises no SIGPIPE, takes flags, and costs less than the sendmsg that x/sys offers.
func write(fd int32, p []byte, flags int) (int, error) {
	n, _, errno := unix.Syscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
		uintptr(flags|unix.MSG_NOSIGNAL), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
