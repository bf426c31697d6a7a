// Rustcalls calls Rust, which calls Go, level by level, on Go's threads and on
// threads that Rust makes, and checks what it returns.
package main

// #cgo CFLAGS: -I${SRCDIR}/rust
// #cgo LDFLAGS: -lrustcalls -lgcc_s -lm -lpthread -ldl
// #include "rustcalls.h"
// uint64_t goStep(uint32_t level, uint64_t value);
import "C"

import (
	"flag"
	"fmt"
	"log"
	"time"
)

func main() {
	levels := flag.Uint("levels", 5, "calls of goStep in one stack")
	rounds := flag.Int("rounds", 1, "how many times to go down")
	threads := flag.Bool("threads", false, "start in threads of Rust's")
	pause := flag.Duration("pause", 0, "how long to wait after each round")
	flag.Parse()
	for round := 0; round < *rounds; round++ {
		got := start(*levels, uint64(round), *threads) // STACK: main.main calls main.start
		if want := expected(*levels, uint64(round), *threads); got != want {
			log.Fatalf("round %d: the library gave %d, not %d", round, got, want)
		}
		time.Sleep(*pause)
	}
	fmt.Printf("%d rounds right\n", *rounds)
}

//go:noinline
func start(levels uint, value uint64, thread bool) uint64 {
	if thread {
		return uint64(C.rustcalls_in_thread(C.uint32_t(levels), C.uint64_t(value), C.rustcalls_step(C.goStep)))
	}
	return down(levels, value) // STACK: main.start calls main.down
}

//go:noinline
func down(level uint, value uint64) uint64 {
	return uint64(C.rustcalls_down(C.uint32_t(level), C.uint64_t(value), C.rustcalls_step(C.goStep))) // STACK: main.down calls rustcalls_down
}

//go:noinline
//export goStep
func goStep(level C.uint32_t, value C.uint64_t) C.uint64_t {
	return C.uint64_t(down(uint(level)-1, uint64(value))) // STACK: main.goStep calls main.down
}

// expected is the same without a call.
func expected(levels uint, value uint64, thread bool) uint64 {
	result := (value + 1) ^ 1
	for level := uint(0); level < levels; level++ {
		result = (result + 120 + value) ^ 2
	}
	if thread {
		result++
	}
	return result
}
