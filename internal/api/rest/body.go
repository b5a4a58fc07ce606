package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/purserhq/purser/internal/base/errs"
)

// keepBuffer is the largest buffer that goes back to the pool.
const keepBuffer = 64 << 10

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func freeBuffer(b *bytes.Buffer) {
	if b.Cap() <= keepBuffer {
		b.Reset()
		buffers.Put(b)
	}
}

// readBody returns the decoded body; ok is false when there is none. Numbers keep their text.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) (tree any, ok bool, err error) {
	if r.ContentLength > limit {
		return nil, false, tooLarge(limit)
	}
	buf := buffers.Get().(*bytes.Buffer)
	defer freeBuffer(buf)
	if _, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, limit)); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, false, tooLarge(limit)
		}
		return nil, false, errs.BadUserInput.At("body", "ends too early").Wrap(err)
	}
	body := buf.Bytes()
	if len(body) == 0 {
		return nil, false, nil
	}
	if !isJSON(r.Header) {
		return nil, false, errs.UnsupportedMediaType
	}
	tree, err = decode(body)
	return tree, err == nil, err
}

func tooLarge(limit int64) error {
	return errs.PayloadTooLarge.Because("The request body is larger than %d bytes.", limit)
}

func isJSON(h http.Header) bool {
	if enc := h.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return false
	}
	ct := h.Get("Content-Type")
	if ct == "application/json" {
		return true
	}
	media, params, err := mime.ParseMediaType(ct)
	if err != nil {
		return false
	}
	if cs, ok := params["charset"]; ok && !strings.EqualFold(cs, "utf-8") {
		return false
	}
	return media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
}

func decode(body []byte) (tree any, err error) {
	if !utf8.Valid(body) {
		return nil, errs.BadUserInput.At("body", "is not valid JSON: it must be UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&tree); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return nil, errs.BadUserInput.At("body", "is not valid JSON: it ends too early")
		}
		return nil, errs.BadUserInput.At("body", "is not valid JSON: %v", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errs.BadUserInput.At("body", "is not valid JSON: something follows it")
	}
	return tree, nil
}

// fill decodes canonical JSON into a struct. It was checked before, so an error here is about something that no schema
// says.
func fill(canonical []byte, into any) error {
	err := json.Unmarshal(canonical, into)
	if err == nil {
		return nil
	}
	path := "body"
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		path = wrong.Field
	}
	return errs.BadUserInput.At(path, "has a wrong type or size").Wrap(err)
}
