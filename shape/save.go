package shape

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Save writes the workload to path, and pool beside it as NAME.pool.zst; both are written whole and
// renamed into place. w takes on what it was saved with: Path, the pool's name and digest. Where path
// holds a workload already, what people own in it is taken over into w first: name, extends, seed (unless
// the fit was given one), connections, safety, thresholds, each endpoint's thresholds and expect, the
// comments above top-level keys and endpoints and behind thresholds. A path that holds something else is
// an error and is left alone.
func (w *Workload) Save(path string, pool *Pool) error {
	kept, err := w.takeOver(path)
	if err != nil {
		return err
	}
	w.Path = path
	if pool != nil {
		w.Sessions.Pool = strings.TrimSuffix(strings.TrimSuffix(filepath.Base(path), ".yaml"), ".workload") + ".pool.zst"
		w.Sessions.PoolSessions, w.Sessions.PoolRequests = len(pool.Sessions), pool.Requests()
		digest, err := writePool(filepath.Join(filepath.Dir(path), w.Sessions.Pool), pool, w.Endpoints)
		if err != nil {
			return err
		}
		w.Sessions.PoolSHA256 = digest
	}
	if err := w.Validate(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return replaceFile(path, func(f io.Writer) error {
		_, err := f.Write(w.encode(kept))
		return err
	})
}

// replaceFile writes a file through a temporary one beside it, so that path never holds a part.
func replaceFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if err = write(f); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Load reads a workload file and its pool, as Read and ReadPool do.
func Load(path string) (*Workload, *Pool, error) {
	w, err := Read(path)
	if err != nil {
		return nil, nil, err
	}
	pool, err := w.ReadPool()
	if err != nil {
		return nil, nil, err
	}
	return w, pool, nil
}

// Read reads a workload file without its pool. Settings of the file that it extends, one level, are already
// in the workload. Faults of the file read path:line:column: message.
func Read(path string) (*Workload, error) {
	w, err := read(path, false)
	if err != nil {
		return nil, err
	}
	if w.Extends != "" {
		if err := w.inherit(); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// ReadPool reads the pool of the workload that was read from Path.
func (w *Workload) ReadPool() (*Pool, error) {
	if w.Sessions.Pool == "" {
		return nil, fmt.Errorf("%s: sessions.pool: no session pool; fit the workload again", w.Path)
	}
	return readPool(filepath.Dir(w.Path), w)
}

// read reads one file, at most maxFile bytes of it.
func read(path string, partial bool) (*Workload, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	return decode(path, data, partial)
}

// inherit adds the thresholds and safety settings of the workload that w extends. Its own writes and
// its own word on unknown hosts stand; captured hosts add up, since more of them is safer.
func (w *Workload) inherit() error {
	path := filepath.Join(filepath.Dir(w.Path), filepath.FromSlash(w.Extends))
	if !strings.HasSuffix(path, ".yaml") || filepath.IsAbs(w.Extends) {
		return fmt.Errorf("%s: extends: %q: want the relative path of a .workload.yaml", w.Path, w.Extends)
	}
	base, err := read(path, true)
	if err != nil {
		return fmt.Errorf("%s: extends: %w", w.Path, err)
	}
	if base.Extends != "" {
		return fmt.Errorf("%s: extends: %s extends another file itself; one level is the limit", w.Path, path)
	}
	if f := checkThresholds("thresholds", base.Thresholds); f != nil {
		return fmt.Errorf("%s: extends: %s: %w", w.Path, path, f)
	}
	w.Thresholds = union(base.Thresholds, w.Thresholds)
	w.Safety.CapturedHosts = union(w.Safety.CapturedHosts, base.Safety.CapturedHosts)
	slices.Sort(w.Safety.CapturedHosts)
	w.Safety.HostsUnknown = w.Safety.HostsUnknown || base.Safety.HostsUnknown
	if len(w.Safety.AllowWrites) == 0 {
		w.Safety.AllowWrites = base.Safety.AllowWrites
	}
	return nil
}

// union is a and then what of b is not in it.
func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// takeOver moves what people own in the file at path into w and gives their comments.
func (w *Workload) takeOver(path string) (comments, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := newReader(path)
	old, err := decodeWith(r, data, true)
	if err != nil {
		return nil, fmt.Errorf("%w; it stays as it is: repair or move it", err)
	}
	if w.notes == nil {
		w.notes = map[string]string{}
	}
	w.Name, w.Extends = cmp.Or(old.Name, w.Name), old.Extends
	if !w.seedGiven && old.Seed != 0 {
		w.Seed = old.Seed
	}
	if r.heads["connections"] > 0 {
		w.Connections = old.Connections
	}
	if r.heads["thresholds"] > 0 {
		w.keepNotes("", w.Thresholds, old.Thresholds, old.notes)
		w.Thresholds = old.Thresholds
	}
	w.Safety = old.Safety.update(w.Safety)
	byID := map[string]*Endpoint{}
	for i := range old.Endpoints {
		byID[old.Endpoints[i].ID] = &old.Endpoints[i]
	}
	for i := range w.Endpoints {
		e := &w.Endpoints[i]
		if o := byID[e.ID]; o != nil {
			w.keepNotes(e.ID, e.Thresholds, o.Thresholds, old.notes)
			e.Thresholds, e.Expect = o.Thresholds, o.Expect
		}
	}
	return headComments(data, r.heads), nil
}

// keepNotes takes over the comments behind thresholds that stay, and drops ours behind those that go.
func (w *Workload) keepNotes(endpoint string, proposed, kept []string, notes map[string]string) {
	for _, t := range proposed {
		delete(w.notes, noteKey(endpoint, t))
	}
	for _, t := range kept {
		if n := notes[noteKey(endpoint, t)]; n != "" {
			w.notes[noteKey(endpoint, t)] = n
		}
	}
}

// update is what stands after a new capture. Hosts add up. That the hosts are all known is kept as
// people's word where the capture names no host that they did not list.
func (s Safety) update(fresh Safety) Safety {
	hosts := union(s.CapturedHosts, fresh.CapturedHosts)
	vouched := !s.HostsUnknown && len(s.CapturedHosts) > 0 && len(hosts) == len(s.CapturedHosts)
	slices.Sort(hosts)
	return Safety{CapturedHosts: hosts, HostsUnknown: fresh.HostsUnknown && !vouched, AllowWrites: s.AllowWrites}
}

// comments are comment lines by what they stand above: a top-level key, "" for the head of the file, or
// the ID of an endpoint.
type comments map[string][]string

// headComments finds the comments of people right above the given lines.
func headComments(data []byte, heads map[string]int) comments {
	ours := map[string]bool{}
	for _, h := range heading {
		for l := range strings.SplitSeq(h, "\n") {
			ours["# "+l] = true
		}
	}
	lines := strings.Split(string(data), "\n")
	out := comments{}
	for key, line := range heads {
		var above []string
		for i := line - 2; i >= 0 && i < len(lines); i-- {
			l := strings.TrimSpace(lines[i])
			if !strings.HasPrefix(l, "#") {
				break
			}
			if !ours[l] {
				above = append(above, l)
			}
		}
		slices.Reverse(above)
		if key == "schema" {
			key = ""
		}
		if len(above) > 0 {
			out[key] = above
		}
	}
	return out
}
