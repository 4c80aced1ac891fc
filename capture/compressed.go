package capture

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxStreamWindow is the history that a zstd stream of somebody else's may ask for: what zstd -19 uses, times eight.
const maxStreamWindow = 64 << 20

// NewGzipReader reads gzip, member after member. It buffers r unless r is an io.ByteReader.
func NewGzipReader(r io.Reader) (io.ReadCloser, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	return z, nil
}

// NewZstdReader reads zstd, frame after frame, skippable ones left out. It starts no goroutine and keeps at most
// 64 MiB of history.
func NewZstdReader(r io.Reader) (io.ReadCloser, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxStreamWindow))
	if err != nil {
		return nil, err
	}
	return zstdStream{d.IOReadCloser()}, nil
}

type zstdStream struct{ io.ReadCloser }

func (z zstdStream) Read(b []byte) (int, error) {
	n, err := z.ReadCloser.Read(b)
	if errors.Is(err, zstd.ErrWindowSizeExceeded) {
		err = fmt.Errorf("zstd window above the limit of %d bytes", maxStreamWindow)
	}
	return n, err
}
