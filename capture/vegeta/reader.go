package vegeta

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"trafficreplay/capture"
)

// maxLine bounds a line: the body of a target is in it.
const maxLine = 8 << 20

// Reader gives the targets or results of one file. It is not safe for concurrent use.
type Reader struct {
	name string // for errors
	base string // of the name
	in   *bufio.Reader
	kind kind

	line   []byte
	lines  int64 // read so far
	peeked bool  // line was not taken
	first  int64 // line at which the entry begins
	given  int64 // targets so far
	err    error // sticky
}

// NewReader reads the file that r holds. name is what errors call it.
func NewReader(r io.Reader, name string) *Reader {
	return &Reader{name: name, base: filepath.Base(name), in: bufio.NewReaderSize(r, 64<<10)}
}

// Number is the line at which the entry begins that Next was about.
func (r *Reader) Number() int64 { return r.first }

// Notes says what is doubtful about what was read.
func (r *Reader) Notes() []string {
	if r.kind == results {
		return []string{"results of an attack by Vegeta: times and statuses are those of its target, not of production"}
	}
	return []string{"targets hold no times: they are placed one second apart from 1970-01-01T00:00:00Z on, which says nothing of how requests arrive; replay run --speed 100x sends 100 a second, each once, --rate 100/s copies of them"}
}

// Next reads the next target or result into q, whose slices stay valid until the next call. A [*capture.SyntaxError]
// is about one of them, and reading goes on behind it; io.EOF is the end; any other error names the file and the line,
// and Next returns it for ever.
func (r *Reader) Next(q *capture.Request) error {
	if r.err != nil {
		return r.err
	}
	err := r.next(q)
	if _, ok := errors.AsType[*capture.SyntaxError](err); err == nil || ok {
		return err
	}
	if r.err = err; err != io.EOF {
		r.err = fmt.Errorf("%s: line %d: %w", r.name, r.lines+1, err)
	}
	return r.err
}

func (r *Reader) next(q *capture.Request) error {
	if r.kind == unknown {
		head, err := r.in.Peek(64 << 10)
		if err != nil && err != io.EOF {
			return err
		}
		if r.kind = recognise(head); r.kind == unknown && len(bytes.TrimSpace(head)) > 0 {
			return errors.New("no target and no result of Vegeta")
		}
	}
	for {
		err := r.readLine()
		r.first = r.lines
		if err != nil {
			return err
		}
		if len(r.line) > 0 && (r.kind != httpTargets || r.line[0] != '#') {
			break
		}
	}
	q.Reset()
	var err error
	switch r.kind {
	case results:
		err = r.result(q)
	case httpTargets:
		err = r.httpTarget(q)
	default:
		err = r.jsonTarget(q)
	}
	if err != nil {
		return err
	}
	q.Src = strconv.AppendInt([]byte(r.base+":"), r.first, 10)
	return q.CheckLimits()
}

