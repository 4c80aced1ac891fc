//go:build !unix

package accesslog

import "syscall"

// Where there are no such signals, there are no such servers either: their tests skip.
const (
	apacheStop  = syscall.SIGTERM
	haproxyStop = syscall.SIGTERM
)
