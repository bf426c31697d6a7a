// Oddcode calls C, C++ and assembly whose frames are hard to find.
package main

// #cgo CFLAGS: -I${SRCDIR}/c
// #cgo LDFLAGS: -loddcode -lstdc++
// #include "oddcode.h"
import "C"

import (
	"flag"
	"fmt"
	"log"
	"time"
)

func main() {
	kind := flag.String("kind", "alloca", "which function to call")
	rounds := flag.Int("rounds", 1, "how many times to call it")
	pause := flag.Duration("pause", 0, "how long to wait after each round")
	flag.Parse()
	for round := 0; round < *rounds; round++ {
		got := call(*kind, C.uint64_t(round)) // STACK: main.main calls main.call
		if got != C.uint64_t(round)+1 {
			log.Fatalf("round %d: %s gave %d", round, *kind, got)
		}
		time.Sleep(*pause)
	}
	fmt.Printf("%d rounds right\n", *rounds)
}

//go:noinline
func call(kind string, value C.uint64_t) C.uint64_t { // STACK: main.call entry
	switch kind {
	case "alloca":
		return C.odd_alloca(value) // STACK: main.call calls odd_alloca
	case "realigned":
		return C.odd_realigned(value) // STACK: main.call calls odd_realigned
	case "jump":
		return C.odd_jump(value) // STACK: main.call calls odd_jump
	case "exception":
		return C.odd_exception(value) // STACK: main.call calls odd_exception
	case "tail":
		return C.odd_tail(value) // STACK: main.call calls odd_tail
	case "cold":
		return C.odd_cold(value) // STACK: main.call calls odd_cold
	case "rbx":
		return C.odd_rbx(value) // STACK: main.call calls odd_rbx
	case "expression":
		return C.odd_expression(value) // STACK: main.call calls odd_expression
	case "sum":
		return C.odd_sum(value) // STACK: main.call calls odd_sum
	case "without-rows":
		return C.odd_without_rows(value) // STACK: main.call calls odd_without_rows
	case "write":
		return C.odd_write(value) // STACK: main.call calls odd_write
	case "direct":
		C.odd_direct(&value) // STACK: main.call calls odd_direct
		return value
	}
	return 0
}
