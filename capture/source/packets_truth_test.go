package source

import (
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"trafficreplay/capture"
	"trafficreplay/capture/tlskeys"
)

// packetTruth is what tshark counts in a file.
type packetTruth struct {
	file, keys                            string
	packets, streams, requests, responses int64
	webSocket, grpc                       int64 // frames of WebSockets, messages of gRPC with the trailers of gRPC-web
}

// argued are the files in which we count otherwise than tshark, and why. docs/capture-packets.md has the same table.
var argued = map[string]struct {
	requests, responses int64
	why                 string
}{
	"zeek/erspan.pcap":                                           {22, 15, "gaps in bodies whose length is known end no response; tshark gives up on them"},
	"zeek/http/100-continue.pcap":                                {1, 1, "100 Continue is no response of its own"},
	"zeek/http/1000-requests-one-dropped-response.pcap.gz":       {1000, 999, "tshark finds no response behind the lost one"},
	"zeek/http/261/variant-09-te_obs_fold.pcap":                  {2, 0, "a folded Transfer-Encoding counts, so a second request follows"},
	"zeek/http/bro.org.pcap":                                     {31, 31, "gaps in bodies whose length is known"},
	"zeek/http/content-range-gap-skip.pcap":                      {1, 1, "a gap in a body whose length is known"},
	"zeek/http/content-range-gap.pcap":                           {1, 1, "a gap in a body whose length is known"},
	"zeek/http/entity_gap.pcap":                                  {1, 1, "a gap in a body whose length is known"},
	"zeek/http/entity_gap2.pcap":                                 {1, 1, "a gap in a body whose length is known"},
	"zeek/tunnels/gtp/gtp1_gn_normal_incl_fragmentation.pcap":    {1, 1, "a gap in a body whose length is known"},
	"zeek/http/get-to-ssh-server.pcap":                           {1, 0, "a request is one although the server speaks SSH"},
	"zeek/http/http-to-ssh.pcap":                                 {1, 0, "as above"},
	"zeek/http/http-11-request-then-cruft.pcap":                  {1, 1, "the second response answers no request: response-alone"},
	"zeek/http/http-body-match.pcap":                             {10, 10, "100 Continue is no response of its own"},
	"zeek/http/http-desync-request-response-5.pcap":              {5, 5, "two responses answer no request: response-alone"},
	"zeek/http/http-single-conn-22.pcap":                         {1, 1, "HTTP on port 22, which tshark takes for SSH"},
	"zeek/http/zeek-image-post-1080-8000-x.pcap":                 {1, 1, "HTTP on port 1080, which tshark takes for SOCKS"},
	"zeek/http/methods.pcap":                                     {9, 9, "request lines without target or version are refused; the 400s to them are response-alone"},
	"zeek/http/putty-upload.pcap":                                {2, 2, "tshark loses the POST whose body it cannot put together"},
	"zeek/http/query-method-non-standard-port.pcap":              {1, 1, "tshark 4.0 does not know the method QUERY"},
	"zeek/http/query-method.pcap":                                {1, 1, "tshark 4.0 does not know the method QUERY"},
	"zeek/http/zero-length-bodies-with-drops.pcap":               {7, 6, "tshark loses its place after a gap"},
	"zeek/mixed-vlan-mpls.pcap":                                  {1, 1, "GET / without a version (HTTP/0.9) is no request of ours"},
	"zeek/http/connect-with-smtp.pcap":                           {0, 0, "CONNECT with four words in its line"},
	"zeek/http/http-09-content-length-confusion.pcap":            {0, 0, "HTTP/0.9, and a response before any request"},
	"zeek/http/http-bad-request-with-version.pcap":               {0, 0, "the request line is none; the 400 to it is response-alone"},
	"zeek/http/no-uri.pcap":                                      {0, 0, "a request line without a target"},
	"zeek/tls/ocsp-response-only.pcap":                           {0, 0, "a response alone"},
	"zeek/tls/ssl-to-http-server.pcap":                           {0, 0, "the client speaks TLS: a 400 alone"},
	"wireshark/grpc_person_search_json_with_image.pcapng.gz":     {1, 1, "HTTP/2 on a port that tshark does not guess"},
	"wireshark/grpc_person_search_protobuf_with_image.pcapng.gz": {1, 1, "as above"},
	"wireshark/grpc_stream_reassembly_sample.pcapng.gz":          {2, 1, "as above"},
	"wireshark/grpc_web.pcapng.gz":                               {13, 13, "as above"},
	"zeek/raw_packets.pcap":                                      {0, 0, "its requests are SSDP, over UDP"},
	"wireshark/logistics_multicast.pcapng":                       {0, 0, "SSDP, over UDP"},
	"wireshark/communityid.pcap.gz":                              {0, 0, "snapped at 96 bytes, in the request line"},
	"wireshark/tls12-chacha20poly1305.pcap (with its key file)":  {7, 7, "responses until the close, which tshark does not show"},
}

