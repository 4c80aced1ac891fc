// Package trafficreplay_test holds the law of imports: in go the sources of this module, out comes a
// failure for each import that docs/architecture.md does not allow.
//
// The three tables below are the law and its documentation. To import something new, change its row and say
// why there; a reviewer judges the row, the test does the rest. Sources are parsed as they lie on disk, so
// files for other systems obey too.
package trafficreplay_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "trafficreplay"

// stages are in the order of the data. A package may import from its own stage and from earlier ones.
var stages = []string{"capture", "shape", "replay", "analyze"}

// role says where in its stage a package stands.
type role string

const (
	root    role = "root"    // owns the stage's noun and its file format; imports leaves, never an adapter
	leaf    role = "leaf"    // knows nothing of its stage's noun; any later stage may import it
	adapter role = "adapter" // knows the noun, so it imports the root
	command role = "command" // imports all, imported by nobody
	fixture role = "fixture" // for tests, the demo and the making of fixtures
)

// law has a row for each package: what it may import of ours, outside tests.
var law = map[string]struct {
	role role
	may  []string
}{
	"capture":              {root, []string{"capture/redact"}},
	"capture/redact":       {leaf, nil},
	"capture/strictyaml":   {leaf, nil},
	"capture/redact/rules": {leaf, []string{"capture/redact", "capture/strictyaml"}},
	"capture/accesslog":    {adapter, []string{"capture"}},
	"capture/packet":       {leaf, nil},
	"capture/har":          {adapter, []string{"capture"}},
	"capture/gor":          {adapter, []string{"capture", "capture/wire"}},
	"capture/vegeta":       {adapter, []string{"capture"}},
	"capture/tlskeys":      {leaf, nil},
	"capture/wire":         {adapter, []string{"capture"}},
	"capture/proxy":        {adapter, []string{"capture", "capture/wire"}},
	"capture/source":       {adapter, []string{"capture", "capture/accesslog", "capture/gor", "capture/har", "capture/packet", "capture/tlskeys", "capture/vegeta", "capture/wire"}},

	"shape":          {root, []string{"capture", "capture/strictyaml", "shape/route", "shape/arrival", "shape/session", "shape/mix", "shape/fidelity", "shape/stat"}},
	"shape/stat":     {leaf, nil},
	"shape/route":    {leaf, []string{"shape/stat"}},
	"shape/arrival":  {leaf, []string{"capture", "shape/stat"}},
	"shape/session":  {leaf, []string{"capture", "shape/stat"}},
	"shape/mix":      {leaf, []string{"capture", "shape/stat"}},
	"shape/fidelity": {leaf, []string{"shape/arrival", "shape/stat"}},

	"replay":           {root, []string{"capture", "shape", "shape/stat", "replay/plan", "replay/guard", "replay/tally", "replay/threshold"}},
	"replay/plan":      {leaf, []string{"replay/guard", "capture", "shape", "shape/route", "shape/arrival", "shape/session", "shape/mix", "shape/stat"}},
	"replay/guard":     {leaf, []string{"capture"}},
	"replay/tally":     {leaf, []string{"shape/stat", "replay/threshold"}},
	"replay/threshold": {leaf, []string{"shape/stat"}},
	"replay/send":      {adapter, []string{"capture", "replay", "replay/plan", "replay/guard"}},

	"analyze":        {root, []string{"capture", "shape", "shape/stat", "replay", "replay/tally", "replay/threshold"}},
	"analyze/render": {adapter, []string{"analyze", "shape", "replay", "replay/threshold"}},

	"cmd/replay": {command, []string{
		"capture", "capture/source", "capture/accesslog", "capture/gor", "capture/har", "capture/proxy", "capture/vegeta", "capture/tlskeys", "capture/redact", "capture/redact/rules",
		"shape", "shape/route", "shape/arrival", "shape/session", "shape/mix", "shape/stat",
		"replay", "replay/plan", "replay/guard", "replay/send", "replay/tally", "replay/threshold",
		"analyze", "analyze/render", "fixtures/staging", "fixtures/shop",
	}},

	"fixtures/shop":     {fixture, nil},
	"fixtures/staging":  {fixture, nil},
	"fixtures/generate": {fixture, []string{"fixtures/staging"}},
}

