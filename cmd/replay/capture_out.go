package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// output is a file that a command will write, and the flag that names it.
type output struct{ flag, path string }

// checkOutputs holds every output against the sources, which reads knows.
func checkOutputs(outs []output, reads func(os.FileInfo) bool) error {
	for _, o := range outs {
		if err := o.check(reads); err != nil {
			return err
		}
	}
	return nil
}

// check refuses an output that would replace one of the sources it is made from, or something that is no
// file: the rename that publishes an output does not ask. The unfinished FILE.part is held to the same.
func (o output) check(reads func(os.FileInfo) bool) error {
	flag, path := o.flag, o.path
	if path == "" {
		return nil
	}
	if path == "-" {
		return usage(fmt.Errorf("%s -: the output is a file with a name, not standard output", flag))
	}
	for _, p := range []string{path, path + ".part"} {
		info, err := os.Stat(p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return fmt.Errorf("%s %s: %w", flag, path, cause(err))
		case reads(info):
			return usage(fmt.Errorf("%s %s: %s is one of the sources", flag, path, p))
		case info.IsDir():
			return usage(fmt.Errorf("%s %s: %s is a folder", flag, path, p))
		case !info.Mode().IsRegular():
			return usage(fmt.Errorf("%s %s: %s is not a file", flag, path, p))
		}
	}
	return nil
}

// cause is what went wrong with a file, without the system call and the name.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// sameAs reports whether a file is the one at path.
func sameAs(path string) func(os.FileInfo) bool {
	info, err := os.Stat(path)
	return func(other os.FileInfo) bool { return err == nil && os.SameFile(info, other) }
}
