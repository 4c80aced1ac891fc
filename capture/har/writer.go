package har

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"trafficreplay/capture"
)

// Writer writes requests as the entries of a HAR 1.2 document, one a line. What the format has no member for stands
// under names with an underscore, as the specification asks. It is not safe for concurrent use.
type Writer struct {
	out    *bufio.Writer
	losses capture.Losses
	line   bytes.Buffer
	enc    *json.Encoder
	url    []byte
	begun  bool
}

// NewWriter writes to w. version is that of this program, for the document's creator.
func NewWriter(w io.Writer, version string) *Writer {
	h := &Writer{out: bufio.NewWriterSize(w, 64<<10)}
	h.enc = json.NewEncoder(&h.line)
	h.enc.SetEscapeHTML(false)
	creator, _ := json.Marshal(version) // a string always has a form
	_, _ = fmt.Fprintf(h.out, `{"log":{"version":"1.2","creator":{"name":"replay","version":%s},"entries":[`, creator)
	return h
}

// The members that the specification requires, in its order, and ours.
type outEntry struct {
	Started    string      `json:"startedDateTime"`
	Time       ms          `json:"time"`
	Request    outRequest  `json:"request"`
	Response   outResponse `json:"response"`
	Cache      struct{}    `json:"cache"`
	Timings    outTimings  `json:"timings"`
	Connection string      `json:"connection,omitempty"`
	Client     string      `json:"_client,omitempty"`
	Messages   []outSent   `json:"_webSocketMessages,omitempty"`
}

type outRequest struct {
	Method      string    `json:"method"`
	URL         string    `json:"url"`
	Version     string    `json:"httpVersion"`
	Cookies     []outPair `json:"cookies"`
	Headers     []outPair `json:"headers"`
	Query       []outPair `json:"queryString"`
	Post        *outPost  `json:"postData,omitempty"`
	HeadersSize int64     `json:"headersSize"`
	BodySize    int64     `json:"bodySize"`
}

type outPair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type outPost struct {
	Mime     string    `json:"mimeType"`
	Params   []outPair `json:"params"`
	Text     string    `json:"text"`
	Encoding string    `json:"encoding,omitempty"`
}

type outResponse struct {
	Status      int       `json:"status"`
	Text        string    `json:"statusText"`
	Version     string    `json:"httpVersion"`
	Cookies     []outPair `json:"cookies"`
	Headers     []outPair `json:"headers"`
	Content     outText   `json:"content"`
	Redirect    string    `json:"redirectURL"`
	HeadersSize int64     `json:"headersSize"`
	BodySize    int64     `json:"bodySize"`
	Transferred *int64    `json:"_transferSize,omitempty"`
}

type outText struct {
	Size     int64  `json:"size"`
	Mime     string `json:"mimeType"`
	Text     string `json:"text,omitempty"`
	Encoding string `json:"encoding,omitempty"`
}

type outTimings struct {
	Send    ms     `json:"send"`
	Wait    ms     `json:"wait"`
	Receive ms     `json:"receive"`
	Unknown string `json:"_unknown,omitempty"` // first, total or both: what wait and receive do not say
}

// outSent is one message of a WebSocket, as Chrome writes it.
type outSent struct {
	Type   string          `json:"type"`
	Time   json.RawMessage `json:"time"`
	Opcode int             `json:"opcode"`
	Data   string          `json:"data"`
}

// ms is microseconds, written as milliseconds.
type ms int64

// MarshalJSON writes digits without an exponent.
func (m ms) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(m)/1000, 'f', -1, 64), nil
}

// Write writes one request, or counts it as left out.
func (w *Writer) Write(q *capture.Request) error {
	var encoded bool
	var why string
	if w.url, encoded, why = q.AppendURL(w.url[:0]); why == "" && !capture.IsToken(q.Method) {
		why = "no method"
	}
	if why != "" {
		w.losses.LeaveOut(why)
		return nil
	}
	w.losses.LoseIf(encoded, "raw bytes of the target (percent-encoded)")
	e := outEntry{Started: q.Time().Format(time.RFC3339Nano), Client: string(q.Client), Request: w.request(q), Response: w.response(q), Messages: w.messages(q)}
	e.times(q)
	if q.Conn > 0 {
		e.Connection = "c" + strconv.FormatInt(q.Conn, 10) // a number alone might be a port
	}
	w.lose(q)
	w.line.Reset()
	separator := ",\n"
	if !w.begun {
		w.begun, separator = true, "\n"
	}
	w.line.WriteString(separator)
	if err := w.enc.Encode(&e); err != nil {
		return err
	}
	_, err := w.out.Write(bytes.TrimSuffix(w.line.Bytes(), []byte("\n")))
	return err
}

// times writes the arrival as the instant at which sending began: there is nothing before it.
func (e *outEntry) times(q *capture.Request) {
	t := &e.Timings
	t.Wait, t.Receive = ms(max(q.FirstUS, 0)), ms(max(q.DurUS-max(q.FirstUS, 0), 0))
	switch {
	case q.Status == 0: // nothing came, and the status says so
	case q.FirstUS < 0 && q.DurUS < 0:
		t.Unknown = "both"
	case q.FirstUS < 0:
		t.Unknown, t.Wait, t.Receive = "first", ms(q.DurUS), 0
	case q.DurUS < 0:
		t.Unknown = "total"
	}
	e.Time = t.Wait + t.Receive
}

