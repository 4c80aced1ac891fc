package source

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"trafficreplay/capture"
)

// sentMessage is a message of a WebSocket or of gRPC.
type sentMessage struct {
	conn    int // from 1 on, connections without a message left out
	dir, op string
	length  int
}

// arguedMessages are the captures whose messages of WebSockets are others than tshark's, and why.
var arguedMessages = map[string]struct {
	messages []sentMessage
	why      string
}{
	"zeek/websocket/oversized-close-frame.pcapng": {nil, "a close frame of 258 bytes: a control frame has 125 at most (RFC 6455, section 5.5), and a peer has to fail the connection"},
}

// TestWebSocketTruth compares the messages of every capture of WebSockets with tshark's: connection, direction, kind, length
// and order.
func TestWebSocketTruth(t *testing.T) {
	root, truths := packetTruths(t)
	needTshark(t)
	files, messages := 0, 0
	for _, truth := range truths {
		if truth.webSocket == 0 {
			continue
		}
		files++
		t.Run(truth.file, func(t *testing.T) {
			name := filepath.Join(root, "pcap", truth.file)
			want, frames := webSocketMessages(t, name)
			if frames != truth.webSocket {
				t.Errorf("tshark finds %d frames, and found %d", frames, truth.webSocket)
			}
			got := kept(requestsOf(t, name), func(m capture.Message) bool { return m.Op != "grpc" })
			if a, ok := arguedMessages[truth.file]; ok {
				if slices.Equal(a.messages, want) {
					t.Error("argued although tshark finds the same")
				}
				want = a.messages
			}
			if !slices.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
			messages += len(want)
		})
	}
	t.Logf("%d messages in %d files were compared", messages, files)
	if files < 13 || messages < 200 {
		t.Error("which is too few to mean anything")
	}
}

// kept are the messages of requests that look is true of.
func kept(requests []*capture.Request, look func(capture.Message) bool) (all []sentMessage) {
	for _, q := range requests {
		for _, m := range q.Messages {
			if look(m) {
				all = append(all, sentMessage{int(q.Conn), string(m.Dir), m.Op, len(m.Data)})
			}
		}
	}
	return inOrder(all)
}

// inOrder puts messages in the order of their connections and numbers these. Those of gRPC are put in the order of their
// directions: a capture file tells them by the request, tshark by the packet.
func inOrder(all []sentMessage) []sentMessage {
	slices.SortStableFunc(all, func(a, b sentMessage) int {
		if n := a.conn - b.conn; n != 0 || a.op != "grpc" {
			return n
		}
		return strings.Compare(a.dir, b.dir)
	})
	conn, n := 0, 0
	for i := range all {
		if all[i].conn != conn {
			conn = all[i].conn
			n++
		}
		all[i].conn = n
	}
	return all
}

// webSocketMessages are tshark's, its frames joined, and the number of these.
func webSocketMessages(t *testing.T, name string) (all []sentMessage, frames int64) {
	t.Helper()
	ops := map[string]string{"1": "text", "2": "binary", "8": "close", "9": "ping", "10": "pong"}
	clients := map[string]string{} // ports, by connection
	type part struct {
		op     string
		length int
	}
	open := map[string]part{} // by connection and direction
	rows := tshark(t, name, "http.request or websocket", nil, "tcp.stream", "tcp.srcport", "http.request.method", "websocket.fin",
		"websocket.opcode", "websocket.payload_length", "websocket.payload_length_ext_16", "websocket.payload_length_ext_64")
	for _, row := range rows {
		stream, port := row[0][0], row[1][0]
		if len(row[2]) > 0 {
			clients[stream] = port
		}
		dir := "s"
		if port == clients[stream] {
			dir = "c"
		}
		for i, fin := range row[3] {
			frames++
			length := number(t, row[5][i])
			if ext := length - 126; ext >= 0 {
				length = number(t, row[6+ext][0])
				row[6+ext] = row[6+ext][1:]
			}
			op, side := row[4][i], stream+dir
			if op == "0" {
				op, length = open[side].op, open[side].length+length
			}
			if fin != "1" {
				open[side] = part{op, length}
				continue
			}
			all = append(all, sentMessage{number(t, stream) + 1, dir, ops[op], length})
		}
	}
	return inOrder(all), frames
}

// grpcCaptures are the captures with gRPC and the ports of their servers of HTTP/2, which tshark does not guess.
var grpcCaptures = map[string][]string{
	"wireshark/grpc_person_search_json_with_image.pcapng.gz":                     {"50052"},
	"wireshark/grpc_person_search_protobuf_with_image.pcapng.gz":                 {"50051"},
	"wireshark/grpc_person_search_protobuf_with_image-missing_headers.pcapng.gz": {"50051"},
	"wireshark/grpc_stream_reassembly_sample.pcapng.gz":                          {"50051", "44363"},
	"wireshark/grpc_web.pcapng.gz":                                               {"57228"},
}

// TestGRPCTruth compares the messages of every capture of gRPC with tshark's: connection, direction, length and order of a
// direction.
func TestGRPCTruth(t *testing.T) {
	root, truths := packetTruths(t)
	needTshark(t)
	for _, truth := range truths {
		if _, ok := grpcCaptures[truth.file]; !ok && truth.grpc > 0 {
			t.Errorf("%s has gRPC, and is not compared", truth.file)
		}
	}
	messages := 0
	for file, ports := range grpcCaptures {
		t.Run(file, func(t *testing.T) {
			name := filepath.Join(root, "pcap", file)
			want := grpcMessages(t, name, ports)
			got := kept(requestsOf(t, name), func(m capture.Message) bool { return m.Op == "grpc" })
			if !slices.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
			messages += len(want)
		})
	}
	t.Logf("%d messages in %d files were compared", messages, len(grpcCaptures))
	if messages < 30 {
		t.Error("which is too few to mean anything")
	}
}

// grpcMessages are tshark's. Who sends first on a connection is its client.
func grpcMessages(t *testing.T, name string, ports []string) (all []sentMessage) {
	t.Helper()
	var as []string
	for _, port := range ports {
		as = append(as, "-d", "tcp.port=="+port+",http2")
	}
	clients := map[string]string{}
	for _, row := range tshark(t, name, "grpc", as, "tcp.stream", "tcp.srcport", "grpc.message_length", "grpc.frame_type") {
		stream, port := row[0][0], row[1][0]
		if clients[stream] == "" {
			clients[stream] = port
		}
		dir := "s"
		if port == clients[stream] {
			dir = "c"
		}
		for i, length := range row[2] {
			if row[3][i] == "0" { // no trailers
				all = append(all, sentMessage{number(t, stream) + 1, dir, "grpc", number(t, length)})
			}
		}
	}
	return inOrder(all)
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func needTshark(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("no tshark here to compare with:", err)
	}
}

// tshark are the values of fields in the packets that pass a filter.
func tshark(t *testing.T, name, filter string, as []string, fields ...string) (rows [][][]string) {
	t.Helper()
	args := append([]string{"-n", "-2", "-o", "tcp.reassemble_out_of_order:TRUE", "-r", name, "-Y", filter, "-T", "fields"}, as...)
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	out, err := exec.CommandContext(t.Context(), "tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		var row [][]string
		for _, cell := range strings.Split(strings.TrimSuffix(line, "\n"), "\t") {
			var values []string
			if cell != "" {
				values = strings.Split(cell, ",")
			}
			row = append(row, values)
		}
		rows = append(rows, row)
	}
	return rows
}
