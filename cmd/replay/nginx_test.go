package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trafficreplay/replay"
	"trafficreplay/shape"
)

const nginxFormat = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time $msec`

// nginx starts a real nginx that answers everything with 200, and gives its URL, its log and what ends it.
func nginx(t *testing.T) (target, log string, stop func()) {
	t.Helper()
	bin, err := exec.LookPath("nginx")
	if err != nil {
		if bin = "/usr/sbin/nginx"; !isFile(bin) {
			t.Skip("nginx is not installed (Debian: nginx-light)")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	dir := t.TempDir()
	log = filepath.Join(dir, "access.log")
	conf := fmt.Sprintf(`worker_processes 1; daemon off; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 4096; }
http { log_format replay '%[2]s'; access_log %[3]s replay; keepalive_requests 1000000;
  client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  server { listen %[4]s backlog=4096; location / { return 200 "ok\n"; } } }`, dir, nginxFormat, log, address)
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "-c", path, "-e", filepath.Join(dir, "error.log"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}
	for range 200 {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			return "http://" + address, log, stop
		}
		time.Sleep(25 * time.Millisecond) // until the other process listens
	}
	stop()
	t.Fatal("nginx does not listen")
	return "", "", nil
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

// shapeOf shapes a source and gives its document.
func shapeOf(t *testing.T, args ...string) *shape.Document {
	t.Helper()
	args = append([]string{"shape", "--json", "-o", filepath.Join(t.TempDir(), "x.workload.yaml")}, args...)
	code, out, stderr := command(t, args...)
	if code != 0 {
		t.Fatalf("replay %q: exit code %d\n%s", args, code, stderr)
	}
	d := new(shape.Document)
	if err := json.Unmarshal([]byte(out), d); err != nil {
		t.Fatal(err)
	}
	return d
}

// What nginx logged is what we say that we sent, request by request; and shaped again it is the same traffic.
func TestNginxLoggedWhatWeSent(t *testing.T) {
	target, log, stop := nginx(t)
	dir := filepath.Join(t.TempDir(), "r")
	shop := filepath.Join("..", "..", "fixtures", "shop", "access.log.gz")
	code, out, stderr := command(t, "run", shop, "--target", target, "--scale", "3x", "--speed", "30x", "--threshold", "p99 < 10s", "--json", "-o", dir)
	stop()
	if code != exitOK && code != exitInvalid {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	var d replay.Document
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		t.Fatal(err)
	}
	if sendable := d.Captured - d.Unsendable - d.Withheld; d.Planned != 3*sendable || d.Planned != d.Sent+d.Dropped+d.Cancelled || d.Sent != d.OK+d.Failed {
		t.Errorf("captured %d, unsendable %d, withheld %d, planned %d, sent %d, dropped %d, ok %d, failed %d", d.Captured, d.Unsendable, d.Withheld, d.Planned, d.Sent, d.Dropped, d.OK, d.Failed)
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if n := int64(strings.Count(string(b), "\n")); n != d.Sent {
		t.Errorf("nginx logged %d requests, we sent %d", n, d.Sent)
	}
	if d.Dropped > 0 {
		t.Skipf("the machine was too busy to send everything (%d of %d dropped): nothing to compare", d.Dropped, d.Planned)
	}
	was, is := shapeOf(t, shop), shapeOf(t, log, "--log-format", nginxFormat)
	if is.Requests != d.Sent {
		t.Errorf("%d requests were shaped from nginx's log, want %d", is.Requests, d.Sent)
	}
	if tv := totalVariation(was, is, &d); tv > 0.05 {
		t.Errorf("the mix of nginx's log is %.3f off the captured one, want at most 0.05", tv)
	}
}

// totalVariation is the distance between two mixes over the endpoints that the run could send.
func totalVariation(a, b *shape.Document, d *replay.Document) float64 {
	sent := map[string]bool{}
	for _, e := range d.Endpoints {
		sent[e.ID] = e.Sent > 0
	}
	share := map[string][2]float64{}
	var sum [2]float64
	for i, doc := range []*shape.Document{a, b} {
		for _, e := range doc.Endpoints {
			if i == 1 || sent[e.ID] {
				s := share[e.ID]
				s[i] += float64(e.Requests)
				share[e.ID] = s
				sum[i] += float64(e.Requests)
			}
		}
	}
	var tv float64
	for _, s := range share {
		tv += math.Abs(s[0]/sum[0]-s[1]/sum[1]) / 2
	}
	return tv
}

// A target that nobody answers at is trouble, not a verdict.
func TestUnreachableTarget(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := command(t, "run", steadyLog(t, 10, 10, 1), "--target", "http://"+address, "-o", filepath.Join(t.TempDir(), "r"))
	if code != exitTrouble || out != "" || !strings.Contains(stderr, "refused") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, out, stderr)
	}
}
