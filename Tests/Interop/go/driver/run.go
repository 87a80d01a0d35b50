// One run of a scenario: its calls, its checks, and its questions to the harness.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/golang/protobuf/proto"

	api "daypass/providerapi"
)

// session is what a scenario works with.
type session struct {
	options
	*channel
	answers *bufio.Scanner
}

// run plays a scenario over a fresh channel, prints what came of it, and returns the number of failures.
func run(name string, scenario func(*session) error, o options) (failures int) {
	channel, err := dial(o.socket, o.authority)
	if err == nil {
		defer channel.Close()
		err = scenario(&session{o, channel, bufio.NewScanner(os.Stdin)})
	}
	if err == nil {
		err = channel.wire.checkAttempts()
	}
	if err != nil {
		fmt.Printf("FAIL %s: %v\n", name, err)
		return 1
	}
	fmt.Printf("ok %s\n", name)
	return 0
}

// ask has the harness do something on the server's side, and waits until it is done.
func (s *session) ask(what string) error {
	fmt.Println("ask " + what)
	if !s.answers.Scan() {
		return fmt.Errorf("nobody answered %q", "ask "+what)
	}
	if answer := strings.TrimSpace(s.answers.Text()); answer != "done" {
		return fmt.Errorf("asked for %q: %s", what, answer)
	}
	return nil
}

// version calls Version and checks the answer.
func (s *session) version() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	answer, err := s.provider.Version(ctx, &api.VersionRequest{Version: "v1alpha1"})
	switch {
	case err != nil:
		return fmt.Errorf("Version: %s", describe(err))
	case answer.Version != "v1alpha1" || answer.RuntimeName == "" || answer.RuntimeVersion == "":
		return fmt.Errorf("Version answered %v", answer)
	}
	return nil
}

// mount calls Mount and checks the answer as the driver does. It returns the answer's bytes.
func (s *session) mount(ctx context.Context, request *api.MountRequest) ([]byte, error) {
	answer, err := s.provider.Mount(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("Mount: %s", describe(err))
	}
	if err := checkAnswer(answer); err != nil {
		return nil, err
	}
	return proto.Marshal(answer)
}

// mountInTime is mount with the deadline of an ordinary call.
func (s *session) mountInTime(request *api.MountRequest) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	return s.mount(ctx, request)
}

// refusal calls Mount and returns the error, nil when there was none.
func (s *session) refusal(request *api.MountRequest) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	_, err := s.provider.Mount(ctx, request)
	return err
}
