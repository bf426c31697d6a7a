// Mallocs has many threads call malloc from a few known places, while the
// goroutines' stacks grow and shrink, and says how often from which.
package main

// #cgo CFLAGS: -I${SRCDIR}/c
// #cgo LDFLAGS: -lmallocs -lpthread
// #include <stdlib.h>
// #include "mallocs.h"
import "C"

import (
	"flag"
	"fmt"
	"log"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// ways are all ways to malloc, each in a function of its own.
var ways = [...]func(size C.size_t) C.int{plain, deep, back, text, thread, threadBack}

func main() {
	workers := flag.Int("workers", 8, "goroutines")
	rounds := flag.Int("rounds", 1, "how often to go each way")
	pause := flag.Duration("pause", 0, "how long a worker waits after each 64 calls")
	flag.Parse()

	var next atomic.Int64
	var done sync.WaitGroup
	for worker := 0; worker < *workers; worker++ {
		done.Add(1)
		go work(func() (int, bool) {
			ticket := next.Add(1) - 1
			if *pause > 0 && ticket%64 == 0 {
				time.Sleep(*pause)
			}
			return int(ticket) % len(ways), ticket < int64(*rounds*len(ways))
		}, &done)
	}
	done.Wait()
	fmt.Printf("%d rounds right\n", *rounds)
}

//go:noinline
func work(next func() (int, bool), done *sync.WaitGroup) {
	defer done.Done()
	for {
		way, more := next()
		if !more {
			return
		}
		garbage = make([]byte, 1024)
		if ways[way](C.size_t(24+way*16)) != 0 { // STACK: main.work goes a way
			log.Fatal("no memory")
		}
	}
}

var garbage []byte

//go:noinline
func plain(size C.size_t) C.int {
	return C.mallocs_plain(size) // STACK: main.plain calls mallocs_plain
}

//go:noinline
func deep(size C.size_t) C.int {
	return C.mallocs_deep(9, size+C.size_t(grow(40))) // STACK: main.deep calls mallocs_deep
}

//go:noinline
func back(size C.size_t) C.int {
	return C.mallocs_back(3000, size) // STACK: main.back calls mallocs_back
}

//go:noinline
func text(C.size_t) C.int {
	text := C.CString("a text of Go") // STACK: main.text calls CString
	C.free(unsafe.Pointer(text))
	return 0
}

//go:noinline
func thread(size C.size_t) C.int {
	return C.mallocs_thread(0, size)
}

//go:noinline
func threadBack(size C.size_t) C.int {
	return C.mallocs_thread(1, size)
}

// goBack is called by C, makes the stack grow or has it scanned and shrunk, and
// calls C again.
//
//export goBack
func goBack(size C.size_t) C.int {
	grown := C.size_t(grow(60))
	runtime.Gosched()
	return C.mallocs_plain(size + grown) // STACK: main.goBack calls mallocs_plain
}

// grow needs about 300 bytes of stack for each level.
//
//go:noinline
func grow(levels uint64) uint64 {
	var room [256]byte
	if levels == 0 {
		return 0
	}
	room[levels%256] = 1
	return grow(levels-1) + uint64(room[(levels+1)%256])
}