// readLine reads a line into r.line, without blanks around it.
func (r *Reader) readLine() error {
	if r.peeked {
		r.peeked = false
		return nil
	}
	r.line = r.line[:0]
	long := false
	for {
		part, err := r.in.ReadSlice('\n')
		if long = long || len(r.line)+len(part) > maxLine; !long {
			r.line = append(r.line, part...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil && (err != io.EOF || len(r.line) == 0 && !long) {
			return err
		}
		break
	}
	if r.lines++; r.lines == 1 {
		r.line = bytes.TrimPrefix(r.line, []byte("\xef\xbb\xbf"))
	}
	if long {
		part := bytes.Clone(r.line[:min(len(r.line), 80)])
		r.first, r.line = r.lines, r.line[:0]
		return &capture.SyntaxError{Reason: capture.ReasonTooLong, Part: part, Msg: "a line above 8 MiB"}
	}
	r.line = bytes.TrimSpace(r.line)
	return nil
}

func (r *Reader) bad(msg string) error {
	return &capture.SyntaxError{Reason: reasonBadTarget, Part: bytes.Clone(r.line[:min(len(r.line), 120)]), Msg: msg}
}

// place gives a target its arrival.
func (r *Reader) place(q *capture.Request) {
	q.At = r.given * int64(time.Second)
	r.given++
}

// address fills what the URL says, as Vegeta's client takes it apart.
func (r *Reader) address(q *capture.Request, method, address string) error {
	if method == "" || address == "" {
		return r.bad("no method or no url")
	}
	if !isURL(address) {
		return &capture.SyntaxError{Reason: reasonNotHTTP, Part: []byte(address)}
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || strings.ContainsAny(method, " \t\r\n") {
		return r.bad("bad method or url")
	}
	q.Method, q.Scheme, q.Host = []byte(method), []byte(strings.ToLower(u.Scheme)), []byte(strings.ToLower(u.Host))
	if q.Target = visible(u.RequestURI()); q.Target[0] != '/' {
		return r.bad("bad url")
	}
	return nil
}

// visible encodes the bytes that cannot stand in a request line.
func visible(target string) []byte {
	b := make([]byte, 0, len(target))
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c >= 0x7f {
			b = fmt.Appendf(b, "%%%02X", c)
		} else {
			b = append(b, c)
		}
	}
	return b
}

// sent fills what a target sends besides.
func sent(q *capture.Request, header fields, body []byte) {
	q.Headers = header.appendTo(q.Headers)
	for _, h := range q.Headers {
		if string(h.Name) == "Host" && len(h.Value) > 0 {
			q.Host = h.Value
		}
	}
	q.Body, q.BodySize = body[:min(len(body), capture.MaxBody)], int64(len(body))
}

func (r *Reader) jsonTarget(q *capture.Request) error {
	var t struct {
		Method string `json:"method"`
		URL    string `json:"url"`
		Body   []byte `json:"body"`
		Header fields `json:"header"`
	}
	if err := json.Unmarshal(r.line, &t); err != nil {
		return r.bad(err.Error())
	}
	if err := r.address(q, t.Method, t.URL); err != nil {
		return err
	}
	sent(q, t.Header, t.Body)
	r.place(q)
	return nil
}

// httpTarget reads a target of the http format: its first line is there. What is bad about it does not keep its
// other lines from being read.
func (r *Reader) httpTarget(q *capture.Request) error {
	method, address, _ := strings.Cut(string(r.line), " ")
	bad := r.address(q, method, strings.TrimSpace(address))
	if bad == nil && !isMethod(q.Method) {
		bad = r.bad("bad method")
	}
	var header fields
	for n := 0; ; n++ {
		err := r.readLine()
		if _, long := errors.AsType[*capture.SyntaxError](err); long {
			bad = err
			continue
		}
		if err == io.EOF || err == nil && len(r.line) == 0 {
			break
		}
		if err != nil {
			return err
		}
		if method, _, ok := strings.Cut(string(r.line), " "); n == 0 && ok && isMethod([]byte(method)) {
			r.peeked = true // the next target: only headers have to end with an empty line
			break
		}
		if r.line[0] == '@' {
			bad = &capture.SyntaxError{Reason: reasonBodyFile, Part: bytes.Clone(r.line), Msg: "no file is opened"}
			break
		}
		name, value, _ := strings.Cut(string(r.line), ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case r.line[0] == '#':
		case name == "" || value == "":
			bad = r.bad("bad header")
		default:
			header = header.add(name, value)
		}
	}
	if bad != nil {
		return bad
	}
	sent(q, header, nil)
	r.place(q)
	return nil
}

func (r *Reader) result(q *capture.Request) error {
	var t struct {
		Code      int       `json:"code"`
		Timestamp time.Time `json:"timestamp"`
		Latency   int64     `json:"latency"` // ns
		BytesOut  int64     `json:"bytes_out"`
		BytesIn   int64     `json:"bytes_in"`
		Body      []byte    `json:"body"`
		Method    string    `json:"method"`
		URL       string    `json:"url"`
		Headers   fields    `json:"headers"`
	}
	if err := json.Unmarshal(r.line, &t); err != nil {
		return r.bad(err.Error())
	}
	if err := r.address(q, t.Method, t.URL); err != nil {
		return err
	}
	if y := t.Timestamp.Year(); y < 1678 || y > 2261 || t.Code < 0 || t.Latency < 0 || t.BytesOut < 0 || t.BytesIn < 0 {
		return r.bad("a number out of range")
	}
	q.At, q.BodySize = t.Timestamp.UnixNano(), t.BytesOut
	if t.Code == 0 { // no response, or none in time
		return nil
	}
	q.Status, q.DurUS, q.RespSize = t.Code, t.Latency/1000, t.BytesIn
	q.RespHeaders = t.Headers.appendTo(q.RespHeaders)
	q.RespBody = t.Body[:min(len(t.Body), capture.MaxBody)]
	return nil
}
