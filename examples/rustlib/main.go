// Rustlib calls a Rust library, static, shared or loaded at run time, and
// checks what it returns.
package main

// #cgo !dlopen LDFLAGS: -lrustlib -lgcc_s -lm -lpthread
// #cgo dlopen CFLAGS: -DRUSTLIB_DLOPEN
// #cgo LDFLAGS: -ldl
// #include "call.h"
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
	once := flag.Bool("once", false, "call it once and exit 2 ms later")
	flag.Parse()
	if *once {
		*rounds, *pause = 1, 2*time.Millisecond
	}
	for round := 0; round < *rounds; round++ {
		got := call(uint32(round)) // STACK: main.main calls main.call
		if want := 1001 + ((uint64(round)+1)^1)*2; got != want {
			log.Fatalf("round %d: the library gave %d, not %d", round, got, want)
		}
		time.Sleep(*pause)
	}
	fmt.Printf("%d rounds right\n", *rounds)
}

// call is small: the compiler inlines it.
func call(value uint32) uint64 {
	return uint64(C.call_rustlib(C.uint32_t(value))) // STACK: main.call calls call_rustlib
}
