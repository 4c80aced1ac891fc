package shape

import (
	"trafficreplay/shape/arrival"
	"trafficreplay/shape/fidelity"
	"trafficreplay/shape/stat"
)

// Document is the replay.shape/1 document: a fit for programs.
type Document struct {
	Schema      string             `json:"schema"`
	Requests    int64              `json:"requests"`
	WindowS     float64            `json:"window_s"`
	Endpoints   []DocumentEndpoint `json:"endpoints"`
	Rate        DocumentRate       `json:"rate"`
	IDC         []DocumentIDC      `json:"idc"`
	Arrivals    DocumentArrivals   `json:"arrivals"`
	ScaleLaw    []DocumentLaw      `json:"scale_law"`
	Sessions    DocumentSessions   `json:"sessions"`
	ResolutionS float64            `json:"resolution_s"`
	Fidelity    DocumentFidelity   `json:"fidelity"`
	Out         string             `json:"out"`
}

// DocumentEndpoint is one endpoint of a Document.
type DocumentEndpoint struct {
	ID       string  `json:"id"`
	Method   string  `json:"method"`
	Route    string  `json:"route"`
	Requests int64   `json:"requests"`
	Share    float64 `json:"share"`
}

// DocumentRate is requests per second: the mean over the window, and of the busiest minute.
type DocumentRate struct {
	Mean float64 `json:"mean"`
	Peak float64 `json:"peak"`
}

// DocumentIDC is one scale of a Document's IDC table.
type DocumentIDC struct {
	TS      float64 `json:"t_s"`
	Capture float64 `json:"capture"`
	Model   float64 `json:"model"`
	SE      float64 `json:"se"`
}

// DocumentArrivals is the process of session starts. KnotsS are where its rate curve bends, seconds since
// the window began.
type DocumentArrivals struct {
	Family string         `json:"family"`
	Terms  []DocumentTerm `json:"terms"`
	KnotsS []float64      `json:"knots_s"`
}

// DocumentTerm is one burst term: how much, how fast (per second), and for which share of the time (0: as the model chooses).
type DocumentTerm struct {
	A  float64 `json:"a"`
	S  float64 `json:"s"`
	On float64 `json:"on,omitempty"`
}

// DocumentLaw is one scale of the scale law.
type DocumentLaw struct {
	TS          float64 `json:"t_s"`
	Independent float64 `json:"independent"`
	Common      float64 `json:"common"`
}

// DocumentSessions sums up the sessions.
type DocumentSessions struct {
	Count      int64   `json:"count"`
	TimeoutS   float64 `json:"timeout_s"`
	MeanLength float64 `json:"mean_length"`
}

// DocumentFidelity says how far the plan at scale 1 is from what was captured (docs/statistics.md). Verdict is that of the worst
// part: "faithful", "partial" or "not faithful"; "unknown" where nothing could be assessed.
type DocumentFidelity struct {
	Captured    int64          `json:"captured"` // requests
	Planned     int64          `json:"planned"`
	Score       float64        `json:"score"`
	Verdict     string         `json:"verdict"`
	Worst       string         `json:"worst"`
	Parts       []DocumentPart `json:"parts"`
	NotAssessed []string       `json:"not_assessed"`
}

// DocumentPart is one part of a DocumentFidelity. Floor is the distance that noise alone gives.
type DocumentPart struct {
	Name     string  `json:"name"`
	Distance float64 `json:"distance"`
	Floor    float64 `json:"floor"`
	Score    float64 `json:"score"`
	Note     string  `json:"note,omitempty"`
}

func documentFidelity(c *fidelity.Card) DocumentFidelity {
	d := DocumentFidelity{
		Captured: c.Reference, Planned: c.Traffic, Score: stat.Significant(c.Score, 4), Verdict: string(c.Verdict), Worst: c.Worst, Parts: []DocumentPart{}, NotAssessed: append([]string{}, c.NotAssessed...),
	}
	for _, p := range c.Parts {
		d.Parts = append(d.Parts, DocumentPart{p.Name, stat.Significant(p.Distance, 4), stat.Significant(p.Floor, 4), stat.Significant(p.Score, 4), p.Note})
	}
	return d
}

// Document is the fit as a document; out names the workload file.
func (f *Fitted) Document(out string) Document {
	w := f.Workload
	d := Document{
		Schema: "replay.shape/1", Requests: w.Provenance.Requests, WindowS: arrival.Seconds(w.WindowNS()),
		Endpoints: []DocumentEndpoint{}, Rate: DocumentRate{w.Arrivals.Rate, w.Arrivals.Peak}, IDC: []DocumentIDC{},
		Arrivals: DocumentArrivals{w.Arrivals.Family, []DocumentTerm{}, []float64{}}, ScaleLaw: []DocumentLaw{},
		Sessions:    DocumentSessions{w.Sessions.Count, w.Sessions.Timeout.Seconds(), w.Sessions.MeanLength},
		ResolutionS: w.Provenance.Resolution.Seconds(), Fidelity: documentFidelity(&f.Fidelity), Out: out,
	}
	for _, e := range w.Endpoints {
		d.Endpoints = append(d.Endpoints, DocumentEndpoint{e.ID, e.Method, e.Route, e.Requests, float64(e.Requests) / float64(d.Requests)})
	}
	for _, r := range w.Arrivals.IDC {
		d.IDC = append(d.IDC, DocumentIDC{r.T.Seconds(), r.Capture, r.Model, r.SE})
	}
	for _, t := range w.Arrivals.Terms {
		d.Arrivals.Terms = append(d.Arrivals.Terms, DocumentTerm(t))
	}
	c := w.Arrivals.Curve
	for i := 1; i < len(c)-1; i++ {
		if c[i].At != c[i-1].At {
			d.Arrivals.KnotsS = append(d.Arrivals.KnotsS, arrival.Seconds(c[i].At))
		}
	}
	for _, r := range w.Arrivals.ScaleLaw {
		d.ScaleLaw = append(d.ScaleLaw, DocumentLaw{r.T.Seconds(), r.Independent, r.Common})
	}
	return d
}
