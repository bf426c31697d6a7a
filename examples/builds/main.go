// Builds calls a library of C and C++ that is built in more than one way.
package main

// #cgo CFLAGS: -I${SRCDIR}/c
// #cgo LDFLAGS: -lbuilds -lstdc++
// #include "builds.h"
import "C"

import (
	"flag"
	"fmt"
	"log"
)

func main() {
	rounds := flag.Int("rounds", 1, "how many times to call it")
	flag.Parse()
	for round := 0; round < *rounds; round++ {
		value := C.uint64_t(round)
		if got := C.builds_enter(value); got != value+1 { // STACK: main.main calls builds_enter
			log.Fatalf("round %d: the library gave %d", round, got)
		}
	}
	fmt.Printf("%d rounds right\n", *rounds)
}