func (w *Writer) request(q *capture.Request) outRequest {
	r := outRequest{
		Method: string(q.Method), URL: string(w.url), Version: protocol(q.Proto), Cookies: []outPair{},
		Headers: w.pairs(q.Headers), Query: query(q.Target), HeadersSize: -1, BodySize: q.BodySize,
	}
	if len(q.Body) > 0 {
		p := &outPost{Mime: string(q.Header("Content-Type")), Params: []outPair{}}
		p.Text, p.Encoding = text(q.Body)
		r.Post = p
	}
	return r
}

// protocol is the version of the protocol; the specification requires one.
func protocol(proto []byte) string {
	if len(proto) == 0 {
		return "unknown"
	}
	return string(proto)
}

// text is a body as a JSON string, in base64 where it is no UTF-8.
func text(b []byte) (s, encoding string) {
	if utf8.Valid(b) {
		return string(b), ""
	}
	return base64.StdEncoding.EncodeToString(b), "base64"
}

func (w *Writer) pairs(hs []capture.Header) []outPair {
	pairs, raw := make([]outPair, 0, len(hs)), false
	for _, h := range hs {
		raw = raw || !utf8.Valid(h.Name) || !utf8.Valid(h.Value)
		pairs = append(pairs, outPair{string(h.Name), string(h.Value)})
	}
	w.losses.LoseIf(raw, "header bytes that are no UTF-8")
	return pairs
}

// query is the parameters of a target, decoded where they can be.
func query(target []byte) []outPair {
	pairs := []outPair{}
	_, all, ok := strings.Cut(string(target), "?")
	if !ok {
		return pairs
	}
	for part := range strings.SplitSeq(all, "&") {
		name, value, _ := strings.Cut(part, "=")
		pairs = append(pairs, outPair{decoded(name), decoded(value)})
	}
	return pairs
}

func decoded(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}

func (w *Writer) response(q *capture.Request) outResponse {
	r := outResponse{
		Status: q.Status, Text: http.StatusText(q.Status), Version: protocol(q.Proto), Cookies: []outPair{},
		Headers: w.pairs(q.RespHeaders), HeadersSize: -1, BodySize: q.RespSize, Content: outText{Size: q.RespSize},
	}
	encoded := false
	for i, h := range q.RespHeaders {
		switch {
		case h.IsNamed("Location"):
			r.Redirect = string(h.Value)
		case h.IsNamed("Content-Type"):
			r.Content.Mime = string(h.Value)
		case h.IsNamed("Content-Encoding"):
			encoded = true
		case h.IsNamed(decodedFrom):
			r.Headers[i].Name, r.Content.Size = "Content-Encoding", capture.Unknown
			if len(q.RespBody) > 0 {
				r.Content.Size = int64(len(q.RespBody))
			}
		}
	}
	if q.RespWire >= 0 {
		r.Transferred = &q.RespWire
	}
	if encoded { // the text and its size are those of the decoded body
		r.Content.Size = min(q.RespSize, 0)
		if q.RespSize > 0 {
			r.Content.Size = capture.Unknown
		}
		w.losses.LoseIf(len(q.RespBody) > 0, "compressed body of the response")
	} else if len(q.RespBody) > 0 {
		r.Content.Text, r.Content.Encoding = text(q.RespBody)
	}
	return r
}

// messages are those of a WebSocket.
func (w *Writer) messages(q *capture.Request) []outSent {
	var sent []outSent
	raw := false
	for _, m := range q.Messages {
		opcode := 0
		for code, name := range ops {
			if name == m.Op {
				opcode = int(code)
			}
		}
		if opcode == 0 {
			w.losses.Lose("messages that are no WebSocket's")
			return nil
		}
		raw = raw || m.Op == "text" && !utf8.Valid(m.Data)
		at := time.Unix(0, q.At+m.US*1000)
		s := outSent{Type: "receive", Opcode: opcode, Data: string(m.Data), Time: fmt.Appendf(nil, "%d.%09d", at.Unix(), at.Nanosecond())}
		if m.Dir == 'c' {
			s.Type = "send"
		}
		if m.Op != "text" {
			s.Data = base64.StdEncoding.EncodeToString(m.Data)
		}
		sent = append(sent, s)
	}
	w.losses.LoseIf(raw, "text messages that are no UTF-8")
	return sent
}

// lose counts what no HAR holds.
func (w *Writer) lose(q *capture.Request) {
	w.losses.LoseIf(len(q.Scheme) == 0, "scheme (http is assumed)")
	w.losses.LoseIf(len(q.Trailers) > 0, "trailers")
	w.losses.LoseIf(q.LacksBody(), "body, or its end (the capture does not hold it)")
	w.losses.LoseIf(q.Status != 0 && (q.FirstUS < 0 || q.DurUS < 0), "time to the first or last byte (the capture does not hold it)")
}

// Losses is what could not be carried so far.
func (w *Writer) Losses() *capture.Losses { return &w.losses }

// Close ends the document and writes what is left. It does not close the writer that was given.
func (w *Writer) Close() error {
	_, _ = w.out.WriteString("\n]}}\n") // the error is Flush's too
	return w.out.Flush()
}
