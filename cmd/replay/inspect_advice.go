package main

import (
	"slices"
	"strings"

	"trafficreplay/capture"
)

// logAdvice is what to put into a server's configuration so that its log holds what a replay can use.
type logAdvice struct {
	Server string `json:"server"`
	Where  string `json:"where"` // in the configuration
	Lines  string `json:"lines"` // to paste, exactly; empty: there is nothing to choose
	Note   string `json:"note,omitempty"`

	cutsQueries bool     // unless it is told not to
	lacks       []string // fields of missingField that even such a log does not hold
	formats     []string // beginnings of the names of formats that the server writes, up to a dash
}

// adviceFor is the advice for the servers that wrote the sources, in the order of advices. A server whose log cannot
// hold anything of what is missing has no lines to paste.
func adviceFor(sources []capture.Ledger, missing []missingField) []logAdvice {
	var out []logAdvice
	for _, a := range advices {
		if !a.wrote(sources) {
			continue
		}
		if a.Lines != "" && !a.helps(missing) {
			a.Where, a.Lines, a.Note = "", "", "what is missing cannot be logged there"
		}
		out = append(out, a)
	}
	return out
}

// helps reports whether a log with the advised lines would hold something that is missing. A log without any query
// is none that a line could mend, unless its server cuts them.
func (a *logAdvice) helps(missing []missingField) bool {
	return slices.ContainsFunc(missing, func(m missingField) bool {
		return !slices.Contains(a.lacks, m.Field) && (m.Field != "query strings" || a.cutsQueries)
	})
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
