package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"trafficreplay/capture"
	"trafficreplay/capture/accesslog"
	"trafficreplay/capture/source"
)

// explainDocument is what capture --explain --json prints.
type explainDocument struct {
	Schema string `json:"schema"`
	Source string `json:"source"`
	Line   int64  `json:"line"`
	accesslog.Explanation
}

// explain prints how one line of a log was understood: line counts from 1, 0 is the first request. It writes nothing
// else.
func (a *app) explain(ctx context.Context, args []string, in *inputFlags, line int64) error {
	if line < 0 {
		return usage(fmt.Errorf("--explain %d: lines count from 1", line))
	}
	o, redactor, err := in.options()
	if err != nil {
		return err
	}
	o.Stdin = a.stdin
	e, name, n, err := source.Explain(ctx, args, line, o)
	if err != nil {
		return withFormatHint(err)
	}
	if !in.keepSecrets {
		hideSecrets(&e, redactor)
	}
	if a.json {
		return a.printJSON(explainDocument{Schema: "replay.explain/1", Source: name, Line: n, Explanation: e})
	}
	return writeExplanation(a.term, name, n, &e)
}

// hideSecrets redacts an explanation as the capture file would be, but for the client's address.
func hideSecrets(e *accesslog.Explanation, r *capture.Redactor) {
	for i := range e.Values {
		v := &e.Values[i]
		raw, value := v.Raw, v.Value
		v.Raw, v.Value = hide(v.Meaning, raw, r), hide(v.Meaning, value, r)
		if v.Meaning == "" {
			v.Raw = hideNamed(v.Label, raw, r)
		}
		if v.Value != value {
			v.Raw = v.Value // a request line or escapes may hide it from the rules
		}
	}
	e.Part = r.Example([]byte(e.Part))
}

// hide is text as the redactor leaves it in the field that it is for.
func hide(meaning, text string, r *capture.Redactor) string {
	var q capture.Request
	q.Reset()
	name, isHeader := strings.CutPrefix(meaning, "header.")
	respName, isRespHeader := strings.CutPrefix(meaning, "resp_header.")
	switch {
	case isHeader:
		q.Headers = append(q.Headers, capture.Header{Name: []byte(name), Value: []byte(text)})
	case isRespHeader:
		q.RespHeaders = append(q.RespHeaders, capture.Header{Name: []byte(respName), Value: []byte(text)})
	case meaning == "target" || meaning == "path":
		q.Target = []byte(text)
	case meaning == "query":
		q.Target = []byte("/?" + text)
	case meaning == "request":
		return hideInLine(text, r)
	default:
		return r.Example([]byte(text))
	}
	r.Ensure(&q)
	for _, h := range append(q.Headers, q.RespHeaders...) {
		return string(h.Value)
	}
	return strings.TrimPrefix(string(q.Target), "/?")
}

// hideNamed redacts a value that is not used by the last part of its label, as if it were a parameter of that name.
func hideNamed(label, text string, r *capture.Redactor) string {
	name := label[strings.LastIndexByte(label, '.')+1:]
	var q capture.Request
	q.Reset()
	q.Target = []byte("/?" + url.QueryEscape(name) + "=" + url.QueryEscape(text))
	before := string(q.Target)
	r.Ensure(&q)
	if string(q.Target) == before {
		return r.Example([]byte(text))
	}
	_, hidden, _ := strings.Cut(string(q.Target), "=")
	return hidden
}

// hideInLine redacts the target of a request line.
func hideInLine(line string, r *capture.Redactor) string {
	words := strings.Split(line, " ")
	if len(words) < 2 {
		return r.Example([]byte(line))
	}
	words[1] = hide("target", words[1], r)
	return strings.Join(words, " ")
}

func writeExplanation(t *terminal, name string, n int64, e *accesslog.Explanation) error {
	p := t.printer()
	p.linef("%s:%d: %s", name, n, e.Format)
	if e.Chosen == "" {
		e.Chosen = "by its name"
	}
	p.linef("  chosen  %s", e.Chosen)
	if len(e.Rivals) > 0 {
		p.linef("  also fit  %s", strings.Join(e.Rivals, ", "))
	}
	if len(e.Wrappers) > 0 {
		p.linef("  wrapped  in %s", strings.Join(e.Wrappers, " around "))
	}
	widths := [2]int{0, len("not used")}
	for _, v := range e.Values {
		widths[0], widths[1] = max(widths[0], len(v.Label)), max(widths[1], len(v.Meaning))
	}
	for _, v := range e.Values {
		switch {
		case v.Meaning == "":
			p.linef("  %-*s  %-*s  %q", widths[0], v.Label, widths[1], "not used", v.Raw)
		case v.Value == "":
			p.linef("  %-*s  %-*s  %q -> not logged", widths[0], v.Label, widths[1], v.Meaning, v.Raw)
		case v.Value == v.Raw:
			p.linef("  %-*s  %-*s  %q", widths[0], v.Label, widths[1], v.Meaning, v.Raw)
		default:
			p.linef("  %-*s  %-*s  %q -> %s", widths[0], v.Label, widths[1], v.Meaning, v.Raw, v.Value)
		}
	}
	if e.Skipped != "" {
		p.linef("  skipped  %s: %s %q", e.Skipped, e.Message, e.Part)
	} else {
		p.linef("  arrival  %s: %s", e.Arrival, e.Why)
	}
	return p.err
}
