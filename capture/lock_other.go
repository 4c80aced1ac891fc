//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package capture

import "os"

// lock does nothing: Windows neither renames nor removes a file that a program has open.
func lock(*os.File) (held bool) { return false }

// claim does nothing, for the same reason.
func claim(string) (release func(), err error) { return func() {}, nil }
