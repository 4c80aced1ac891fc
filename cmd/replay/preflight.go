package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"trafficreplay/replay/guard"
	"trafficreplay/replay/send"
)

// preflightTimeout bounds the one connection that is opened to each target before the run.
const preflightTimeout = 5 * time.Second

// preflight opens and closes one connection to each target, without a request, so that a target that does not
// answer or shows the wrong certificate is found out before the run.
func preflight(ctx context.Context, g *guard.Guard, targets []send.Target, insecure bool) error {
	ctx, cancel := context.WithTimeout(ctx, preflightTimeout)
	defer cancel()
	for _, t := range targets {
		if err := preflightOne(ctx, g, t, insecure); err != nil {
			err = fmt.Errorf("--target %s://%s: %w", t.Scheme, t.Host, err)
			if e, ok := errors.AsType[*exit](err); ok {
				return &exit{e.code, err, e.hints}
			}
			return err
		}
	}
	return nil
}

func preflightOne(ctx context.Context, g *guard.Guard, t send.Target, insecure bool) error {
	var last error
	for _, addr := range t.Addrs {
		d := net.Dialer{Control: g.Control}
		conn, err := d.DialContext(ctx, "tcp", addr.String())
		if err != nil {
			last = err
			continue
		}
		if t.Scheme != "https" {
			return conn.Close()
		}
		c := tls.Client(conn, &tls.Config{ServerName: t.ServerName, InsecureSkipVerify: insecure, NextProtos: []string{"http/1.1"}})
		defer c.Close()
		if err := c.HandshakeContext(ctx); err != nil {
			if _, bad := errors.AsType[*tls.CertificateVerificationError](err); bad {
				return &exit{exitTrouble, err, []string{"--insecure does not verify the target's certificate"}}
			}
			return err
		}
		return g.CheckCertificate(c.ConnectionState().PeerCertificates[0])
	}
	return last
}
