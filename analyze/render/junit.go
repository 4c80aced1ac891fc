package render

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strconv"

	"trafficreplay/analyze"
	"trafficreplay/replay"
	"trafficreplay/replay/threshold"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure"`
	Error   *junitMessage `xml:"error"`
	Skipped *junitMessage `xml:"skipped"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
}

// JUnit writes one test case per endpoint and threshold, and one for the run as a measurement: that is an
// error when the run is invalid or was interrupted, since then the other cases prove nothing. Undecided
// thresholds are skipped cases.
func JUnit(w io.Writer, r *analyze.Report) error {
	d := r.Document
	suite := junitSuite{
		Name: line(d.Name), Timestamp: line(d.Started), Time: seconds(d.DurationS),
		Properties: []junitProperty{
			{"verdict", line(string(d.Verdict))}, {"seed", strconv.FormatUint(d.Seed, 10)}, {"scale", factor(d.Scale)},
			{"speed", factor(d.Speed)}, {"plan_sha256", line(d.PlanSHA256)}, {"tool", line(d.Tool)},
		},
		Cases: []junitCase{junitRun(d)},
	}
	for _, res := range d.Thresholds {
		suite.Cases = append(suite.Cases, junitCheck(analyze.Check{Result: res}))
	}
	for _, e := range d.Endpoints {
		for _, res := range e.Thresholds {
			suite.Cases = append(suite.Cases, junitCheck(analyze.Check{Endpoint: e.ID, Result: res}))
		}
	}
	suite.tally()
	all := junitSuites{Name: "replay", Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Skipped: suite.Skipped,
		Time: suite.Time, Suites: []junitSuite{suite}}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuite) tally() {
	s.Tests = len(s.Cases)
	for _, c := range s.Cases {
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
}

func junitRun(d *replay.Document) junitCase {
	c := junitCase{Class: "run", Name: "the plan was kept", Time: "0"}
	if d.Verdict == replay.Invalid || d.Verdict == replay.Interrupted {
		why := string(d.Verdict)
		for _, reason := range d.Reasons {
			why += "; " + reason
		}
		c.Error = &junitMessage{Message: clip(why, 2000), Type: string(d.Verdict)}
	}
	return c
}

func junitCheck(c analyze.Check) junitCase {
	out := junitCase{Class: line(c.Endpoint), Name: line(c.Expr), Time: "0"}
	if c.Endpoint == "" {
		out.Class = "whole run"
	}
	found := fmt.Sprintf("observed %s; beyond the limit %s of %s, allowed %s", observed(c), beyond(c), count(c.N), allowed(c))
	switch c.Verdict {
	case threshold.Fail:
		out.Failure = &junitMessage{Message: found, Type: "threshold"}
	case threshold.Undecided:
		out.Skipped = &junitMessage{Message: fmt.Sprintf("undecided: needs %s samples; %s", count(c.Needed), found)}
	}
	return out
}

func seconds(s float64) string {
	if math.IsNaN(s) || math.IsInf(s, 0) {
		return "0"
	}
	return strconv.FormatFloat(s, 'f', 3, 64)
}
