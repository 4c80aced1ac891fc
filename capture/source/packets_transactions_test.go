package source

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"trafficreplay/capture"
)

// transaction is a request and the status of its response, as tshark tells them.
type transaction struct {
	method, target string
	status         string // empty: none
	epoch          string // of the packet with the last byte of its head
}

// TestPacketTransactions compares method, target, status and time of every request with tshark's, in the captures in which
// both count alike (see argued).
func TestPacketTransactions(t *testing.T) {
	files := packetTransactions(t)
	compared := 0
	for file, want := range files {
		name := strings.TrimPrefix(file, "pcap/")
		if _, ok := argued[name]; ok || strings.Contains(name, "tls12-") || strings.Contains(name, "tls13-") {
			continue // without its keys
		}
		t.Run(name, func(t *testing.T) {
			compared += len(want)
			var got, wants []string
			epochs := map[string]bool{}
			for _, w := range want {
				wants = append(wants, w.method+" "+w.target+" "+w.status)
				epochs[w.epoch] = true
			}
			for _, q := range requestsOf(t, filepath.Join("../../../shared/data", file)) {
				status := ""
				if q.Status > 0 {
					status = strconv.Itoa(q.Status)
				}
				got = append(got, fmt.Sprintf("%s %s %s", q.Method, q.Target, status))
				epoch := fmt.Sprintf("%d.%09d", q.At/1e9, q.At%1e9)
				backwards := strings.HasSuffix(name, "http-ooo2.pcap") // the stamps of its packets go back
				if !backwards && !epochs[epoch] && !slices.ContainsFunc(want, func(w transaction) bool { return w.epoch > epoch }) {
					t.Errorf("%s %s arrived at %s, behind every request that tshark saw", q.Method, q.Target, epoch)
				}
			}
			slices.Sort(got)
			slices.Sort(wants)
			if !slices.Equal(got, wants) {
				t.Errorf("got  %q\nwant %q", got, wants)
			}
		})
	}
	if compared < 300 {
		t.Errorf("%d transactions were compared, which is too few to mean anything", compared)
	}
}

// packetTransactions are tshark's, by file. Targets in absolute form are cut to their origin form.
func packetTransactions(t *testing.T) map[string][]transaction {
	t.Helper()
	file, err := os.Open("../../../shared/data/truth/http_transactions.tsv")
	if err != nil {
		t.Skip("no real packet captures here:", err)
	}
	defer func() { _ = file.Close() }()
	r := csv.NewReader(file)
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = '\t', true, -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	statuses := map[string][]string{} // by file and number of the request's packet
	for _, row := range rows[1:] {
		in := strings.Split(row[at["request_in_frame"]], "|")
		for i, status := range strings.Split(row[at["status"]], "|") {
			if i < len(in) && in[i] != "" && (len(status) == 3 && status[0] != '1' || status == "101") {
				k := row[at["file"]] + " " + in[i]
				statuses[k] = append(statuses[k], status)
			}
		}
	}
	files := map[string][]transaction{}
	for _, row := range rows[1:] {
		if row[at["method"]] == "" {
			continue
		}
		targets := strings.Split(row[at["uri"]], "|")
		answers := statuses[row[at["file"]]+" "+row[at["frame"]]]
		for i, method := range strings.Split(row[at["method"]], "|") {
			x := transaction{method: method, target: origin(targets[i]), epoch: row[at["epoch"]]}
			if i < len(answers) {
				x.status = answers[i]
			}
			files[row[at["file"]]] = append(files[row[at["file"]]], x)
		}
	}
	return files
}

func origin(target string) string {
	if scheme, rest, ok := strings.Cut(target, "://"); ok && strings.EqualFold(scheme, "http") {
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			return rest[i:]
		}
		return "/"
	}
	return target
}

func requestsOf(t *testing.T, name string) (all []*capture.Request) {
	t.Helper()
	redactor, err := capture.NewRedactor(capture.RedactOptions{KeepSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), []string{name}, Options{Redactor: redactor})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for {
		var q capture.Request
		err := s.Next(&q)
		if err == io.EOF || errors.Is(err, ErrEmpty) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, q.Clone())
	}
}
