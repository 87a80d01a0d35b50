// Checks the two clients against the stand-in provider: each scenario passes where the provider is good, and fails
// where it has the fault that the scenario is there to find.
package selfcheck

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"daypass/interop/standin"
)

var drivers = flag.String("drivers", "", "the folder of go-driver and cpp-driver")

// limit bounds each wait: generous, for a busy machine.
const limit = time.Minute

type check struct {
	scenario, attributes string
	flags                []string
	failure              string // what the client must find, or nothing
	only                 string // the client that can find it, or both
}

var checks = []check{
	{scenario: "version"},
	{scenario: "mount"},
	{scenario: "mount", flags: []string{"--authority", "raw"}},
	{scenario: "mount", attributes: "standin-empty", failure: "no file"},
	{scenario: "mount", attributes: "standin-path", failure: "refuses the path"},
	{scenario: "mount", attributes: "standin-refuse", failure: "PERMISSION_DENIED: no-grant"},
	{scenario: "mount", attributes: "standin-down", failure: "UNAVAILABLE"},
	{scenario: "republish"},
	{scenario: "republish", attributes: "standin-counter", failure: "other bytes"},
	{scenario: "refused", attributes: "standin-refuse",
		flags: []string{"--expect-code", "PERMISSION_DENIED", "--expect-text", "no-grant"}},
	{scenario: "refused", failure: "answered, not refused"},
	{scenario: "refused", attributes: "standin-refuse", flags: []string{"--expect-code", "INTERNAL"},
		failure: "not INTERNAL but PERMISSION_DENIED"},
	{scenario: "refused", attributes: "standin-refuse", flags: []string{"--expect-text", "grants:"},
		failure: `lacks "grants:"`},
	{scenario: "refused", attributes: "standin-two-lines", failure: "not one line"},
	{scenario: "refused", attributes: "standin-headers", failure: "not Trailers-Only", only: "go-driver"},
	{scenario: "large"},
	{scenario: "large", flags: []string{"--size", "1000000"}, failure: "answered, not refused"},
	{scenario: "large", attributes: "standin-exhausted", failure: "not final: RESOURCE_EXHAUSTED"},
	{scenario: "concurrent"},
	{scenario: "concurrent", attributes: "standin-counter", failure: "other bytes"},
	{scenario: "deadline", attributes: "standin-hang", flags: []string{"--deadline-ms", "500"}},
	{scenario: "deadline", failure: "not DEADLINE_EXCEEDED but OK"},
	{scenario: "cancel", attributes: "standin-hang"},
	{scenario: "reconnect"},
	{scenario: "restart"},
	{scenario: "drain", attributes: "standin-hang"},
	{scenario: "handover", flags: []string{"--callers", "4"}, only: "go-driver"},
	{scenario: "handover", attributes: "standin-refuse", flags: []string{"--callers", "4"},
		failure: "PERMISSION_DENIED: no-grant", only: "go-driver"},
	{scenario: "load", flags: []string{"--callers", "4", "--calls", "200", "--warm-up", "10"}, only: "cpp-driver"},
}

func TestClients(t *testing.T) {
	for _, client := range []string{"go-driver", "cpp-driver"} {
		for _, check := range checks {
			client, check := client, check
			if check.only != "" && check.only != client {
				continue
			}
			name := strings.Join(append([]string{client, check.scenario, check.attributes}, check.flags...), " ")
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				server := newHarness(t)
				flags := append([]string{check.scenario, "--attributes-file", server.attributes(check.attributes)},
					check.flags...)
				output, err := server.play(client, flags...)
				switch {
				case check.failure == "" && (err != nil || !strings.HasSuffix(output, "ok "+check.scenario+"\n")):
					t.Errorf("%v, printed:\n%s", err, output)
				case check.failure != "" && err == nil:
					t.Errorf("passed, although the provider has a fault; printed:\n%s", output)
				case check.failure != "" && !strings.Contains(lastLine(output), check.failure):
					t.Errorf("did not fail with %q, but printed:\n%s", check.failure, output)
				}
			})
		}
	}
}

func TestAuthority(t *testing.T) {
	expected := map[string]func(string) string{
		"localhost": func(string) string { return "localhost" },
		"raw":       func(socket string) string { return socket },
		"encoded":   url.PathEscape,
	}
	for _, client := range []string{"go-driver", "cpp-driver"} {
		for authority, expected := range expected {
			server := newHarness(t)
			output, err := server.play(client, "version", "--authority", authority)
			if err != nil || server.provider.Authority() != expected(server.socket) {
				t.Errorf("%s %s: %v, sent %q:\n%s", client, authority, err, server.provider.Authority(), output)
			}
		}
	}
}

// harness is the server's side: a provider with a folder of its own.
type harness struct {
	*testing.T
	socket   string
	provider *standin.Provider
}

func newHarness(t *testing.T) *harness {
	folder, err := os.MkdirTemp("", "interop")
	if err != nil {
		t.Fatal(err)
	}
	server := &harness{T: t, socket: filepath.Join(folder, "p.sock")}
	if err := server.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.stop()
		_ = os.RemoveAll(folder)
	})
	return server
}

// play runs a client to its end, does what it asks for, and returns what it printed.
func (h *harness) play(client string, arguments ...string) (string, error) {
	command := exec.Command(filepath.Join(*drivers, client), append(arguments, "--socket", h.socket)...)
	command.Stderr = os.Stderr
	questions, err := command.StdoutPipe()
	if err != nil {
		return "", err
	}
	answers, err := command.StdinPipe()
	if err != nil {
		return "", err
	}
	if err := command.Start(); err != nil {
		return "", err
	}
	watchdog := time.AfterFunc(limit, func() { _ = command.Process.Kill() })
	defer watchdog.Stop()
	output := ""
	for lines := bufio.NewScanner(questions); lines.Scan(); {
		output += lines.Text() + "\n"
		if question := strings.TrimPrefix(lines.Text(), "ask "); question != lines.Text() {
			answer := "done"
			if err := h.answer(question); err != nil {
				answer = err.Error()
			}
			fmt.Fprintln(answers, answer)
		}
	}
	return output, command.Wait()
}

// attributes writes a file of attributes that hold the word.
func (h *harness) attributes(word string) string {
	file := filepath.Join(filepath.Dir(h.socket), "attributes.json")
	if err := os.WriteFile(file, []byte(fmt.Sprintf(`{"asked": %q}`, word)), 0600); err != nil {
		h.Fatal(err)
	}
	return file
}

func (h *harness) start() (err error) {
	if h.provider, err = standin.Listen(h.socket); err == nil {
		go h.provider.Serve()
	}
	return err
}

func (h *harness) stop() {
	h.provider.Release()
	h.provider.Stop()
}

// answer does what a client asks for.
func (h *harness) answer(question string) error {
	switch question {
	case "stop":
		h.stop()
		return nil
	case "start":
		return h.start()
	case "handover":
		h.stop()
		return h.start()
	case "drain":
		go h.provider.Drain()
		time.AfterFunc(100*time.Millisecond, h.provider.Release)
		return nil
	case "arrived":
		return wait(h.provider.Arrived)
	case "ended":
		return wait(h.provider.Ended)
	}
	return errors.New("unknown question")
}

func wait(event chan struct{}) error {
	select {
	case <-event:
		return nil
	case <-time.After(limit):
		return errors.New("it did not happen")
	}
}

func lastLine(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	return lines[len(lines)-1]
}
