package main

import (
	"strings"

	"trafficreplay/capture"
)

// logAdvice is what to put into a server's configuration so that its log holds what a replay can use.
type logAdvice struct {
	Server string `json:"server"`
	Where  string `json:"where"` // in the configuration
	Lines  string `json:"lines"` // to paste, exactly; empty: there is nothing to choose
	Note   string `json:"note,omitempty"`

	formats []string // beginnings of the names of formats that the server writes, up to a dash
}

// adviceFor is the advice for the servers that wrote the sources, in the order of advices.
func adviceFor(sources []capture.Ledger) []logAdvice {
	var out []logAdvice
	for _, a := range advices {
		if a.wrote(sources) {
			out = append(out, a)
		}
	}
	return out
}

func (a *logAdvice) wrote(sources []capture.Ledger) bool {
	for i := range sources {
		for _, f := range a.formats {
			if rest, ok := strings.CutPrefix(sources[i].Format, f); ok && (rest == "" || rest[0] == '-') {
				return true
			}
		}
	}
	return false
}
