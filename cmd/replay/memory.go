package main

import (
	"os"
	"runtime/debug"
)

// captureMemory is what a capture may take before the collector of garbage runs more often, bytes: what it holds itself is
// bounded well below.
const captureMemory = 96 << 20

// boundMemory keeps the memory of a capture within its promise, unless the environment says another bound.
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(captureMemory)
	}
}
