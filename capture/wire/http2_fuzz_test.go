package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"trafficreplay/capture"
)

// FuzzHTTP2 gives a connection frames of both sides, from its beginning and entered in the middle. The tally has to balance with a
// cut or a gap anywhere; a cut must change nothing; and where the framer of golang.org/x/net reads the frames of the client as well,
// the requests have to be the same.
func FuzzHTTP2(f *testing.F) {
	for _, seed := range http2Seeds() {
		f.Add([]byte(seed[0]), []byte(seed[1]), uint16(20), uint16(9))
	}
	f.Fuzz(func(t *testing.T, client, server []byte, at, n uint16) {
		twoSides(t, client, server, int(at), 0)
		twoSides(t, client, server, int(at), int(n)+1)
		settings := "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
		client, server = []byte(clientPreface+settings+string(client)), []byte(settings+string(server))
		twoSides(t, client, server, int(at), int(n)+1)
		whole, tally := twoSides(t, client, server, 0, 0)
		if tally.skipped[badFraming] > 0 {
			return
		}
		if split, _ := twoSides(t, client, server, int(at), 0); lines(split) != lines(whole) {
			t.Errorf("split at %d:\n%s\nwhole:\n%s", at, lines(split), lines(whole))
		}
		if want, ok := readFrames(client[len(clientPreface):]); ok {
			alone, _ := twoSides(t, client, nil, 0, 0)
			if got := asked(alone); !slices.Equal(got, want) {
				t.Errorf("got %q, golang.org/x/net read %q", got, want)
			}
		}
	})
}

// http2Seeds are what clients and servers send behind their settings.
func http2Seeds() [][2]string {
	var seeds [][2]string
	add := func(talk func(c, s *peer) []piece) {
		var both [2]string
		for _, p := range talk(newPeer(0), newPeer(1)) {
			both[p.side] += p.text
		}
		seeds = append(seeds, both)
	}
	add(func(c, s *peer) []piece {
		return []piece{c.get(1), c.get(3), s.headers(1, false, ":status=200"), s.data(1, true, "hi"), s.headers(3, true, ":status=404")}
	})
	add(func(c, s *peer) []piece {
		c.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: c.fields(postFields...)[:5], PadLength: 3, Priority: xhttp2.PriorityParam{Weight: 9}})
		c.WriteContinuation(1, true, c.fields(postFields...)[5:])
		c.WriteDataPadded(1, true, []byte("body"), []byte{0, 0})
		s.WritePushPromise(xhttp2.PushPromiseParam{StreamID: 1, PromiseID: 2, BlockFragment: s.fields(":method=GET", ":path=/p"), EndHeaders: true})
		return []piece{c.take(), s.headers(1, false, ":status=103"), s.take(), s.headers(1, false, ":status=200"), s.data(1, false, "x"), s.headers(1, true, "x-sum=1")}
	})
	add(func(c, s *peer) []piece {
		return []piece{c.headers(1, false, ":method=POST", ":scheme=http", ":path=/s/M", "content-type=application/grpc"), c.data(1, true, grpcText(0, "one", "two")),
			s.headers(1, false, ":status=200", "content-type=application/grpc-web-text"), s.data(1, false, "AAAAAAF4gAAAAAA="), s.reset(1), c.get(3), c.reset(3)}
	})
	return seeds
}

// asked is requests as text, sorted.
func asked(qs []*capture.Request) []string {
	var all []string
	for _, q := range qs {
		var b strings.Builder
		fmt.Fprintf(&b, "%s %s %s %q/%d", q.Method, q.Target, q.Scheme, q.Body, q.BodySize)
		for _, h := range q.Headers {
			fmt.Fprintf(&b, " %q=%q", h.Name, h.Value)
		}
		all = append(all, b.String())
	}
	slices.Sort(all)
	return all
}

// readFrames reads the requests of a client as text, sorted; ok is false where something is odd.
func readFrames(client []byte) (all []string, ok bool) {
	type open struct {
		q    capture.Request
		over bool
	}
	framer := xhttp2.NewFramer(io.Discard, bytes.NewReader(client))
	framer.ReadMetaHeaders = hpack.NewDecoder(hpackDefault, nil)
	streams, latest := map[uint32]*open{}, uint32(0)
	for {
		frame, err := framer.ReadFrame()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, false
		}
		st := streams[frame.Header().StreamID]
		switch x := frame.(type) {
		case *xhttp2.MetaHeadersFrame:
			method, path, scheme := x.PseudoValue("method"), x.PseudoValue("path"), x.PseudoValue("scheme")
			if st != nil || x.StreamID <= latest || x.StreamID%2 == 0 || x.Truncated || !isOurs(method, path, scheme, x.PseudoValue("authority")) {
				return nil, false
			}
			latest = x.StreamID
			st = &open{over: x.StreamEnded()}
			st.q.Method, st.q.Target, st.q.Scheme = []byte(method), []byte(path), []byte(scheme)
			for _, h := range x.RegularFields() {
				if h.Name == "cookie" {
					return nil, false
				}
				st.q.Headers = append(st.q.Headers, capture.Header{Name: []byte(h.Name), Value: []byte(h.Value)})
			}
			streams[x.StreamID] = st
		case *xhttp2.DataFrame:
			if st == nil || st.over {
				return nil, false
			}
			st.q.Body = append(st.q.Body, x.Data()...)
			st.q.BodySize += int64(len(x.Data()))
			st.over = x.StreamEnded()
		case *xhttp2.RSTStreamFrame, *xhttp2.PushPromiseFrame:
			return nil, false
		}
	}
	var qs []*capture.Request
	for _, st := range streams {
		qs = append(qs, &st.q)
	}
	return asked(qs), true
}

// isOurs reports whether the parts of a request can stand in one of HTTP/1 too. Others are refused here, as a bad request,
// though golang.org/x/net reads them.
func isOurs(method, path, scheme, authority string) bool {
	return isToken([]byte(method)) && len(method) <= maxMethod && isToken([]byte(scheme)) &&
		strings.HasPrefix(path, "/") && isVisible([]byte(path)) && isVisible([]byte(authority))
}