// arguedStreams are the files in which we count other connections than tshark: what is inside WireGuard is encrypted, and a
// reset of a connection that was never seen opens none.
var arguedStreams = map[string]int64{"wireshark/wireguard-ping-tcp-dsb.pcapng": 0, "zeek/tcp/single-rst.pcap": 0}

func packetTruths(t *testing.T) (root string, truths []packetTruth) {
	t.Helper()
	root = "../../../shared/data"
	file, err := os.Open(filepath.Join(root, "truth/pcap.tsv"))
	if err != nil {
		t.Skip("no real packet captures here:", err)
	}
	defer func() { _ = file.Close() }()
	r := csv.NewReader(file)
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	for _, row := range rows[1:] {
		n := func(name string) int64 {
			v, _ := strconv.ParseInt(row[column[name]], 10, 64) // empty where tshark refuses the file
			return v
		}
		p := packetTruth{file: strings.TrimPrefix(row[0], "pcap/"), packets: n("packets"), streams: n("tcp_streams"),
			requests: n("http1_requests") + n("http2_requests"), responses: n("http1_responses") + n("http2_responses"),
			webSocket: n("websocket_frames"), grpc: n("grpc_messages")}
		if base, ok := strings.CutSuffix(p.file, " (with its key file)"); ok {
			stem := filepath.Join(root, "pcap/wireshark/keys", strings.SplitN(filepath.Base(base), ".", 2)[0])
			p.keys = stem + ".keys"
			if _, err := os.Stat(p.keys); err != nil {
				p.keys = stem + "_keylog.dat"
			}
		}
		truths = append(truths, p)
	}
	return root, truths
}

// TestPacketTruth counts packets, connections, requests and responses of every capture, against tshark.
func TestPacketTruth(t *testing.T) {
	root, truths := packetTruths(t)
	for _, want := range truths {
		t.Run(want.file, func(t *testing.T) {
			if base, _, _ := strings.Cut(want.file, " ("); !exists(filepath.Join(root, "pcap", base)) {
				t.Skip("no such capture here")
			}
			o := Options{}
			if want.keys != "" {
				o.Keys = readKeys(t, want.keys)
			}
			base, _, _ := strings.Cut(want.file, " (")
			s, err := Open(t.Context(), []string{filepath.Join(root, "pcap", base)}, o)
			if err == nil {
				defer func() { _ = s.Close() }()
				for err == nil {
					err = s.Next(new(capture.Request))
				}
			}
			if strings.HasSuffix(base, "test901.pcapng") {
				if err == nil || !strings.Contains(err.Error(), "byte 480") {
					t.Errorf("%v, want its damage named", err)
				}
				return
			}
			if s == nil || len(s.Ledgers()) != 1 {
				t.Fatalf("%v", err)
			}
			l := s.Ledgers()[0]
			if err := l.Balance(); err != nil {
				t.Error(err)
			}
			if a, ok := argued[want.file]; ok {
				if a.requests == want.requests && a.responses == want.responses {
					t.Errorf("argued although tshark counts the same")
				}
				want.requests, want.responses = a.requests, a.responses
			}
			if n, ok := arguedStreams[want.file]; ok {
				want.streams = n
			}
			got := want
			got.packets, got.streams, got.requests, got.responses = l.Packets, l.Streams, l.Requests, l.Responses
			if got != want {
				t.Errorf("got  %+v\nwant %+v\n%+v", got, want, l)
			}
			if errors.Is(err, ErrEmpty) != (l.Requests == 0) {
				t.Errorf("error %v with %d requests", err, l.Requests)
			}
		})
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func readKeys(t *testing.T, name string) *tlskeys.Keys {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var keys tlskeys.Keys
	if err := keys.Read(file, name); err != nil {
		t.Fatal(err)
	}
	return &keys
}
