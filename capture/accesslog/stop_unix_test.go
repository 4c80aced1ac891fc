//go:build unix

package accesslog

import "syscall"

// Signals at which Apache and HAProxy finish what they have and end.
const (
	apacheStop  = syscall.SIGWINCH
	haproxyStop = syscall.SIGUSR1
)
