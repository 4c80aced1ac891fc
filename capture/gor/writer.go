package gor

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"trafficreplay/capture"
)

// Writer writes requests and their responses as a GoReplay file, in the form of its versions from 1.1 on. It is not
// safe for concurrent use.
type Writer struct {
	out     *bufio.Writer
	losses  capture.Losses
	payload []byte
	number  int64    // of requests written
	lacks   []string // what the payload at hand lacks
}

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{out: bufio.NewWriterSize(w, 64<<10)} }

// Write writes one request, or counts it as left out.
func (w *Writer) Write(q *capture.Request) error {
	switch {
	case !capture.IsToken(q.Method):
		w.losses.LeaveOut("no method")
		return nil
	case len(q.Target) == 0 || bytes.ContainsAny(q.Target, " \t\r\n\x00"):
		w.losses.LeaveOut("bad target")
		return nil
	case q.At < 0:
		w.losses.LeaveOut("arrival before 1970")
		return nil
	}
	w.payload = w.request(w.payload[:0], q)
	if bytes.Contains(w.payload, separator) {
		w.losses.LeaveOut("GoReplay's separator within")
		w.lacks = w.lacks[:0]
		return nil
	}
	w.number++
	w.lose(q)
	if err := w.write('1', q, q.At, 0); err != nil {
		return err
	}
	if q.Status < 100 || q.Status > 999 {
		w.losses.LoseIf(q.DurUS >= 0, "duration (there is no status)")
		return nil
	}
	w.payload = w.response(w.payload[:0], q)
	if bytes.Contains(w.payload, separator) {
		w.losses.Lose("response (GoReplay's separator within)")
		w.lacks = w.lacks[:0]
		return nil
	}
	stamp, length := times(q)
	return w.write('2', q, stamp, length)
}

// times are the numbers of a response's first line: where the first byte is not known, the instant of the request and
// the length from there on, as in version 0.16; else the instant of the response and its own length. A length of -1 is
// not known.
func times(q *capture.Request) (stamp, length int64) {
	switch {
	case q.FirstUS < 0 && q.DurUS < 0:
		return q.At, -1
	case q.FirstUS < 0:
		return q.At, q.DurUS * 1000
	}
	first := max(q.FirstUS*1000, 1) // not the request's own instant
	if q.DurUS < 0 {
		return q.At + first, -1
	}
	return q.At + first, max(q.DurUS*1000-first, 0)
}

// write writes the payload with its first line. The ID tells apart the requests of several files too.
func (w *Writer) write(kind byte, q *capture.Request, stamp, length int64) error {
	line := fmt.Appendf(nil, "%c %016x%08x %d", kind, uint64(q.At), uint32(w.number), stamp)
	if length >= 0 {
		line = strconv.AppendInt(append(line, ' '), length, 10)
	}
	for _, b := range [][]byte{append(line, '\n'), w.payload, separator} {
		if _, err := w.out.Write(b); err != nil {
			return err
		}
	}
	for _, what := range w.lacks {
		w.losses.Lose(what)
	}
	w.lacks = w.lacks[:0]
	return nil
}

// lack notes what is not in the payload at hand, which may be left out yet.
func (w *Writer) lack(lost bool, what string) {
	if lost {
		w.lacks = append(w.lacks, what)
	}
}

// request appends the request as HTTP/1, with the framing of the body that is there.
func (w *Writer) request(b []byte, q *capture.Request) []byte {
	proto := version(q.Proto)
	w.lack(proto != string(q.Proto), "version of the protocol")
	b = append(append(append(append(b, q.Method...), ' '), q.Target...), ' ')
	b = append(append(b, proto...), "\r\n"...)
	host := false
	for _, h := range q.Headers {
		host = host || h.IsNamed("Host")
	}
	if !host && len(q.Host) > 0 && !bytes.ContainsAny(q.Host, "\r\n\x00") {
		b = append(append(append(b, "Host: "...), q.Host...), "\r\n"...)
	}
	w.lack(!host && len(q.Host) == 0, "host (the capture does not hold it)")
	size := noBody
	if len(q.Body) > 0 {
		size = int64(len(q.Body))
	}
	return append(w.head(b, q.Headers, size), q.Body...)
}

// version is HTTP/1.0 or HTTP/1.1.
func version(proto []byte) string {
	if string(proto) == "HTTP/1.0" {
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}

// What head does with the length where it is not told one.
const (
	noBody     = int64(-1) // one that is declared becomes 0
	asDeclared = int64(-2)
)

// head appends header fields and the line that ends them. A body's length replaces what the fields say of it, since
// chunks were taken apart and values may have been redacted.
func (w *Writer) head(b []byte, hs []capture.Header, size int64) []byte {
	sized, odd, chunked := size < 0, false, false
	for _, h := range hs {
		value := h.Value
		switch {
		case !h.IsField():
			odd = true
			continue
		case h.IsNamed("Transfer-Encoding"):
			chunked = true
			continue
		case h.IsNamed("Content-Length") && size != asDeclared:
			switch n, err := strconv.ParseUint(string(value), 10, 63); {
			case err == nil && int64(n) == max(size, 0): // as it is: 02, or once more
			case sized && size >= 0:
				continue
			default:
				value = strconv.AppendInt(nil, max(size, 0), 10)
			}
			sized = true
		}
		b = append(append(append(append(b, h.Name...), ": "...), value...), "\r\n"...)
	}
	if !sized {
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), size, 10), "\r\n"...)
	}
	w.lack(odd, "headers that no client can send")
	w.lack(chunked, "Transfer-Encoding (a Content-Length stands for it)")
	return append(b, "\r\n"...)
}

// response appends the response as HTTP/1. Content-Length is the true size, also where the body is not there: nobody
// sends a response again.
func (w *Writer) response(b []byte, q *capture.Request) []byte {
	b = append(b, version(q.Proto)...)
	b = fmt.Appendf(b, " %d %s\r\n", q.Status, http.StatusText(q.Status))
	w.lack(q.RespSize < 0, "size of the response (the capture does not hold it)")
	size := max(q.RespSize, int64(len(q.RespBody)))
	w.lack(q.RespSize >= 0 && q.RespSize < size, "size of the response as it was sent (that of its decoded body stands for it)")
	if string(q.Method) == "HEAD" || q.Status < 200 || q.Status == 204 || q.Status == 304 || q.RespSize < 0 {
		size = asDeclared
	}
	declared := slices.ContainsFunc(q.RespHeaders, func(h capture.Header) bool {
		return h.IsNamed("Content-Length") || h.IsNamed("Transfer-Encoding")
	})
	w.lack(size >= 0 && !declared, "length of the response, which was not declared (a Content-Length stands for it)")
	return append(w.head(b, q.RespHeaders, size), q.RespBody...)
}

// lose counts what no GoReplay file holds.
func (w *Writer) lose(q *capture.Request) {
	w.lack(len(q.Client) > 0, "client")
	w.lack(q.Conn > 0, "connection")
	w.lack(string(q.Scheme) == "https", "scheme https")
	w.lack(len(q.Trailers) > 0, "trailers")
	w.lack(len(q.Messages) > 0, "messages")
	w.lack(q.LacksBody(), "body, or its end (the capture does not hold it)")
	w.lack(q.RespSize > int64(len(q.RespBody)), "body of the response, or its end (the capture does not hold it)")
}

// Losses is what could not be carried so far.
func (w *Writer) Losses() *capture.Losses { return &w.losses }

// Close writes what is left. It does not close the writer that was given.
func (w *Writer) Close() error { return w.out.Flush() }
