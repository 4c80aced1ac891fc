package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// found is one file that the names mean.
type found struct {
	path  string // "-": standard input
	info  os.FileInfo
	named bool // by the user, alone or by a glob; else found in a folder, where other things lie too
}

// expand finds the files that names mean, each once.
func expand(names []string) (files []found, notes []string, err error) {
	for _, name := range names {
		more, left, err := expandName(name)
		if err != nil {
			return nil, nil, err
		}
		notes = append(notes, left...)
		for _, f := range more {
			if i := indexOf(files, &f); i >= 0 {
				notes = append(notes, fmt.Sprintf("%s: named twice, read once", f.path))
				files[i].named = files[i].named || f.named
				continue
			}
			files = append(files, f)
		}
	}
	return files, notes, nil
}

func indexOf(files []found, f *found) int {
	for i := range files {
		if files[i].path == f.path || files[i].info != nil && f.info != nil && os.SameFile(files[i].info, f.info) {
			return i
		}
	}
	return -1
}

func expandName(name string) (files []found, notes []string, err error) {
	if name == "-" {
		return []found{{path: "-", named: true}}, nil, nil
	}
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return walk(name)
	case err == nil:
		return []found{{name, info, true}}, nil, nil
	case !errors.Is(err, fs.ErrNotExist) || !strings.ContainsAny(name, `*?[`):
		return nil, nil, fmt.Errorf("%s: %w", name, cause(err))
	}
	matches, err := filepath.Glob(name)
	if err != nil {
		return nil, nil, fmt.Errorf("%q: %w", name, err)
	}
	for _, m := range matches {
		more, left, err := expandName(m)
		if err != nil {
			return nil, nil, err
		}
		files, notes = append(files, more...), append(notes, left...)
	}
	if len(matches) == 0 {
		err = fmt.Errorf("%q: no file matches", name)
	}
	return files, notes, err
}

// walk finds the files below a folder. Names that begin with a dot are left alone; symbolic links lead to
// files, not to folders.
func walk(folder string) (files []found, notes []string, err error) {
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != folder && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			notes = append(notes, fmt.Sprintf("%s: left out: not a file", path))
			return nil
		}
		files = append(files, found{path, info, false})
		return nil
	})
	return files, notes, err
}

// cause is what went wrong with a file, without the system call and the name.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
