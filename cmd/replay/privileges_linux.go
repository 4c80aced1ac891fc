package main

import (
	"syscall"
	"unsafe"
)

// Capabilities that files need which belong to others (linux/capability.h), and what the calls name.
const (
	keptCapabilities  = 1<<0 | 1<<1 | 1<<2 | 1<<3 // CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER
	capabilityVersion = 0x20080522
	setNoNewPrivs     = 38
)

// dropPrivileges gives up, for good and in every thread, whatever root may do beyond the reach of its files: to capture,
// to change the system, to become another user.
func dropPrivileges() error {
	if _, _, errno := syscall.AllThreadsSyscall6(syscall.SYS_PRCTL, setNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	head := struct{ version, pid uint32 }{capabilityVersion, 0}
	type words [3]uint32 // effective, permitted, inheritable
	var now [2]words
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CAPGET, uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&now)), 0); errno != 0 {
		return errno
	}
	kept := [2]words{{now[0][0] & keptCapabilities, now[0][1] & keptCapabilities}}
	if _, _, errno := syscall.AllThreadsSyscall(syscall.SYS_CAPSET, uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&kept)), 0); errno != 0 {
		return errno
	}
	return nil
}
