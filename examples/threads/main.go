// Threads lets C make threads, of which some call Go, and checks what they give.
package main

// #cgo CFLAGS: -I${SRCDIR}/c
// #cgo LDFLAGS: -lthreads -lpthread
// #include "threads.h"
import "C"

import (
	"flag"
	"fmt"
	"log"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 1, "how many threads of each kind to start")
	pause := flag.Duration("pause", 0, "how long to wait after each round")
	flag.Parse()
	for round := 0; round < *rounds; round++ {
		value := C.uint64_t(round)
		if got, want := C.threads_alone(value), 2*value+131; got != want {
			log.Fatalf("round %d: a thread alone gave %d, not %d", round, got, want)
		}
		if got, want := C.threads_through_go(value), 2*value+1131; got != want {
			log.Fatalf("round %d: a thread that calls Go gave %d, not %d", round, got, want)
		}
		time.Sleep(*pause)
	}
	fmt.Printf("%d rounds right\n", *rounds)
}

//go:noinline
//export goVisit
func goVisit(value C.uint64_t) C.uint64_t { // STACK: goVisit entry
	return C.threads_inner(value) + 1000 // STACK: main.goVisit calls threads_inner
}
