package wire

import "fmt"

// Tally counts what became of the bytes of one connection or of many.
type Tally struct {
	Payload int64 // bytes given
	Message int64 // of them in recovered messages
	Gaps    int64 // bytes that were not in the capture; no part of Payload

	Requests   int64 // recovered and handed over
	Unanswered int64 // of them those whose response is not known
	Refused    int64 // requests above a limit
	Responses  int64 // paired with a request, interim ones (1xx) not counted
	Alone      int64 // responses whose request is not known
	Interim    int64 // responses 1xx, 101 not counted
	Odd        int64 // header lines without a colon or with a name that is no token

	Frames   int64 // of WebSockets
	Messages int64 // of WebSockets, control frames included
	GRPC     int64 // messages of gRPC and gRPC-web
	Pushed   int64 // requests that a server promised instead of the client
	Unkept   int64 // messages and bodies (or their ends) that are in no request: above a limit, or cut
	Unread   int64 // compressed WebSocket messages that a gap or a limit made unreadable

	Unresolved int64 // fields of HTTP/2 that were in the part of a header table that is not known; they are left out

	skipped [reasons]int64
	streams [protocols]int64
	names   map[string]int64
	unnamed int64 // connections whose server name is in names no more, since there are too many
}

// reason says where bytes went.
type reason uint8

// The reasons. The first is none: the bytes are in a recovered message.
const (
	inMessage     reason = iota
	notHTTP              // of a connection on which nothing was recognised
	midStream            // before the first message of a side that the capture entered in the middle
	afterGap             // the part of a head before a gap, and what follows a gap up to the next certain message
	incomplete           // a head that ended with its connection
	badRequest           // where a request was due: neither one nor an empty line, and all up to the next certain one
	badResponse          // the same of responses
	badFraming           // what follows a message whose length cannot be told
	http09               // requests without a version
	tooLong              // a head or request above a limit
	noMemory             // a head for which the budget had no room
	blankLine            // between messages
	responseAlone        // a response whose request is not known
	noKey                // TLS that nobody decrypted
	inTunnel             // behind a CONNECT that succeeded
	upgraded             // behind an upgrade to a protocol that is not read
	http2Control         // frames of HTTP/2 that belong to no stream, or carry nothing of its messages, and the preface
	http2Push            // promises of a server, and the responses that it pushed
	http2Stray           // frames of HTTP/2 streams whose head is not known, or that are over
	hpackUnknown         // requests whose method or path was in the part of a header table that is not known
	reasons
)

var reasonNames = [reasons]string{
	"message", "not-http", "mid-stream", "gap", "incomplete", "bad-request", "bad-response", "bad-framing", "http-0.9",
	"too-long", "no-memory", "blank-line", "response-alone", "tls-no-key", "tunnel", "upgrade", "http2-control",
	"http2-push", "http2-stray", "hpack-unknown",
}

// protocolName is what a connection carried in the end.
type protocolName uint8

const (
	protoNone protocolName = iota // nothing at all
	protoOther
	protoHTTP1
	protoHTTP2
	protoTLS
	protoTunnel
	protoWebSocket
	protoUpgrade
	protocols
)

var protocolNames = [protocols]string{"empty", "not-http", "http1", "http2", "tls-no-key", "tunnel", "websocket", "upgrade"}

// maxNames bounds the server names that are counted one by one.
const maxNames = 1000

// Skipped is how many bytes were skipped, by reason. The map belongs to the caller.
func (t *Tally) Skipped() map[string]int64 { return counted(t.skipped[1:], reasonNames[1:]) }

// Streams is how many connections there were, by what they carried in the end. The map belongs to the caller.
func (t *Tally) Streams() map[string]int64 { return counted(t.streams[:], protocolNames[:]) }

// ServerNames is how many TLS connections without a key there were, by the server name of their hello; those
// without one, and those beyond the first 1,000 names, stand under "". The map belongs to the caller.
func (t *Tally) ServerNames() map[string]int64 {
	m := map[string]int64{}
	for name, n := range t.names {
		m[name] = n
	}
	if t.unnamed > 0 {
		m[""] += t.unnamed
	}
	return m
}

func counted(ns []int64, names []string) map[string]int64 {
	m := map[string]int64{}
	for i, n := range ns {
		if n != 0 {
			m[names[i]] = n
		}
	}
	return m
}

// Balance checks the law Payload = Message + Σ Skipped and returns nil where it holds.
func (t *Tally) Balance() error {
	sum := t.Message
	for _, n := range t.skipped {
		sum += n
	}
	if sum != t.Payload {
		return fmt.Errorf("%d bytes given, %d accounted for", t.Payload, sum)
	}
	return nil
}

// Add counts what another tally counted.
func (t *Tally) Add(o *Tally) {
	for _, p := range []struct {
		to   *int64
		from int64
	}{
		{&t.Payload, o.Payload}, {&t.Message, o.Message}, {&t.Gaps, o.Gaps}, {&t.Requests, o.Requests},
		{&t.Unanswered, o.Unanswered}, {&t.Refused, o.Refused}, {&t.Responses, o.Responses}, {&t.Alone, o.Alone},
		{&t.Interim, o.Interim}, {&t.Odd, o.Odd}, {&t.Frames, o.Frames}, {&t.Messages, o.Messages},
		{&t.Unkept, o.Unkept}, {&t.Unread, o.Unread}, {&t.unnamed, o.unnamed},
		{&t.GRPC, o.GRPC}, {&t.Pushed, o.Pushed}, {&t.Unresolved, o.Unresolved},
	} {
		*p.to += p.from
	}
	for i, n := range o.skipped {
		t.skipped[i] += n
	}
	for i, n := range o.streams {
		t.streams[i] += n
	}
	for name, n := range o.names {
		t.name(name, n)
	}
}

// name counts connections of a server name.
func (t *Tally) name(name string, n int64) {
	if t.names == nil {
		t.names = map[string]int64{}
	}
	if _, ok := t.names[name]; !ok && (name == "" || len(t.names) == maxNames) {
		t.unnamed += n
		return
	}
	t.names[name] += n
}

// count says where n bytes went.
func (t *Tally) count(r reason, n int) {
	if r == inMessage {
		t.Message += int64(n)
		return
	}
	t.skipped[r] += int64(n)
}
