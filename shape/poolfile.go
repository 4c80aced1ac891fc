package shape

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/klauspost/compress/zstd"

	"trafficreplay/capture"
)

// poolSchema names the version of the pool file: lines of JSON in zstd. The first line is a poolHeader;
// then, for each session, a poolSession and its requests as lines of a capture file, whose at is the
// offset from the epoch and whose src is the index of its endpoint in the header.
const poolSchema = "replay.pool/1"

// Limits of a pool file.
const (
	maxPoolBytes = 4 << 30 // after decompression
	maxPoolLine  = capture.MaxRecord + 1
)

type poolHeader struct {
	Schema    string   `json:"schema"`
	Endpoints []string `json:"endpoints"`
	Sessions  int      `json:"sessions"`
	Requests  int      `json:"requests"`
}

type poolSession struct {
	Start    int64  `json:"start_ns"`
	Client   uint64 `json:"client"`
	Requests int    `json:"requests"`
}

// writePool writes the pool file and gives its SHA-256 in hex. The same pool gives the same bytes.
func writePool(path string, p *Pool, endpoints []Endpoint) (digest string, err error) {
	sum := sha256.New()
	err = replaceFile(path, func(f io.Writer) error {
		z, err := zstd.NewWriter(io.MultiWriter(f, sum), zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault))
		if err != nil {
			return err
		}
		w := bufio.NewWriterSize(z, 1<<16)
		if err := encodePool(w, p, endpoints); err != nil {
			return err
		}
		return errors.Join(w.Flush(), z.Close())
	})
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func encodePool(w *bufio.Writer, p *Pool, endpoints []Endpoint) error {
	h := poolHeader{Schema: poolSchema, Sessions: len(p.Sessions), Requests: p.Requests()}
	for i := range endpoints {
		h.Endpoints = append(h.Endpoints, endpoints[i].ID)
	}
	if err := writeJSON(w, h); err != nil {
		return err
	}
	var line []byte
	for i := range p.Sessions {
		s := &p.Sessions[i]
		if err := writeJSON(w, poolSession{s.Start, s.Client, len(s.Requests)}); err != nil {
			return err
		}
		for _, r := range s.Requests {
			q := *r.Request
			q.At = r.Offset
			q.Src = strconv.AppendUint(nil, uint64(r.Endpoint), 10)
			line = append(q.AppendJSON(line[:0]), '\n')
			if _, err := w.Write(line); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeJSON(w *bufio.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// readPool reads the pool of a workload from its folder and checks that it is the one that was written
// with it. The file must lie in the folder itself: a link that leads out of it is refused.
func readPool(folder string, w *Workload) (pool *Pool, err error) {
	name := filepath.Join(folder, w.Sessions.Pool)
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	f, err := root.Open(w.Sessions.Pool)
	if err != nil {
		return nil, fmt.Errorf("%s: sessions.pool: %w", w.Path, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if got := hexSum(sum); got != w.Sessions.PoolSHA256 {
		return nil, fmt.Errorf("%s: its SHA-256 is %s, but %s was written with %s: the two do not belong together", name, got, w.Path, w.Sessions.PoolSHA256)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	pool, err = decodePool(z, w)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return pool, nil
}

func hexSum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// poolReader reads a pool file line by line.
type poolReader struct {
	lines  *bufio.Scanner
	line   int
	places []uint32 // index in the workload of each of the header's endpoints
	draw   drawer   // shares strings
}

func decodePool(in io.Reader, w *Workload) (*Pool, error) {
	r := &poolReader{lines: bufio.NewScanner(io.LimitReader(in, maxPoolBytes)), draw: drawer{strings: map[string][]byte{}}}
	r.lines.Buffer(make([]byte, 1<<16), maxPoolLine)
	n, err := r.header(w)
	if err != nil {
		return nil, err
	}
	p := &Pool{}
	for range n {
		s, err := r.session()
		if err != nil {
			return nil, err
		}
		if k := len(p.Sessions); k > 0 && s.Start < p.Sessions[k-1].Start || s.Start < 0 || s.Start >= w.WindowNS() {
			return nil, fmt.Errorf("line %d: session at %d ns is out of order or of the window", r.line, s.Start)
		}
		p.Sessions = append(p.Sessions, s)
	}
	if r.lines.Scan() {
		return nil, fmt.Errorf("line %d: more than the %d sessions of the header", r.line+1, n)
	}
	return p, r.lines.Err()
}

func (r *poolReader) next() ([]byte, error) {
	if !r.lines.Scan() {
		if err := r.lines.Err(); err != nil {
			return nil, fmt.Errorf("line %d: %w", r.line+1, err)
		}
		return nil, fmt.Errorf("line %d: %w", r.line+1, io.ErrUnexpectedEOF)
	}
	r.line++
	return r.lines.Bytes(), nil
}

func (r *poolReader) json(v any) error {
	line, err := r.next()
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("line %d: %w", r.line, err)
	}
	return nil
}

func (r *poolReader) header(w *Workload) (sessions int, err error) {
	var h poolHeader
	if err := r.json(&h); err != nil {
		return 0, err
	}
	if h.Schema != poolSchema {
		return 0, fmt.Errorf("line 1: schema %q: this build reads %s", h.Schema, poolSchema)
	}
	index := map[string]int{}
	for i := range w.Endpoints {
		index[w.Endpoints[i].ID] = i
	}
	for _, id := range h.Endpoints {
		i, ok := index[id]
		if !ok {
			return 0, fmt.Errorf("line 1: holds requests of %q, which %s no longer has; fit the workload again", id, w.Path)
		}
		r.places = append(r.places, uint32(i))
	}
	return h.Sessions, nil
}

func (r *poolReader) session() (Session, error) {
	var head poolSession
	if err := r.json(&head); err != nil {
		return Session{}, err
	}
	s := Session{Start: head.Start, Client: head.Client}
	var q capture.Request
	for range head.Requests {
		line, err := r.next()
		if err != nil {
			return s, err
		}
		if err := capture.ParseJSON(line, &q); err != nil {
			return s, fmt.Errorf("line %d: %w", r.line, err)
		}
		i, err := strconv.ParseUint(string(q.Src), 10, 32)
		if err != nil || i >= uint64(len(r.places)) {
			return s, fmt.Errorf("line %d: src %q is no endpoint", r.line, q.Src)
		}
		if k := len(s.Requests); q.At < 0 || k > 0 && q.At < s.Requests[k-1].Offset {
			return s, fmt.Errorf("line %d: offset %d ns is out of order", r.line, q.At)
		}
		s.Requests = append(s.Requests, PoolRequest{q.At, r.places[i], r.draw.keep(&q)})
	}
	return s, nil
}
