//go:build !linux

package send

import "time"

func fineTimers() {}

func sleep(d time.Duration) { time.Sleep(d) }
