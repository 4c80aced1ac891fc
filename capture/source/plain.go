package source

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Plain opens the bytes of a file, decompressed where it is compressed, with the limits that sources have. "-" is
// stdin.
func Plain(path string, stdin io.Reader) (io.ReadCloser, error) {
	f := &found{path: path}
	if path != "-" {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		f.info = info
	}
	st, err := f.open(stdin)
	if err != nil {
		return nil, err
	}
	if err := st.unpack(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), st.close())
	}
	return plainStream{st}, nil
}

type plainStream struct{ st *stream }

func (p plainStream) Read(b []byte) (int, error) { return p.st.lines.r.Read(b) }
func (p plainStream) Close() error               { return p.st.close() }
