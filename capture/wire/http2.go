package wire

// newHTTP2 begins to read HTTP/2: the client's preface comes first, or behind an upgrade (from) the server's. HTTP/2 is
// not read yet: its bytes are counted.
func newHTTP2(c *Conn, client int, from *exchange) protocol {
	if from != nil {
		from.asked = true
		c.d.emit(c, from)
	}
	return &rest{c: c, why: http2Stream}
}
