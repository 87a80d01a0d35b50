// A client that plays the Secrets Store CSI driver on grpc-go, the driver's own stack: `go-driver SCENARIO [flags]`.
//
// It prints `ok NAME` or `FAIL NAME: why` for each thing that it checked, and exits 1 when one failed. Where a scenario
// needs something of the server's side it prints `ask WHAT` and waits for a line: `done`, or why it cannot be done.
package main

import (
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
	"syscall"
	"time"
)

// options is what the flags say.
type options struct {
	socket, authority           string
	attributeFiles, targetPaths list
	secrets, permission         string
	expectCode                  string
	expectTexts                 list
	callers, size               int
	timeout, deadline           time.Duration
}

// list is a flag that may be given more than once.
type list []string

func (l *list) String() string         { return strings.Join(*l, ",") }
func (l *list) Set(value string) error { *l = append(*l, value); return nil }

func main() {
	repeatWithRetries()
	if len(os.Args) < 2 || scenarios[os.Args[1]] == nil {
		names := []string{}
		for name := range scenarios {
			names = append(names, name)
		}
		sort.Strings(names)
		fmt.Fprintln(os.Stderr, "usage: go-driver SCENARIO [flags]; scenarios:", strings.Join(names, " "))
		os.Exit(64)
	}
	o := parse(os.Args[2:])
	if run(os.Args[1], scenarios[os.Args[1]], o) > 0 {
		os.Exit(1)
	}
}

// parse reads the flags.
func parse(arguments []string) options {
	o := options{}
	flags := flag.NewFlagSet("go-driver", flag.ExitOnError)
	flags.StringVar(&o.socket, "socket", "", "the provider's Unix socket")
	flags.StringVar(&o.authority, "authority", "localhost",
		"the :authority to send: localhost (driver v1.6), raw (the path, driver v1.5), or any other text")
	flags.Var(&o.attributeFiles, "attributes-file", "a file with the attributes, sent as it is; repeat for more volumes")
	flags.Var(&o.targetPaths, "target-path", "the target path that goes with the attributes at the same place")
	flags.StringVar(&o.secrets, "secrets", "null", "the secrets, a JSON object")
	flags.StringVar(&o.permission, "permission", "420", "the permission, a JSON number")
	flags.StringVar(&o.expectCode, "expect-code", "", "the status codes that may come, such as PERMISSION_DENIED,INTERNAL")
	flags.Var(&o.expectTexts, "expect-text", "a text that the status message must hold; may be repeated")
	flags.IntVar(&o.callers, "callers", 100, "the callers of `concurrent`")
	flags.IntVar(&o.size, "size", 5<<20, "the bytes of attributes of `large`")
	timeout := flags.Int64("timeout-ms", 60_000, "the deadline of an ordinary call")
	deadline := flags.Int64("deadline-ms", 2_000, "the deadline of the call that must not end in time")
	_ = flags.Parse(arguments)
	o.timeout = time.Duration(*timeout) * time.Millisecond
	o.deadline = time.Duration(*deadline) * time.Millisecond
	if o.socket == "" || flags.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "go-driver: --socket is needed, and no other arguments than flags")
		os.Exit(64)
	}
	return o
}

// repeatWithRetries starts this program anew with retries on: grpc-go 1.33 reads that from the environment before main.
// The driver's grpc-go has them on by itself.
func repeatWithRetries() {
	if os.Getenv("GRPC_GO_RETRY") == "on" {
		return
	}
	path, err := os.Executable()
	if err == nil {
		err = syscall.Exec(path, os.Args, append(os.Environ(), "GRPC_GO_RETRY=on"))
	}
	fmt.Fprintln(os.Stderr, "go-driver: cannot start itself with retries:", err)
	os.Exit(70)
}
