// The program around the stand-in provider: serves on a socket until it is ended.
package main

import (
	"flag"
	"log"

	"daypass/interop/standin"
)

func main() {
	socket := flag.String("socket", "", "the Unix socket to serve on")
	flag.Parse()
	provider, err := standin.Listen(*socket)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(provider.Serve())
}
