// Package gor reads and writes the files of GoReplay (github.com/buger/goreplay): recorded requests, with their
// responses where GoReplay was told to track them.
//
// A file is payloads, each with a separator behind it:
//
//	1 d7123dasd913jfd21312dasdhas31 1568139746437296000 0      type, ID, instant in ns, length in ns
//	GET / HTTP/1.1                                             HTTP/1 as it was on the wire
//	Host: shop.example
//
//	🐵🙈🙉                                                     on a line of its own
//
// Type 1 is a request, 2 its response (of the same ID), 3 the response of a server that GoReplay replayed to. HTTP is
// read by capture/wire, so that a request comes out as it would from packets. GoReplay knows neither clients nor
// connections.
//
// What the numbers of a response mean has changed: a length from the request on alone (before 0.16); the instant of
// the request and the length from there to the end of the response (0.16); the instant of the response and the length
// from the request's end to its own (1.0); the instant of the response and its own length (from 1.1 on, where requests
// have a length too). See exchange.answer.
package gor

import (
	"bytes"
	"strconv"
)

// separator stands behind each payload. A body that holds it cannot be told from the end of the payload: what follows
// is counted as bad-header.
var separator = []byte("\n🐵🙈🙉\n")

// Reasons of a SyntaxError, beside those of capture/wire: why a payload is no request.
const (
	reasonBadHeader = "bad-header"        // its first line is not "TYPE ID INSTANT"
	reasonAlone     = "response-alone"    // no request of that ID waits for it
	reasonReplayed  = "replayed-response" // of the server that GoReplay replayed to: says nothing of the recorded one
	reasonCut       = "cut"               // the file ends within the body of the request
	reasonEmpty     = "empty"             // nothing follows the first line
)

// maxHeader bounds the first line of a payload, bytes.
const maxHeader = 1 << 10

// header is the first line of a payload.
type header struct {
	kind   byte // '1', '2', '3'
	id     []byte
	stamp  int64 // ns
	length int64 // ns; -1: there is none
}

// parse takes a line apart. Fields behind the fourth, which some forks write, are left alone.
func (h *header) parse(line []byte) bool {
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) > maxHeader || len(line) < 2 || line[0] < '1' || line[0] > '3' || line[1] != ' ' {
		return false
	}
	h.kind, h.length = line[0], -1
	id, rest, ok := bytes.Cut(line[2:], []byte(" "))
	stamp, rest, more := bytes.Cut(rest, []byte(" "))
	var err error
	h.id = id
	h.stamp, err = strconv.ParseInt(string(stamp), 10, 64)
	if !ok || len(id) == 0 || err != nil || h.stamp < 0 {
		return false
	}
	if more {
		length, _, _ := bytes.Cut(rest, []byte(" "))
		if n, err := strconv.ParseInt(string(length), 10, 64); err == nil && n >= 0 {
			h.length = n
		}
	}
	return true
}

// sniff is how much of a file is enough to recognise it, bytes: the shortest payload is longer.
const sniff = 64

// Recognise reports whether a file that begins with head, of which 64 bytes are enough, is GoReplay's.
func Recognise(head []byte) bool {
	line, rest, whole := bytes.Cut(head, []byte("\n"))
	if len(line) < 2 || line[0] < '1' || line[0] > '3' || line[1] != ' ' || !whole && len(head) < sniff {
		return false
	}
	id, stamps, _ := bytes.Cut(line[2:], []byte(" "))
	for _, c := range id {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	for _, c := range stamps {
		if (c < '0' || c > '9') && c != ' ' && c != '-' && c != '\r' {
			return false
		}
	}
	if !whole {
		return len(id) >= 8
	}
	var h header
	if !h.parse(line) || len(id) < 8 {
		return false
	}
	method, _, ok := bytes.Cut(rest, []byte(" "))
	return len(rest) == 0 || bytes.HasPrefix(rest, []byte("HTTP/")) ||
		(ok || len(rest) < 16) && len(method) > 0 && len(bytes.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-")) == 0
}