// dependencies has a row for each third-party package: who may import it, at most one package per stage,
// and whose tests.
var dependencies = []struct {
	path  string
	by    []string
	tests []string
	why   string
}{
	{"github.com/klauspost/compress", []string{"capture", "shape"}, nil, "zstd frames of the capture file and of the session pool, the readers of compressed inputs that capture lends to capture/source, and compressed bodies"},
	{"github.com/andybalholm/brotli", []string{"capture"}, nil, "bodies in br, which nothing else reads and secrets may be in"},
	{"github.com/gopacket/gopacket", []string{"capture/packet"}, nil, "headers of links and tunnels in packet captures"},
	{"github.com/ulikunitz/xz", []string{"capture/source"}, nil, "logs that were rotated into .xz"},
	{"github.com/pierrec/lz4/v4", []string{"capture/source"}, nil, "logs that were rotated into .lz4"},
	{"golang.org/x/crypto", []string{"capture/tlskeys"}, nil, "ChaCha20-Poly1305, which the standard library keeps to itself"},
	{"golang.org/x/text", []string{"capture/source"}, nil, "logs in UTF-16"},
	{"github.com/goccy/go-yaml", []string{"capture/strictyaml"}, nil, "the workload file and the redaction rules: positions in errors, and comments that survive a re-fit"},
	{"github.com/HdrHistogram/hdrhistogram-go", []string{"replay/tally"}, nil, "latency histograms and intervals.hlog"},
	{"golang.org/x/term", []string{"cmd/replay"}, nil, "whether a stream is a terminal"},
	{"golang.org/x/net", []string{"capture/packet"}, []string{"capture/wire"}, "the filter of live captures, as a program for the kernel; in tests another framer and header compression of HTTP/2 to hold ours against"},
	{"golang.org/x/sys", []string{"capture/packet", "replay/send"}, nil, "packet sockets, epoll and timer slack, which the standard library does not offer"},
	{"github.com/spf13/cobra", []string{"cmd/replay"}, nil, "commands, flags and help"},
	{"github.com/rogpeppe/go-internal", nil, []string{"cmd/replay"}, "testscript: a script per behaviour of the commands"},
}

// fences has a row for each standard package or function that only some may use.
var fences = []struct {
	name string // a package, or package.Name
	by   []string
	why  string
}{
	{"os.Exit", programs, "only a main ends the process"},
	{"os.Args", programs, "arguments reach the stages as options"},
	{"os.Stdout", programs, "output goes to a writer that the caller names"},
	{"os/signal", programs, "the stages stop when their context ends"},
	{"flag", []string{"fixtures/generate"}, "flags belong to the commands, and those use cobra"},
	{"fmt.Print", nil, "it hides os.Stdout"},
	{"fmt.Printf", nil, "it hides os.Stdout"},
	{"fmt.Println", nil, "it hides os.Stdout"},
	{"log.Fatal", nil, "it hides os.Exit"},
	{"log.Fatalf", nil, "it hides os.Exit"},
	{"math/rand", nil, "randomness is a function of the seed that the user was shown"},
	{"math/rand/v2", []string{"fixtures/generate"}, "as above; the generator's seed is in truth.json"},
	{"hash/maphash", nil, "its seed differs in each process"},
	{"unsafe", []string{"capture/packet", "replay/send", "cmd/replay"}, "system calls, and the ring that they share with the kernel"},
	{"C", nil, "the program is built without cgo"},
}

// programs have a main.
var programs = []string{"cmd/replay", "fixtures/generate"}

// source is one Go file.
type source struct {
	pkg  string // folder, such as capture/source
	name string // path from the root of the module
	test bool
	file *ast.File
	fset *token.FileSet
}

// imports are the paths that s imports.
func (s *source) imports() []string {
	var paths []string
	for _, spec := range s.file.Imports {
		p, _ := strconv.Unquote(spec.Path.Value) // the parser has accepted it
		paths = append(paths, p)
	}
	return paths
}

