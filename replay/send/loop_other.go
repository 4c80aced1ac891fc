//go:build !linux

package send

import "errors"

// newLoop is never called: onLoop says so.
func newLoop(*run, int, *inbox) (worker, error) { return nil, errors.ErrUnsupported }
