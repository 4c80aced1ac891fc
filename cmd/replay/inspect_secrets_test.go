package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trafficreplay/capture"
)

// planted are secrets of all kinds, each found by its look alone.
var planted = []string{
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI9K7MDENGbPxRfiCYEXAMPLEKEY0",
	"AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "glpat-aB3dE5fG7hJ9kL1mN2pQ", "xoxp-1234567890-abcdefGHIJ12",
	"Bearer k3y8s0m3v4lue", "ftp://jane:hunter22@files.example/x", "4111 1111 1111 1111", "DE89370400440532013000", "jane.doe@example.com", "+4915123456789",
	"203.0.113.7", "2001:db8:1f2e::9a", "kR7pQ2xW9zT4mN6vB8yC", "am9obkBleGFtcGxlLmNvbQ==",
}

// Every planted secret is found in every kind of file, and no part of any is printed.
func TestSecretsAreFoundAndNotShown(t *testing.T) {
	for _, kind := range []struct {
		name  string
		write func(t *testing.T, path, secret string)
	}{
		{"a.txt", func(t *testing.T, path, secret string) { writeText(t, path, "some words, then "+secret+"\nmore") }},
		{"a.workload.yaml", func(t *testing.T, path, secret string) {
			writeText(t, path, fmt.Sprintf("schema: replay.workload/1\nendpoints:\n  - id: GET /x\n    note: %q\n", secret))
		}},
		{"run.json", func(t *testing.T, path, secret string) {
			writeText(t, path, fmt.Sprintf("{\n  \"schema\": \"x\",\n  \"note\": %q\n}\n", secret))
		}},
		{"report.html", func(t *testing.T, path, secret string) {
			writeText(t, path, "<p>"+strings.ReplaceAll(strings.ReplaceAll(secret, "+", "&#43;"), "@", "&#64;")+"</p>")
		}},
		{"a.ndjson", func(t *testing.T, path, secret string) {
			q := secretRequest(secret)
			writeText(t, path, string(q.AppendJSON(nil))+"\n")
		}},
		{"a.log.gz", func(t *testing.T, path, secret string) {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			fmt.Fprintf(z, "line\nx %s y\n", secret)
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			writeText(t, path, b.String())
		}},
		{"one-line.txt", func(t *testing.T, path, secret string) {
			writeText(t, path, strings.Repeat("no end ", 2*maxPiece/7-3)+secret+strings.Repeat(" no end", maxPiece/7))
		}},
		{"a.cap.zst", func(t *testing.T, path, secret string) { writeKept(t, path, secretRequest(secret)) }},
		{"packed.cap.zst", func(t *testing.T, path, secret string) {
			q := secretRequest(secret)
			q.Headers = []capture.Header{{Name: []byte("Content-Encoding"), Value: []byte("gzip")}}
			q.Body = gzipped(t, string(q.Body))
			writeKept(t, path, q)
		}},
		{"message.cap.zst", func(t *testing.T, path, secret string) {
			q := secretRequest("")
			q.RespHeaders = []capture.Header{{Name: []byte("Grpc-Encoding"), Value: []byte("gzip")}}
			q.Messages = []capture.Message{{Dir: 's', Op: "grpc", Data: gzipped(t, "\x0a"+string(rune(len(secret)))+secret)}}
			writeKept(t, path, q)
		}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			for _, secret := range planted {
				path := filepath.Join(t.TempDir(), kind.name)
				kind.write(t, path, secret)
				for _, args := range [][]string{{"inspect", "--secrets", path}, {"inspect", "--secrets", "--json", path}} {
					code, out, stderr := command(t, args...)
					if code != exitTrouble || !strings.Contains(stderr, "like a secret or personal data") {
						t.Errorf("%s: exit code %d, %s", secret, code, stderr)
					}
					for i := 0; i+6 <= len(secret); i++ {
						if part := secret[i : i+6]; strings.Contains(out, part) || strings.Contains(stderr, part) {
							t.Errorf("%q of %s is printed:\n%s%s", part, secret, out, stderr)
							break
						}
					}
				}
			}
		})
	}
}

// writeKept writes a capture of one request without redaction.
func writeKept(t *testing.T, path string, q *capture.Request) {
	t.Helper()
	r, err := capture.NewRedactor(capture.RedactOptions{KeepSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	w, err := capture.Create(path, capture.WriterOptions{Redactor: r})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(q); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// secretRequest holds a secret in its body, where it may have any form.
func secretRequest(secret string) *capture.Request {
	q := &capture.Request{}
	q.Reset()
	q.At, q.Method, q.Target, q.Host = 1, []byte("POST"), []byte("/x"), []byte("shop.example")
	q.Body, q.BodySize = []byte("note "+secret), int64(len(secret)+5)
	return q
}

// A hostile file names nothing that would reach the terminal as it is.
func TestSecretsEscapeNames(t *testing.T) {
	q := secretRequest("x")
	q.Headers = []capture.Header{{Name: []byte("X-\x1b[2JToken"), Value: []byte("hunter22")}}
	q.Src = []byte("\x1b]0;owned\x07:1")
	path := filepath.Join(t.TempDir(), "h.ndjson")
	writeText(t, path, string(q.AppendJSON(nil))+"\n")
	_, out, stderr := command(t, "inspect", "--secrets", path)
	if !strings.Contains(out, `X-\x1b[2JToken`) || strings.ContainsAny(out+stderr, "\x1b\x07") {
		t.Errorf("printed %q", out+stderr)
	}
}
