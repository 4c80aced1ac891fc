package render

import (
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"

	"trafficreplay/analyze"
)

var (
	//go:embed report.html.tmpl
	pageSource string
	//go:embed report.css
	pageStyle string
	//go:embed report.js
	pageScript string
)

// maxEmbedded bounds the raw document inside the page; a larger one is in run.json alone.
const maxEmbedded = 8 << 20

// HTML writes the report as one file that needs nothing else: it loads nothing, links nowhere, and its
// content security policy allows the one style and the one script it holds, by their hashes.
func HTML(w io.Writer, r *analyze.Report) error {
	p, err := newPage(r)
	if err != nil {
		return err
	}
	t, err := template.New("report").Parse(pageSource)
	if err != nil {
		return err
	}
	return t.Execute(w, p)
}

// policy allows nothing but the inline style and script with these texts.
func policy(style, script string) string {
	return fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'", hash(style), hash(script))
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// embed is v as JSON for a script element: encoding/json writes <, >, & and the line separators as escapes,
// so that no text in it ends the element.
func embed(v any) (template.JS, error) {
	b, err := json.Marshal(v)
	return template.JS(b), err
}
