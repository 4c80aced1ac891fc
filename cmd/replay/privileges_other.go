//go:build !linux

package main

// dropPrivileges has nothing to give up: only on Linux is there a capture that needs privileges.
func dropPrivileges() error { return nil }
