// Go as a library of a C program. Says on stdout which goroutine calls C.
package main

// #include <stdint.h>
// uint64_t without_rows(uint64_t value);
import "C"

import (
	"os"
	"runtime"
	"strings"
)

func main() {}

//export GoWork
func GoWork(value C.uint64_t) C.uint64_t {
	return work(value)
}

// GoSpawn does the same on a goroutine of Go's own.
//
//export GoSpawn
func GoSpawn(value C.uint64_t) C.uint64_t {
	done := make(chan C.uint64_t)
	go func() { done <- work(value) }()
	return <-done
}

//go:noinline
func work(value C.uint64_t) C.uint64_t {
	var text [64]byte
	id := strings.Fields(string(text[:runtime.Stack(text[:], false)]))[1]
	os.Stdout.WriteString(id + "\n")
	return callC(value) + 1
}

// A function that may grow its stack, or be preempted there, starts again and is hit twice.
//
//go:noinline
//go:nosplit
func callC(value C.uint64_t) C.uint64_t {
	return C.without_rows(value)
}
