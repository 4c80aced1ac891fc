package source

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// nginx is a running nginx that logs what Replay shall find in the packets.
type nginx struct {
	dir  string
	addr string // where it listens
	port int
	stop func() string
}

// nginxLine is a line of its log.
type nginxLine struct {
	N       string `json:"n"` // what the generator numbered the request
	Msec    string `json:"msec"`
	Took    string `json:"took"`
	Method  string `json:"method"`
	Target  string `json:"target"`
	Proto   string `json:"proto"`
	Status  int    `json:"status"`
	Bytes   int64  `json:"bytes"` // of the response, with its head
	Conn    int64  `json:"conn"`
	Length  int64  `json:"length"` // of the request, with its head
	Started int64  `json:"-"`      // ns since the Unix epoch, from Msec and Took
}

const nginxLog = `log_format replay escape=json '{"n":"$arg_n","msec":"$msec","took":"$request_time","method":"$request_method",'
'"target":"$request_uri","proto":"$server_protocol","status":$status,"bytes":$bytes_sent,"conn":$connection,"length":$request_length}';`

// bigFile is the size of nginx's largest answer.
const bigFile = 300_000

// startNginx starts nginx on a port of its own. listen is what follows the address in its listen directive.
func startNginx(t *testing.T, ns namespace, ip, listen string) *nginx {
	t.Helper()
	s := &nginx{dir: t.TempDir(), port: freePort(t)}
	s.addr = net.JoinHostPort(ip, strconv.Itoa(s.port))
	var conf strings.Builder
	conf.WriteString("daemon off; master_process off; pid nginx.pid; error_log stderr notice;\nevents { worker_connections 512; }\nhttp {\n")
	for _, d := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&conf, "%s_temp_path %s;\n", d, d)
	}
	conf.WriteString(nginxLog + "\nclient_max_body_size 8m; keepalive_requests 100000; default_type text/plain; sendfile on;\n")
	conf.WriteString("gzip on; gzip_http_version 1.0; gzip_min_length 1; gzip_types text/plain; ssl_session_cache shared:s:1m;\n")
	fmt.Fprintf(&conf, "server { listen %s %s; access_log log replay; root %s/www; add_header X-N $arg_n always;\n", s.addr, listen, s.dir)
	if strings.Contains(listen, "ssl") {
		s.certificate(t)
		conf.WriteString("ssl_certificate cert.pem; ssl_certificate_key key.pem; ssl_protocols TLSv1.2 TLSv1.3;\n")
	}
	conf.WriteString("location /post { proxy_pass http://unix:" + s.dir + "/up.sock:; }\n")
	conf.WriteString("location /moved { return 302 /file; } location /drop { return 444; } location /small { return 200 small; } }\n")
	conf.WriteString("server { listen unix:" + s.dir + "/up.sock; access_log off; location / { return 201 made; } }\n}\n")
	s.write(t, "nginx.conf", []byte(conf.String()))
	if err := os.Mkdir(filepath.Join(s.dir, "www"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write(t, "www/file", bytes.Repeat([]byte("text that compresses\n"), 500))
	noise := make([]byte, bigFile)
	_, _ = rand.Read(noise)
	s.write(t, "www/big.png", noise)
	s.write(t, "log", nil)
	cmd := ns.command(program(t, "nginx"), "-p", s.dir, "-c", filepath.Join(s.dir, "nginx.conf"), "-e", "stderr")
	s.stop = background(t, cmd, syscall.SIGQUIT, "OS: ")
	// Its arrivals are when it is given the processor, so it comes first on a busy machine. Where it may not, it does not.
	const roundRobin = 2 // of sched_setscheduler(2)
	priority := int32(1)
	_, _, _ = syscall.Syscall(syscall.SYS_SCHED_SETSCHEDULER, uintptr(cmd.Process.Pid), roundRobin, uintptr(unsafe.Pointer(&priority)))
	return s
}

func (s *nginx) write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// certificate makes a certificate of nobody.
func (s *nginx) certificate(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"shop.example"}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	s.write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// lines ends nginx and reads its log, by the number of the request. All requests are over: it waits for their lines,
// since nginx may still be reading from clients that left.
func (s *nginx) lines(t *testing.T, requests int) map[string]nginxLine {
	t.Helper()
	var log []byte
	for range 200 {
		var err error
		if log, err = os.ReadFile(filepath.Join(s.dir, "log")); err != nil {
			t.Fatal(err)
		}
		if bytes.Count(log, []byte("\n")) == requests {
			break
		}
		time.Sleep(25 * time.Millisecond) // nothing tells when another program has written
	}
	s.stop()
	lines := map[string]nginxLine{}
	for text := range bytes.Lines(log) {
		var l nginxLine
		if err := json.Unmarshal(text, &l); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if _, twice := lines[l.N]; twice || l.N == "" {
			t.Fatalf("nginx logs request %q twice, or without its number: %s", l.N, text)
		}
		l.Started = milliseconds(t, l.Msec) - milliseconds(t, l.Took)
		lines[l.N] = l
	}
	return lines
}

// milliseconds reads seconds with three digits behind the point, in nanoseconds.
func milliseconds(t *testing.T, s string) int64 {
	t.Helper()
	ms, err := strconv.ParseInt(strings.Replace(s, ".", "", 1), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return ms * int64(time.Millisecond)
}

// freePort is a port that was free on the loopback address a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}
