package capture

// A Sorter has requests that were redacted, checked and encoded when they were added. These methods take them as
// they are; whose hosts they name is told once, at the end. They belong to the Sorter alone: nothing else may
// write what no Redactor has seen.

// addLine writes the line of one request, its end included.
func (w *Writer) addLine(at int64, line []byte) error {
	if w.err != nil {
		return w.err
	}
	w.buf = append(w.buf, line...)
	w.count(1, at, at)
	return w.fullFrame()
}

// addFrame writes a whole frame of sorted requests. What was written before becomes a frame of its own.
func (w *Writer) addFrame(packed []byte, f *runFrame) error {
	if w.err != nil {
		return w.err
	}
	if w.inOut+len(w.buf) > 0 {
		w.send(true, false, nil)
	}
	spare := <-w.empty // with both buffers here the goroutine has nothing to do
	w.emit(packed)
	w.frames = append(w.frames, frameSize{uint32(len(packed)), f.size.plain})
	w.empty <- spare
	w.count(f.count, f.first, f.last)
	w.err = w.spoilt(w.failure())
	return w.err
}
