// Package har reads HTTP Archive files (HAR 1.1 and 1.2), what browsers and proxies export, as requests.
//
// A HAR is one document; it is decoded entry by entry, so that memory is bounded by its largest entry. What
// browsers write beside the specification (W3C, "HTTP Archive (HAR) format", 2012) is taken as it is meant:
// times that are null, sizes that are strings, statuses 0 and -2, versions such as "h2", "unknown" and "me:".
package har

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"trafficreplay/capture"
)

// MaxEntry bounds what one entry, or another value of the document, may take in bytes.
const MaxEntry = 64 << 20

// Reasons of a SyntaxError: why an entry is no request that reached a server.
const (
	reasonBadEntry  = "bad-entry"  // its JSON is of another shape, or it has no URL or no time
	reasonNotHTTP   = "not-http"   // data:, blob:, chrome-extension: and the like
	reasonFromCache = "from-cache" // the browser answered it itself
	reasonNotSent   = "not-sent"   // the browser blocked it, or never found or reached the server
)

// Reader gives the entries of one HAR file. It is not safe for concurrent use.
type Reader struct {
	name    string // for errors
	base    []byte // of the name: it stands in Src and for the client, since one person's browser made a HAR
	in      *meter
	d       *json.Decoder
	entries int64
	started bool
	err     error // sticky

	conns map[string]int64 // ordinals of connections
	src   []byte
	e     entry
}

// Recognise reports whether a document that begins with head is a HAR.
func Recognise(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	rest, ok := bytes.CutPrefix(head, []byte("{"))
	if !ok {
		return false
	}
	if rest, ok = bytes.CutPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(`"log"`)); !ok {
		return false
	}
	rest, ok = bytes.CutPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(":"))
	rest = bytes.TrimLeft(rest, " \t\r\n")
	if !ok || len(rest) == 0 || rest[0] != '{' {
		return false
	}
	for _, key := range []string{`"version"`, `"creator"`, `"browser"`, `"pages"`, `"entries"`, `"comment"`} {
		if bytes.HasPrefix(bytes.TrimLeft(rest[1:], " \t\r\n"), []byte(key)) {
			return true
		}
	}
	return false
}

// NewReader reads the HAR that r holds. name is what errors call it.
func NewReader(r io.Reader, name string) *Reader {
	in := &meter{r: r}
	return &Reader{name: name, base: []byte(filepath.Base(name)), in: in, d: json.NewDecoder(in), conns: map[string]int64{}}
}

// Entries is how many entries were read so far, those among them that are no requests too.
func (r *Reader) Entries() int64 { return r.entries }

// Next reads the next entry, in the order of the file, into q, whose slices stay valid until the next call. A
// [*capture.SyntaxError] is about one entry, and reading goes on behind it; io.EOF is the end; any other error
// names the file and the place, and Next returns it for ever.
func (r *Reader) Next(q *capture.Request) error {
	if r.err != nil {
		return r.err
	}
	err := r.next(q)
	if _, ok := errors.AsType[*capture.SyntaxError](err); err == nil || ok {
		return err
	}
	if r.err = err; err != io.EOF {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("the file ends in the middle: %w", io.ErrUnexpectedEOF)
		}
		r.err = fmt.Errorf("%s: byte %d (entry %d): %w", r.name, r.d.InputOffset(), r.entries, err)
	}
	return r.err
}

func (r *Reader) next(q *capture.Request) error {
	if !r.started {
		r.started = true
		if err := r.toEntries(); err != nil {
			return err
		}
	}
	r.in.budget = MaxEntry
	if !r.d.More() {
		return r.toEnd()
	}
	r.entries++
	r.e = entry{}
	err := r.d.Decode(&r.e)
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return &capture.SyntaxError{Reason: reasonBadEntry, Part: []byte(err.Error())}
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	q.Reset()
	if err := r.e.request(q, r); err != nil {
		return err
	}
	r.src = strconv.AppendInt(append(append(r.src[:0], r.base...), ':'), r.entries, 10)
	q.Src = r.src
	return nil
}

// toEntries reads up to the first entry.
func (r *Reader) toEntries() error {
	for _, key := range []string{"log", "entries"} {
		if err := r.toMember(key); err != nil {
			return err
		}
	}
	return r.delim('[')
}

// toMember reads the beginning of an object, up to the value of key.
func (r *Reader) toMember(key string) error {
	if err := r.delim('{'); err != nil {
		return err
	}
	for r.d.More() {
		r.in.budget = MaxEntry
		t, err := r.d.Token()
		if err != nil {
			return err
		}
		if t == key {
			return nil
		}
		var skipped json.RawMessage
		if err := r.d.Decode(&skipped); err != nil {
			return whole(err)
		}
	}
	return fmt.Errorf("no HAR: it has no %q", key)
}

func (r *Reader) delim(want json.Delim) error {
	r.in.budget = MaxEntry
	t, err := r.d.Token()
	if err != nil {
		return whole(err)
	}
	if t != want {
		return fmt.Errorf("no HAR: got %v, want %v", t, want)
	}
	return nil
}

// toEnd reads what stands behind the entries: other members of the log, and nothing behind the document.
func (r *Reader) toEnd() error {
	if err := r.delim(']'); err != nil {
		return err
	}
	for depth := 2; depth > 0; {
		r.in.budget = MaxEntry
		t, err := r.d.Token()
		if err != nil {
			return whole(err)
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	r.in.budget = MaxEntry
	if _, err := r.d.Token(); err != io.EOF {
		return errors.Join(errors.New("something follows the document"), err)
	}
	return io.EOF
}

// whole makes the end of the input within the document an error of its own.
func whole(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// meter bounds how much is read for one value, and takes a byte order mark off.
type meter struct {
	r      io.Reader
	budget int
	begun  bool
}

func (m *meter) Read(b []byte) (int, error) {
	if m.budget <= 0 {
		return 0, fmt.Errorf("a value of more than %d MiB", MaxEntry>>20)
	}
	n, err := m.r.Read(b[:min(len(b), m.budget)])
	m.budget -= n
	if !m.begun && n > 0 {
		m.begun = true
		if rest, ok := bytes.CutPrefix(b[:n], []byte("\xef\xbb\xbf")); ok {
			n = copy(b, rest)
		}
	}
	return n, err
}