// sources parses every Go file of the module below the root folder.
func sources(t *testing.T) []*source {
	t.Helper()
	var all []*source
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() && name != "." && (base == "testdata" || base[0] == '.' || base[0] == '_') {
			return fs.SkipDir
		}
		if d.IsDir() || path.Ext(base) != ".go" || filepath.Dir(name) == "." {
			return nil
		}
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		all = append(all, &source{path.Dir(name), name, strings.HasSuffix(base, "_test.go"), f, fset})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// stage is the index of a package's stage, or -1.
func stage(pkg string) int {
	first, _, _ := strings.Cut(pkg, "/")
	return slices.Index(stages, first)
}

// TestLawObeysTheFlow checks the tables themselves.
func TestLawObeysTheFlow(t *testing.T) {
	for _, pkg := range slices.Sorted(maps.Keys(law)) {
		for _, to := range law[pkg].may {
			from, target := law[pkg].role, law[to].role
			switch {
			case target == "":
				t.Errorf("law of %s: %s has no row", pkg, to)
			case target == command:
				t.Errorf("law of %s: nobody imports the command %s", pkg, to)
			case target == fixture && from != command && from != fixture:
				t.Errorf("law of %s: fixtures are for tests and commands", pkg)
			case stage(to) > stage(pkg) && stage(pkg) >= 0:
				t.Errorf("law of %s: %s is a later stage; data flows %s", pkg, to, strings.Join(stages, " -> "))
			case stage(to) != stage(pkg) || from == command || from == fixture:
			case from == root && target == adapter:
				t.Errorf("law of %s: a root never imports an adapter, and %s is one", pkg, to)
			case from == leaf && target != leaf:
				t.Errorf("law of %s: a leaf knows nothing of its stage's noun, and %s is a %s", pkg, to, target)
			}
		}
	}
	for _, d := range dependencies {
		seen := map[string]string{}
		for _, pkg := range d.by {
			first, _, _ := strings.Cut(pkg, "/")
			if seen[first] != "" {
				t.Errorf("%s: both %s and %s of one stage may import it, want at most one", d.path, seen[first], pkg)
			}
			seen[first] = pkg
		}
	}
}

// TestImportsObeyTheLaw checks every import of ours and of third parties.
func TestImportsObeyTheLaw(t *testing.T) {
	for _, s := range sources(t) {
		row, ok := law[s.pkg]
		if !ok {
			t.Errorf("%s: package %s has no row in the law (layering_test.go)", s.name, s.pkg)
			continue
		}
		for _, imp := range s.imports() {
			ours, isOurs := strings.CutPrefix(imp, module+"/")
			first, _, _ := strings.Cut(imp, "/")
			switch {
			case isOurs && s.test:
				if ours != s.pkg && !testMay(s.pkg, ours) && !slices.Contains(row.may, ours) {
					t.Errorf("%s imports %s: a test may import its own stage, earlier ones and fixtures/staging", s.name, ours)
				}
			case isOurs && !slices.Contains(row.may, ours):
				t.Errorf("%s imports %s: of ours the law allows %s to import %s", s.name, ours, s.pkg, list(row.may))
			case strings.Contains(first, "."):
				checkDependency(t, s, imp)
			}
		}
	}
}

// testMay reports whether tests of a package may import another of ours.
func testMay(pkg, other string) bool {
	return other == "fixtures/staging" || stage(other) >= 0 && stage(other) <= stage(pkg)
}

// checkDependency checks one import of a third-party package.
func checkDependency(t *testing.T, s *source, imp string) {
	t.Helper()
	for _, d := range dependencies {
		if imp != d.path && !strings.HasPrefix(imp, d.path+"/") {
			continue
		}
		if !slices.Contains(d.by, s.pkg) && (!s.test || !slices.Contains(d.tests, s.pkg)) {
			t.Errorf("%s imports %s: the law allows it to %s (%s)", s.name, imp, list(append(d.by, d.tests...)), d.why)
		}
		return
	}
	t.Errorf("%s imports %s: it has no row among the dependencies (layering_test.go)", s.name, imp)
}

// list is names in a sentence.
func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// TestFences checks what only some packages may use, and that nothing runs by being imported.
func TestFences(t *testing.T) {
	for _, s := range sources(t) {
		names := map[string]string{} // by which an import is known in this file
		for _, spec := range s.file.Imports {
			p, _ := strconv.Unquote(spec.Path.Value)
			name := path.Base(p)
			if spec.Name != nil {
				name = spec.Name.Name
			}
			names[name] = p
			if name == "." {
				t.Errorf("%s: dot import of %s: a reader must see where a name comes from", s.name, p)
			}
			s.fence(t, spec, p)
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && names[x.Name] != "" {
					s.fence(t, sel, names[x.Name]+"."+sel.Sel.Name)
				}
			}
			if f, ok := n.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: func init: nothing runs by being imported", s.fset.Position(f.Pos()))
			}
			return true
		})
	}
}

// fence checks the use of one name. Tests may use all but C.
func (s *source) fence(t *testing.T, at ast.Node, name string) {
	t.Helper()
	for _, f := range fences {
		if f.name == name && !slices.Contains(f.by, s.pkg) && (!s.test || name == "C") {
			t.Errorf("%s: %s: the law allows it to %s: %s", s.fset.Position(at.Pos()), name, list(f.by), f.why)
		}
	}
}

// TestTablesAreTrue fails on rows that nothing stands behind, in the tables and in the document.
func TestTablesAreTrue(t *testing.T) {
	pkgs, used := map[string]bool{}, map[string]bool{}
	for _, s := range sources(t) {
		pkgs[s.pkg] = true
		for _, imp := range s.imports() {
			for _, d := range dependencies {
				if imp == d.path || strings.HasPrefix(imp, d.path+"/") {
					used[d.path] = true
				}
			}
		}
	}
	page, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dependencies {
		if !strings.Contains(string(page), d.path) {
			t.Errorf("docs/architecture.md does not name the dependency %s", d.path)
		}
	}
	if !pkgs["cmd/replay"] {
		t.Skip("cmd/replay is not there yet: rows without a package are not looked for")
	}
	for _, pkg := range slices.Sorted(maps.Keys(law)) {
		if !pkgs[pkg] {
			t.Errorf("the law has a row for %s, which is no package", pkg)
		}
	}
	for _, d := range dependencies {
		if !used[d.path] {
			t.Errorf("nobody imports the dependency %s: remove its row and run go mod tidy", d.path)
		}
	}
}
