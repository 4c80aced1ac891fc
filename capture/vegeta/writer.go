package vegeta

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/url"
	"unicode/utf8"

	"trafficreplay/capture"
)

// Writer writes requests as Vegeta's JSON targets, one a line. It is not safe for concurrent use.
type Writer struct {
	out    *bufio.Writer
	losses capture.Losses
	line   bytes.Buffer
	enc    *json.Encoder
	url    []byte
	t      target
}

// target is a line. The keys are in Vegeta's own order.
type target struct {
	Method string `json:"method"`
	URL    string `json:"url"`
	Body   []byte `json:"body,omitempty"`
	Header fields `json:"header,omitempty"`
}

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer {
	v := &Writer{out: bufio.NewWriterSize(w, 64<<10)}
	v.enc = json.NewEncoder(&v.line)
	v.enc.SetEscapeHTML(false)
	return v
}

// Write writes one request, or counts it as left out.
func (w *Writer) Write(q *capture.Request) error {
	var encoded bool
	var why string
	if w.url, encoded, why = q.AppendURL(w.url[:0]); why == "" && !capture.IsToken(q.Method) {
		why = "no method"
	}
	u, err := url.Parse(string(w.url))
	if why == "" && err != nil {
		why = "bad percent-encoding" // the attack would end there
	}
	if why != "" {
		w.losses.LeaveOut(why)
		return nil
	}
	w.losses.LoseIf(!encoded && u.RequestURI() != string(q.Target), "spelling of the target")
	w.losses.LoseIf(encoded, "raw bytes of the target (percent-encoded)")
	w.t = target{Method: string(q.Method), URL: string(w.url), Body: q.Body, Header: w.t.Header[:0]}
	w.header(q)
	w.lose(q)
	w.line.Reset()
	if err := w.enc.Encode(&w.t); err != nil {
		return err
	}
	_, err = w.out.Write(w.line.Bytes())
	return err
}

// header takes the fields, without those that the sender makes anew of the body.
func (w *Writer) header(q *capture.Request) {
	var odd, raw bool
	for _, h := range q.Headers {
		switch {
		case h.IsNamed("Content-Length"), h.IsNamed("Transfer-Encoding"):
		case h.IsNamed("Host"):
			if !bytes.EqualFold(h.Value, q.Host) { // else the URL says it
				w.t.Header = w.t.Header.add("Host", string(h.Value))
			}
		case !h.IsField():
			odd = true
		default:
			raw = raw || !utf8.Valid(h.Value)
			w.t.Header = w.t.Header.add(string(h.Name), string(h.Value))
		}
	}
	w.losses.LoseIf(odd, "headers that no client can send")
	w.losses.LoseIf(raw, "header bytes that are no UTF-8")
	w.losses.LoseIf(len(w.t.Header) > 1, "order of headers")
}

// lose counts what no target holds.
func (w *Writer) lose(q *capture.Request) {
	w.losses.Lose("arrival")
	w.losses.LoseIf(len(q.Scheme) == 0, "scheme (http is assumed)")
	w.losses.LoseIf(len(q.Client) > 0, "client")
	w.losses.LoseIf(q.Conn > 0, "connection")
	w.losses.LoseIf(q.Status != 0 || q.DurUS >= 0, "response")
	w.losses.LoseIf(len(q.Messages) > 0, "messages")
	w.losses.LoseIf(q.LacksBody(), "body, or its end (the capture does not hold it)")
}

// Losses is what could not be carried so far.
func (w *Writer) Losses() *capture.Losses { return &w.losses }

// Close writes what is left. It does not close the writer that was given.
func (w *Writer) Close() error { return w.out.Flush() }
