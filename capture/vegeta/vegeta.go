// Package vegeta reads and writes the files of Vegeta (github.com/tsenart/vegeta, version 12): targets, in JSON and in
// its http format, and reads results, as vegeta encode prints them in JSON.
//
//	{"method":"POST","url":"https://shop.example/cart","body":"aGVsbG8=","header":{"Content-Type":["text/plain"]}}
//
//	GET https://shop.example/cart
//	Accept: */*
//
//	{"attack":"","seq":0,"code":200,"timestamp":"2026-11-23T14:00:00.5Z","latency":1234567,"bytes_out":0,"bytes_in":12,…}
//
// Targets hold no times, so they are placed one second apart from the Unix epoch on: nothing of how requests arrived
// is in such a file. Results hold those of an attack.
package vegeta

import (
	"bytes"
	"encoding/json"
	"strings"
)

// kind is what a file holds.
type kind int

const (
	unknown kind = iota
	jsonTargets
	httpTargets
	results
)

// Reasons of a SyntaxError.
const (
	reasonBadTarget = "bad-target" // no JSON of that shape, or no method, URL or header where one has to be
	reasonNotHTTP   = "not-http"   // the URL has no host, or another scheme
	reasonBodyFile  = "body-file"  // the body is in a file that the target names: no file is opened
)

// Recognise reports whether a file that begins with head is Vegeta's. A line that is longer than head is recognised by
// what there is of it.
func Recognise(head []byte) bool { return recognise(head) != unknown }

func recognise(head []byte) kind {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if bytes.HasPrefix(head, []byte("{")) {
		return recogniseJSON(head)
	}
	for len(head) > 0 {
		var line []byte
		line, head, _ = bytes.Cut(head, []byte("\n"))
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		method, url, _ := bytes.Cut(line, []byte(" "))
		if isMethod(method) && isURL(string(url)) && !bytes.ContainsAny(url, " \t") {
			return httpTargets
		}
		break
	}
	return unknown
}

// recogniseJSON looks at the keys of the first object: others than Vegeta's make it a log's line.
func recogniseJSON(head []byte) kind {
	line, _, whole := bytes.Cut(head, []byte("\n"))
	if bytes.HasPrefix(line, []byte(`{"attack":`)) && bytes.Contains(line, []byte(`,"seq":`)) && bytes.Contains(line, []byte(`,"code":`)) {
		return results
	}
	d := json.NewDecoder(bytes.NewReader(line))
	if _, err := d.Token(); err != nil {
		return unknown
	}
	method, url := false, false
	for d.More() {
		key, err := d.Token()
		if err != nil {
			break
		}
		var value any
		switch key {
		case "method", "url", "body", "header":
			err = d.Decode(&value)
		default:
			return unknown
		}
		text, _ := value.(string)
		if err == nil && (key == "method" && text == "" || key == "url" && !isURL(text)) {
			return unknown
		}
		method, url = method || key == "method" && err == nil, url || key == "url" && err == nil
		if err != nil {
			break // the head ends here
		}
	}
	if _, err := d.Token(); method && url && (err == nil || !whole) {
		return jsonTargets
	}
	return unknown
}

func isMethod(m []byte) bool {
	return len(m) > 0 && len(bytes.Trim(m, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) == 0
}

// isURL reports whether a URL has a host and a scheme that HTTP has.
func isURL(url string) bool {
	scheme, rest, ok := strings.Cut(url, "://")
	return ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")) && rest != "" && rest[0] != '/'
}
