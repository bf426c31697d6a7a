// Throws has C++ exceptions go through a shared library, from the executable
// and back into it.
package main

// #cgo CXXFLAGS: -I${SRCDIR}/c -fomit-frame-pointer
// #cgo LDFLAGS: -lthrows -lstdc++
// #include "thrower.h"
import "C"

import (
	"flag"
	"fmt"
	"log"
)

func main() {
	kind := flag.String("kind", "destructor", "which way to go: destructor, handler, translated, picked")
	rounds := flag.Int("rounds", 1, "how many times")
	flag.Parse()
	for round := 0; round < *rounds; round++ {
		got, want := C.uint64_t(0), C.uint64_t(round)+1
		switch *kind {
		case "destructor":
			got = C.thrower_destructor(C.uint64_t(round)) // STACK: main.main calls thrower_destructor
		case "handler":
			got = C.thrower_handler(C.uint64_t(round)) // STACK: main.main calls thrower_handler
		case "translated":
			got = C.thrower_translated(C.uint64_t(round)) // STACK: main.main calls thrower_translated
		case "picked":
			got = C.thrower_picked(C.uint64_t(round)) // STACK: main.main calls thrower_picked
		}
		if got != want {
			log.Fatalf("round %d: %s gave %d", round, *kind, got)
		}
	}
	fmt.Printf("%d rounds right\n", *rounds)
}
