package source

import (
	"context"
	"errors"
	"fmt"
	"io"

	"trafficreplay/capture"
	"trafficreplay/capture/accesslog"
)

// Explain tells how a line of the first log that names mean was understood: line counts from 1; 0 is the first line
// that is a request, or the first one of a log without any. It gives the log's name and the number of the line.
func Explain(ctx context.Context, names []string, line int64, o Options) (e accesslog.Explanation, name string, n int64, err error) {
	s, err := Open(ctx, names, o)
	if err != nil {
		return e, "", 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	in := s.inputs[0]
	if in.parser == nil {
		return e, in.name, 0, fmt.Errorf("%s: holds requests in our own format, which needs no explanation", in.name)
	}
	if in.stream == nil {
		if in.stream, err = in.open(o.Stdin); err != nil {
			return e, in.name, 0, err
		}
		if err := in.stream.unpack(); err != nil {
			return e, in.name, 0, fmt.Errorf("%s: %w", in.name, err)
		}
	}
	e, n, err = in.explain(ctx, line)
	if err != nil {
		err = fmt.Errorf("%s: %w", in.name, err)
	}
	return e, in.name, n, err
}

// explain reads up to the line in question: the lines before it may settle what it means.
func (in *input) explain(ctx context.Context, want int64) (e accesslog.Explanation, n int64, err error) {
	var q capture.Request
	var first []byte
	parts := in.split
	for n = 1; ; n++ {
		if n%progressEvery == 0 && ctx.Err() != nil {
			return e, n, context.Cause(ctx)
		}
		line, err := in.stream.lines.next()
		switch {
		case err == errLong && want == n:
			return accesslog.Explanation{Format: in.parser.Name(), Skipped: capture.ReasonTooLong}, n, nil
		case err == errLong:
			continue
		case err == io.EOF && want == 0 && first != nil:
			return in.parser.Explain(first), 1, nil
		case err == io.EOF:
			return e, n, fmt.Errorf("it has %d lines, no line %d", n-1, want)
		case err != nil:
			return e, n, err
		}
		if parts != nil {
			if joined, err := parts.join(line, n); joined != nil {
				line = joined
			} else if want != n || err != nil { // the part that is asked for is told as such
				continue
			}
		}
		if want == n {
			return in.parser.Explain(line), n, nil
		}
		if first == nil {
			first = append([]byte{}, line...)
		}
		if in.parser.Parse(line, &q) == nil && want == 0 {
			return in.parser.Explain(line), n, nil
		}
	}
}
