package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"trafficreplay/capture"
	"trafficreplay/capture/redact"
	"trafficreplay/capture/source"
)

// secretsDocument is what inspect --secrets --json prints. No part of a secret is in it.
type secretsDocument struct {
	Schema   string        `json:"schema"`
	Files    []string      `json:"files"` // that were looked through
	Requests int64         `json:"requests"`
	Lines    int64         `json:"lines"`  // of files that hold no requests
	Binary   int64         `json:"binary"` // lines of these, and bodies, that are no text or cannot be decoded
	Found    int64         `json:"found"`
	Classes  []secretClass `json:"classes"` // the most frequent first
}

type secretClass struct {
	Class  string        `json:"class"`
	Found  int64         `json:"found"`
	Places []secretPlace `json:"places"` // the first three
}

type secretPlace struct {
	File    string `json:"file"`
	Line    int64  `json:"line,omitempty"`    // of a text
	Request int64  `json:"request,omitempty"` // of a capture, from 1; neither: the capture's ledger
	Src     string `json:"src,omitempty"`     // where the request came from
	Field   string `json:"field,omitempty"`
	Masked  string `json:"masked"`
}

func (p *secretPlace) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	switch {
	case p.Request > 0:
		fmt.Fprintf(&b, ": request %s", thousands(p.Request))
		if p.Src != "" {
			fmt.Fprintf(&b, " (%s)", clipped(p.Src))
		}
	case p.Line > 0:
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Field != "" {
		fmt.Fprintf(&b, ": %s", clipped(p.Field))
	}
	return b.String() + ": " + p.Masked
}

const (
	shownPlaces = 3
	maxFields   = 100     // that are told apart
	maxPiece    = 1 << 20 // bytes of a text that are looked at as one line
)

// scanner looks through files for secrets.
type scanner struct {
	audit *redact.Auditor
	into  capture.Contents
	doc   secretsDocument
	by    map[string]*secretClass
	field map[string]int64 // found in each field
	at    secretPlace      // where it is
}

func newScanner(rules *redact.Rules) *scanner {
	return &scanner{
		audit: redact.NewAuditor(rules), by: map[string]*secretClass{}, field: map[string]int64{},
		doc: secretsDocument{Schema: "replay.secrets/1", Files: []string{}},
	}
}

// secrets looks through a file, or through all files of a folder, and ends with exit 1 where something was found.
func (a *app) secrets(ctx context.Context, path, ruleFile string) error {
	ctx, cancel := a.interruptible(ctx)
	defer cancel()
	rules, err := readRules(ruleFile)
	if err != nil {
		return err
	}
	files, err := filesBelow(path)
	if err != nil {
		return err
	}
	s := newScanner(rules)
	s.doc.Files = files
	var bad error
	for _, f := range files {
		s.at = secretPlace{File: f}
		err := s.file(ctx, f, a.stdin, func() {
			a.term.statusf("  %s: %s requests, %s lines, %s found", f, thousands(s.doc.Requests), thousands(s.doc.Lines), thousands(s.doc.Found))
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		bad = errors.Join(bad, err)
	}
	a.term.done()
	s.finish()
	if a.json {
		err = a.printJSON(&s.doc)
	} else {
		err = writeSecretsText(a.term, path, &s.doc)
	}
	switch {
	case err != nil || bad != nil:
		return errors.Join(err, bad)
	case s.doc.Found > 0:
		return &exit{exitTrouble, fmt.Errorf("%s: %s like a secret or personal data", path, looks(s.doc.Found)), nil}
	}
	return nil
}

func looks(n int64) string {
	if n == 1 {
		return "1 value looks"
	}
	return thousands(n) + " values look"
}

// filesBelow is path itself, or the regular files of the folder that it is.
func filesBelow(path string) ([]string, error) {
	if path == "-" {
		return []string{path}, nil
	}
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	files := []string{}
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, name)
		}
		return err
	})
	return files, err
}

// file looks through one file. progress is called now and then.
func (s *scanner) file(ctx context.Context, path string, stdin io.Reader, progress func()) error {
	if path != "-" {
		r, err := capture.Open(path)
		if err == nil {
			return errors.Join(s.capture(ctx, path, r, progress), r.Close())
		}
		if bad, ok := errors.AsType[*capture.FormatError](err); !ok || errors.Is(bad, capture.ErrTorn) || errors.Is(bad, capture.ErrVersion) {
			return err
		}
	}
	in, err := source.Plain(path, stdin)
	if err != nil {
		return err
	}
	return errors.Join(s.text(ctx, path, in, progress), in.Close())
}

