// What is sent and what is accepted: the requests from the flags, and the driver's own rules for an answer.
package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	api "daypass/providerapi"
)

// codeNames are the status codes as the specification writes them, by number.
var codeNames = strings.Fields(`OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS
	PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE
	DATA_LOSS UNAUTHENTICATED`)

// requests builds one MountRequest for each --attributes-file.
func requests(o options) ([]*api.MountRequest, error) {
	result := []*api.MountRequest{}
	for index, file := range o.attributeFiles {
		attributes, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		request := &api.MountRequest{Attributes: string(attributes), Secrets: o.secrets, Permission: o.permission}
		if index < len(o.targetPaths) {
			request.TargetPath = o.targetPaths[index]
		}
		result = append(result, request)
	}
	if len(result) == 0 {
		return nil, errors.New("--attributes-file is needed")
	}
	return result, nil
}

// padded returns the request with attributes of `size` bytes: a JSON object with one key more.
func padded(request *api.MountRequest, size int) (*api.MountRequest, error) {
	text := strings.TrimSpace(request.Attributes)
	text = strings.TrimSuffix(text, "}") + `,"padding":"`
	if len(text)+2 > size {
		return nil, fmt.Errorf("the attributes have more than %d bytes already", size)
	}
	result := *request
	result.Attributes = text + strings.Repeat("x", size-len(text)-2) + `"}`
	return &result, nil
}

// checkAnswer holds an answer against the rules that the driver applies before it writes a file, and one of ours: an
// answer without a file would leave the volume empty and the Pod running.
func checkAnswer(answer *api.MountResponse) error {
	if code := answer.GetError().GetCode(); code != "" {
		return fmt.Errorf("the answer holds the error code %q", code)
	}
	if len(answer.ObjectVersion) == 0 {
		return errors.New("the answer has no object version")
	}
	if len(answer.Files) == 0 {
		return errors.New("the answer has no file")
	}
	for _, file := range answer.Files {
		if !validPath(file.Path) {
			return fmt.Errorf("the driver refuses the path %q", file.Path)
		}
		if file.Mode <= 0 || file.Mode > 0777 {
			return fmt.Errorf("the file %s has the mode %#o", file.Path, file.Mode)
		}
	}
	return nil
}

// validPath says whether the driver takes the path: relative, in its shortest form, inside the volume.
func validPath(file string) bool {
	if file == "" || len(file) > 4096 || path.IsAbs(file) || path.Clean(file) != file || strings.HasPrefix(file, "..") {
		return false
	}
	for _, element := range strings.Split(file, "/") {
		if len(element) > 255 || element == ".." {
			return false
		}
	}
	return true
}

// checkRefusal holds an error against the rules of a refusal: a code that is final for kubelet, a text of one line, and
// what --expect-code and --expect-text say.
func checkRefusal(err error, o options) error {
	if err == nil {
		return errors.New("the call was answered, not refused")
	}
	refusal := status.Convert(err)
	switch refusal.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Unavailable, codes.ResourceExhausted, codes.Aborted:
		return fmt.Errorf("the code is not final: %s", describe(err))
	}
	if text := refusal.Message(); text == "" || strings.ContainsAny(text, "\r\n") {
		return fmt.Errorf("the text is not one line: %s", describe(err))
	}
	return checkExpected(err, o)
}

// checkExpected compares an error with --expect-code and --expect-text.
func checkExpected(err error, o options) error {
	if o.expectCode != "" && !strings.Contains(","+o.expectCode+",", ","+codeName(err)+",") {
		return fmt.Errorf("not %s but %s", o.expectCode, describe(err))
	}
	for _, text := range o.expectTexts {
		if !strings.Contains(status.Convert(err).Message(), text) {
			return fmt.Errorf("the text lacks %q: %s", text, describe(err))
		}
	}
	return nil
}

// describe shows an error as `CODE: text`, on one line.
func describe(err error) string {
	text := strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(status.Convert(err).Message())
	return codeName(err) + ": " + text
}

// codeName names the error's status code as the specification does.
func codeName(err error) string {
	if code := int(status.Code(err)); code < len(codeNames) {
		return codeNames[code]
	}
	return "code " + fmt.Sprint(uint32(status.Code(err)))
}
