package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"

	"trafficreplay/capture"
	"trafficreplay/capture/redact"
	"trafficreplay/capture/redact/rules"
)

// redactor makes what removes secrets, as the flags say.
func (f *inputFlags) redactor() (*capture.Redactor, error) {
	o := capture.RedactOptions{KeepSecrets: f.keepSecrets, NoBodies: f.noBodies}
	for _, flag := range []struct{ name, value string }{{"--redact", f.rules}, {"--key-file", f.keyFile}, {"--new-key-file", f.newKeyFile}} {
		if f.keepSecrets && flag.value != "" {
			return nil, usage(fmt.Errorf("--keep-secrets and %s exclude each other: one keeps everything, the other is about what is replaced", flag.name))
		}
	}
	var err error
	if o.Rules, err = readRules(f.rules); err != nil {
		return nil, err
	}
	switch {
	case f.keyFile != "" && f.newKeyFile != "":
		return nil, usage(errors.New("--key-file and --new-key-file exclude each other: the first reads a key, the second makes one"))
	case f.keyFile != "":
		o.Key, err = readKey(f.keyFile)
	case f.newKeyFile != "":
		o.Key, err = makeKey(f.newKeyFile)
	}
	if err != nil {
		return nil, err
	}
	return capture.NewRedactor(o)
}

// readRules reads the file of --redact; without one there are no rules.
func readRules(path string) (*redact.Rules, error) {
	if path == "" {
		return nil, nil
	}
	r, err := rules.Load(path)
	if err != nil {
		return nil, usage(err)
	}
	return r, nil
}

// warnSpared tells of values that look like secrets and stay because a rule of the user's keeps them.
func (a *app) warnSpared(file string, spared map[string]int64) {
	for _, rule := range slices.Sorted(maps.Keys(spared)) {
		a.term.warnf("kept %s in %s, as %s says", counted(spared[rule], "suspicious value"), rule, file)
	}
}

// A key file is one line: this, and 32 bytes in base64.
const (
	keyPrefix  = "replay-key-1:"
	keySize    = 32
	maxKeyFile = 4 << 10
)

// readKey reads a key that nobody but its owner may read.
func readKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usage(fmt.Errorf("--key-file: %w", err))
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, usage(fmt.Errorf("--key-file %s: not a regular file", path))
	}
	if others := info.Mode().Perm() & 0o077; others != 0 && runtime.GOOS != "windows" { // where modes say nothing
		return nil, usage(fmt.Errorf("--key-file %s: its mode is %04o: others than its owner can read or write it", path, info.Mode().Perm()), "chmod 600 "+path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("--key-file: %w", err)
	}
	encoded, ok := strings.CutPrefix(strings.TrimSpace(string(text)), keyPrefix)
	key, err := base64.RawURLEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) != keySize {
		return nil, usage(fmt.Errorf("--key-file %s: no key: want one line %s and %d bytes in base64", path, keyPrefix, keySize), "replay capture access.log --new-key-file "+path)
	}
	return key, nil
}

// makeKey makes a random key and the file for it, which must not be there yet.
func makeKey(path string) ([]byte, error) {
	key := make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("--new-key-file: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, usage(fmt.Errorf("--new-key-file %s: it is there already, and a key that is lost joins nothing any more", path), "--key-file "+path)
	}
	if err != nil {
		return nil, usage(fmt.Errorf("--new-key-file: %w", err))
	}
	_, err = fmt.Fprintf(f, "%s%s\n", keyPrefix, base64.RawURLEncoding.EncodeToString(key))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return key, nil
}
