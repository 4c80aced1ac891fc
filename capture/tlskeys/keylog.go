// Package tlskeys decrypts TLS 1.2 and 1.3 that was captured, with the secrets that one of its ends wrote down: an
// SSLKEYLOGFILE, or the secrets that a pcapng file holds.
//
// A [Conn] stands between the bytes of a TCP connection and whoever wants what they mean. TLS whose keys are known
// comes out as plain bytes; everything else passes unchanged.
package tlskeys

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// random is the random value of a ClientHello, by which a key log names a session.
type random [32]byte

// label is what kind of secret a line of a key log holds.
type label uint8

// The labels that matter (NSS Key Log Format; draft-ietf-tls-keylogfile).
const (
	masterSecret label = iota // TLS 1.2
	clientEarly
	clientHandshake
	serverHandshake
	clientTraffic
	serverTraffic
	labels
)

var labelNames = map[string]label{
	"CLIENT_RANDOM":                   masterSecret,
	"CLIENT_EARLY_TRAFFIC_SECRET":     clientEarly,
	"CLIENT_HANDSHAKE_TRAFFIC_SECRET": clientHandshake,
	"SERVER_HANDSHAKE_TRAFFIC_SECRET": serverHandshake,
	"CLIENT_TRAFFIC_SECRET_0":         clientTraffic,
	"SERVER_TRAFFIC_SECRET_0":         serverTraffic,
}

// Limits of a key log.
const (
	maxLine     = 4 << 10
	maxSecret   = 48      // bytes of the longest secret: SHA-384's, and TLS 1.2's master secret
	maxSessions = 2 << 20 // sessions kept
)

// secrets are what is known of one session; an empty one is not known.
type secrets [labels][]byte

// Keys are the secrets of many sessions. It is not safe for concurrent use while it is read into.
type Keys struct {
	sessions map[random]*secrets
}

// Len is the number of sessions of which something is known.
func (k *Keys) Len() int {
	if k == nil {
		return 0
	}
	return len(k.sessions)
}

// Read adds the lines of a key log. Comments, blank lines and labels that protect no records are passed over; a line
// that is none of a key log is an error that names it. name is what errors call the file.
func (k *Keys) Read(r io.Reader, name string) error {
	if k.sessions == nil {
		k.sessions = map[random]*secrets{}
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	n := 0
	for lines.Scan() {
		n++
		if err := k.add(bytes.TrimSpace(lines.Bytes())); err != nil {
			return fmt.Errorf("%s: line %d: %w", name, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: line %d: %w", name, n+1, err)
	}
	return nil
}

var errNoKeyLog = errors.New("not a line of a key log (LABEL RANDOM SECRET)")

func (k *Keys) add(line []byte) error {
	if len(line) == 0 || line[0] == '#' {
		return nil
	}
	fields := bytes.Fields(line)
	if len(fields) != 3 {
		return errNoKeyLog
	}
	secret := make([]byte, hex.DecodedLen(len(fields[2])))
	if _, err := hex.Decode(secret, fields[2]); err != nil {
		return errNoKeyLog
	}
	l, known := labelNames[string(fields[0])]
	if !known {
		return nil
	}
	var of random
	if hex.DecodedLen(len(fields[1])) != len(of) || len(secret) > maxSecret {
		return errNoKeyLog
	}
	if _, err := hex.Decode(of[:], fields[1]); err != nil {
		return errNoKeyLog
	}
	s := k.sessions[of]
	if s == nil {
		if len(k.sessions) == maxSessions {
			return fmt.Errorf("more than %d sessions", maxSessions)
		}
		s = new(secrets)
		k.sessions[of] = s
	}
	s[l] = secret
	return nil
}

// of gives what is known of a session; nil: nothing.
func (k *Keys) of(r random) *secrets {
	if k == nil {
		return nil
	}
	return k.sessions[r]
}
