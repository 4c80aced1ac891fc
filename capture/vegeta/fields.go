package vegeta

import (
	"bytes"
	"encoding/json"
	"fmt"

	"trafficreplay/capture"
)

// fields are a header as JSON has it: names with their values, in the order of the file.
type fields []fieldValues

type fieldValues struct {
	name   string
	values []string
}

// UnmarshalJSON reads {"Name":["value",…],…}; one value may stand without brackets.
func (f *fields) UnmarshalJSON(b []byte) error {
	*f = (*f)[:0]
	if string(b) == "null" {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("header: want an object")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		v := fieldValues{name: name.(string)}
		var one string
		if json.Unmarshal(raw, &one) == nil {
			v.values = []string{one}
		} else if err := json.Unmarshal(raw, &v.values); err != nil {
			return err
		}
		*f = append(*f, v)
	}
	return nil
}

// MarshalJSON writes what UnmarshalJSON reads.
func (f fields) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, v := range f {
		name, err := json.Marshal(v.name)
		if err != nil {
			return nil, err
		}
		values, err := json.Marshal(v.values)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, name...), ':'), values...)
	}
	return append(b, '}'), nil
}

// appendTo appends the fields one by one.
func (f fields) appendTo(hs []capture.Header) []capture.Header {
	for _, v := range f {
		for _, value := range v.values {
			hs = append(hs, capture.Header{Name: []byte(v.name), Value: []byte(value)})
		}
	}
	return hs
}

// add adds a field behind those of its name.
func (f fields) add(name, value string) fields {
	for i := range f {
		if f[i].name == name {
			f[i].values = append(f[i].values, value)
			return f
		}
	}
	return append(f, fieldValues{name, []string{value}})
}