// capture looks through a capture file as far as it is sound: what is torn off cannot be read by anybody.
func (s *scanner) capture(ctx context.Context, path string, r *capture.Reader, progress func()) error {
	var q capture.Request
	for n := int64(1); ; n++ {
		if n&(1<<14-1) == 0 {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			progress()
		}
		err := r.Next(&q)
		if err == io.EOF || errors.Is(err, capture.ErrTorn) {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		s.doc.Requests++
		s.at.Request = n
		s.request(&q)
	}
	s.at = secretPlace{File: path}
	if m, ok := r.Meta(); ok {
		for i := range m.Sources {
			s.found("ledger", s.audit.Body([]byte(m.Sources[i].Name), nil), nil)
			for _, e := range m.Sources[i].Examples {
				s.found("ledger", s.audit.Body([]byte(e.Part), nil), nil)
			}
		}
	}
	return nil
}

// request looks through one request. Host and method are kept as they are by the rules, so they are not looked at.
func (s *scanner) request(q *capture.Request) {
	src := q.Src
	if !capture.IsPseudonym(q.Client) {
		s.found("client", s.audit.Body(q.Client, nil), src)
	}
	s.found("target", s.audit.Target(q.Target), src)
	s.headers("", q.Headers, src)
	s.headers("response ", q.RespHeaders, src)
	s.headers("trailer ", q.Trailers, src)
	s.body("body", q.Headers, q.Body, src)
	s.body("response body", q.RespHeaders, q.RespBody, src)
	for i := range q.Messages {
		s.readable(s.into.RewriteMessage(q, i, s.look("message", src)))
	}
}

func (s *scanner) headers(prefix string, hs []capture.Header, src []byte) {
	for i := range hs {
		if finds := s.audit.Header(hs[i].Name, hs[i].Value); len(finds) > 0 {
			s.found(prefix+"header "+string(hs[i].Name), finds, src)
		}
	}
}

// body looks through a body as it was before its codings.
func (s *scanner) body(field string, hs []capture.Header, b, src []byte) {
	s.readable(s.into.Rewrite(hs, b, s.look(field, src)))
}

// look looks through the parts of a body.
func (s *scanner) look(field string, src []byte) func(part, contentType []byte) []byte {
	return func(part, contentType []byte) []byte {
		if redact.Binary(part) {
			s.doc.Binary++
		}
		s.found(field, s.audit.Body(part, contentType), src)
		return part
	}
}

// readable counts what cannot be read.
func (s *scanner) readable(_ []byte, ok bool) {
	if !ok {
		s.doc.Binary++
	}
}

// text looks through the lines of anything else; lines of our own NDJSON are requests.
func (s *scanner) text(ctx context.Context, path string, in io.Reader, progress func()) error {
	buf := make([]byte, 0, maxPiece)
	var q capture.Request
	line := int64(1)
	for {
		n, err := in.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if ctx.Err() != nil {
			return ctx.Err()
		}
		rest := buf
		for len(rest) > 0 {
			end := bytes.IndexByte(rest, '\n') + 1
			if end == 0 && err == nil && len(buf) < cap(buf) {
				break // the line goes on
			}
			whole := end > 0
			if !whole && err == nil {
				end = pieceEnd(rest)
			} else if !whole {
				end = len(rest)
			}
			s.at.Line, s.at.Request = line, 0
			s.line(rest[:end], &q)
			rest = rest[end:]
			if whole {
				line++
			}
			if !whole && err == nil {
				break
			}
		}
		buf = buf[:copy(buf[:cap(buf)], rest)]
		progress()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: line %d: %w", path, line, err)
		}
	}
}

// pieceEnd parts a line that is too long where no value is parted, if it has such a place in its last half.
func pieceEnd(b []byte) int {
	if i := bytes.LastIndexAny(b, " \t,;&<>\"'"); i > len(b)/2 {
		return i + 1
	}
	return len(b)
}

func (s *scanner) line(b []byte, q *capture.Request) {
	b = bytes.TrimRight(b, "\r\n")
	if len(b) == 0 {
		return
	}
	if b[0] == '{' && capture.ParseJSON(bytes.Clone(b), q) == nil && len(q.Target) > 0 {
		s.doc.Requests++
		s.request(q)
		return
	}
	s.doc.Lines++
	if redact.Binary(b) {
		s.doc.Binary++
	}
	if bytes.Contains(b, []byte("&#")) || bytes.Contains(b, []byte("&amp;")) {
		b = []byte(html.UnescapeString(string(b))) // as our reports spell + and '
	}
	s.found("", s.audit.Body(b, nil), nil)
}

// found counts what was found in a field.
func (s *scanner) found(field string, finds []redact.Find, src []byte) {
	for _, f := range finds {
		c := s.by[f.Class]
		if c == nil {
			c = &secretClass{Class: f.Class, Places: []secretPlace{}}
			s.by[f.Class] = c
		}
		c.Found++
		s.doc.Found++
		if _, ok := s.field[field]; !ok && len(s.field) == maxFields {
			field = "other fields"
		}
		s.field[field]++
		if len(c.Places) < shownPlaces {
			p := s.at
			p.Field, p.Masked, p.Src = field, f.Masked, string(src)
			c.Places = append(c.Places, p)
		}
	}
}

func (s *scanner) finish() {
	s.doc.Classes = []secretClass{}
	for _, c := range s.by {
		s.doc.Classes = append(s.doc.Classes, *c)
	}
	slices.SortFunc(s.doc.Classes, func(a, b secretClass) int {
		return cmp.Or(cmp.Compare(b.Found, a.Found), strings.Compare(a.Class, b.Class))
	})
}

func writeSecretsText(t *terminal, path string, d *secretsDocument) error {
	p := t.printer()
	what := counted(int64(len(d.Files)), "file") + ", " + counted(d.Requests, "request") + ", " + counted(d.Lines, "line")
	p.linef("%s: %s: %s like a secret or personal data", path, what, looks(d.Found))
	for _, c := range d.Classes {
		p.linef("%11s  %s", thousands(c.Found), c.Class)
		for i := range c.Places {
			p.linef("             %s", &c.Places[i])
		}
	}
	if d.Binary > 0 {
		p.linef("  %s no text, or not to be decoded: only texts in them were looked at", counted(d.Binary, "body or line"))
	}
	return p.err
}
