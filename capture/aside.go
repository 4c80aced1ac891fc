package capture

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Asides are the new names of what stood in the way and may be all there is of some traffic: what a killed live
// capture left, and a live capture that was stopped.
func (w *Writer) Asides() []string { return w.asides }

// clearPart makes room for an unfinished file: it removes what a killed program left, unless that is a live capture
// with requests, which may be all there is of them. The error is [ErrInUse] where the program still lives.
func clearPart(path string) (asides []string, err error) {
	part := path + ".part"
	release, err := claim(part)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := os.Remove(sortedPart(path)); err != nil && !errors.Is(err, os.ErrNotExist) { // of a killed CloseSorted
		return nil, err
	}
	if release == nil {
		return nil, nil
	}
	defer release()
	if holdsLive(part) {
		aside, err := setAside(path, ".part")
		return []string{aside}, err
	}
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return nil, nil
}

// holdsLive reports whether there is a live capture file at path that holds requests.
func holdsLive(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	r, err := NewReader(f)
	if err != nil {
		return false
	}
	defer r.Close()
	return r.header.Live && r.read(new(Request)) == nil
}

// suffix is how the names of capture files end.
const suffix = ".cap.zst"

// setAside renames path+end to a name that is not taken, NAME.kept-N.cap.zst+end, and gives it.
func setAside(path, end string) (string, error) {
	name, ok := strings.CutSuffix(path, suffix)
	if ok {
		end = suffix + end
	}
	for n := 1; ; n++ {
		aside := fmt.Sprintf("%s.kept-%d%s", name, n, end)
		if _, err := os.Lstat(aside); err == nil {
			continue
		}
		return aside, os.Rename(path+strings.TrimPrefix(end, suffix), aside)
	}
}

// isStopped reports whether there is a finished capture file at path that its user stopped while its source went on,
// so that nobody can make it again.
func isStopped(path string) bool {
	r, err := Open(path)
	if err != nil {
		return false
	}
	defer r.Close()
	m, ok := r.Meta()
	return ok && m.Stopped
}
