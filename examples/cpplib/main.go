// Cpplib calls a C++ library and checks what it returns.
package main

// #cgo CFLAGS: -I${SRCDIR}/c
// #cgo LDFLAGS: -lcpplib -lstdc++
// #include "cpplib.h"
import "C"

import (
	"flag"
	"fmt"
	"log"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 1, "how many times to call the library")
	pause := flag.Duration("pause", 0, "how long to wait after each round")
	flag.Parse()
	for round := 0; round < *rounds; round++ {
		got := uint64(C.cpplib_visit(C.uint32_t(round))) // STACK: main.main calls cpplib_visit
		if want := 1000 + ((uint64(round)+1)^1)*2; got != want {
			log.Fatalf("round %d: the library gave %d, not %d", round, got, want)
		}
		time.Sleep(*pause)
	}
	fmt.Printf("%d rounds right\n", *rounds)
}
