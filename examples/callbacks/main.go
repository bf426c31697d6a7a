// Callbacks goes from Go to C and back to Go, level by level, and checks the
// number that the C functions make of their registers.
package main

// #cgo CFLAGS: -I${SRCDIR}/c
// #cgo LDFLAGS: -lcallbacks
// #include "callbacks.h"
import "C"

import (
	"flag"
	"fmt"
	"log"
	"runtime"
	"time"
	"unsafe"
)

// move says whether callbacks move the goroutine's stack.
var move bool

// moves counts how often a stack was at another place than before.
var moves int

func main() {
	levels := flag.Int("levels", 6, "calls of goStep in one stack")
	rounds := flag.Int("rounds", 1, "how many times to go down")
	pause := flag.Duration("pause", 0, "how long to wait after each round")
	flag.BoolVar(&move, "move", false, "grow and shrink the goroutine's stack in each callback")
	flag.Parse()

	for round := 0; round < *rounds; round++ {
		seed := uint64(round)
		done := make(chan uint64)
		// A stack of its own, which is small at first.
		go func() {
			done <- down(uint(*levels), seed) // STACK: main.main.func1 calls main.down
		}()
		got := <-done
		if want := uint64(C.callbacks_expected(C.unsigned(*levels), C.uint64_t(seed))); got != want {
			log.Fatalf("round %d: the callbacks gave %#x, not %#x", round, got, want)
		}
		time.Sleep(*pause)
	}
	if move && moves < *levels**rounds {
		log.Fatalf("the stack moved %d times only", moves)
	}
	fmt.Printf("%d rounds right\n", *rounds)
}

//go:noinline
func down(level uint, seed uint64) uint64 {
	return uint64(C.callbacks_down(C.unsigned(level), C.uint64_t(seed))) // STACK: main.down calls callbacks_down
}

//export goStep
func goStep(level C.unsigned, seed C.uint64_t) C.uint64_t { // STACK: goStep entry
	if move {
		moveStack(uint(level))
	}
	return C.uint64_t(down(uint(level)-1, uint64(seed))) // STACK: main.goStep calls main.down
}

// moveStack makes the stack large, and on every second level small again.
//
//go:noinline
func moveStack(level uint) {
	var here byte
	before := uintptr(unsafe.Pointer(&here))
	fill(16 << (7 - level%8))
	if now := uintptr(unsafe.Pointer(&here)); now != before {
		moves, before = moves+1, now
	}
	if level%2 == 0 {
		return
	}
	for collection := 0; collection < 4; collection++ {
		runtime.GC()
	}
	if uintptr(unsafe.Pointer(&here)) != before {
		moves++
	}
}

//go:noinline
func fill(depth int) byte {
	var frame [1024]byte
	frame[depth%len(frame)] = byte(depth)
	if depth == 0 {
		return frame[1]
	}
	return fill(depth-1) + frame[depth%len(frame)]
}
