// Deep calls a deep C recursion from a chain of Go functions, some of them
// inlined, and checks what the recursion returns.
package main

// #cgo CFLAGS: -I${SRCDIR}/c
// #cgo LDFLAGS: -ldeep
// #include "deep.h"
import "C"

import (
	"flag"
	"fmt"
	"log"
	"time"
)

func main() {
	depth := flag.Int("depth", 40, "calls of deep_recurse in one stack, 1 to 4096")
	levels := flag.Int("levels", 8, "calls of main.descend in one stack, at least 1")
	rounds := flag.Int("rounds", 1, "how many times to go down")
	pause := flag.Duration("pause", 0, "how long to wait after each round")
	flag.Parse()
	if *depth < 1 || *depth > 4096 || *levels < 1 {
		log.Fatal("depth must be 1 to 4096, levels at least 1")
	}

	for round := 0; round < *rounds; round++ {
		seed := uint64(round)
		got := descend(*levels, *depth, seed) // STACK: main.main calls main.descend
		if want := uint64(C.deep_expected(C.uint(*depth), C.uint64_t(seed))); got != want {
			log.Fatalf("round %d: the recursion gave %#x, not %#x", round, got, want)
		}
		time.Sleep(*pause)
	}
	fmt.Printf("%d rounds right\n", *rounds)
}

//go:noinline
func descend(levels, depth int, seed uint64) uint64 {
	if levels > 1 {
		return descend(levels-1, depth, seed) // STACK: main.descend calls itself
	}
	return enter(depth, seed) // STACK: main.descend calls main.enter
}

// enter and cross are small: the compiler inlines both into descend.
func enter(depth int, seed uint64) uint64 {
	return cross(C.uint(depth), C.uint64_t(seed)) // STACK: main.enter calls main.cross
}

func cross(depth C.uint, seed C.uint64_t) uint64 {
	return uint64(C.deep_start(depth, seed)) // STACK: main.cross calls deep_start
}
