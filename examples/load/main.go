// Load reaches one C function from many goroutines by a few ways, while the
// goroutines' stacks grow and shrink, and says how often by which way.
package main

// #cgo CFLAGS: -I${SRCDIR}/c
// #cgo LDFLAGS: -lload
// #include "load.h"
import "C"

import (
	"flag"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// ways are all ways to load_leaf. Each has a function of its own, so that the
// stack tells the way.
var ways = [...]func(uint64) uint64{plain, deep, deeper, back, backDeep, twice, bare}

func main() {
	workers := flag.Int("workers", 8, "goroutines")
	hits := flag.Int("hits", len(ways), "hits of load_leaf")
	pause := flag.Duration("pause", 0, "how long a worker waits after each 64 hits")
	flag.Parse()

	var counts [len(ways)]atomic.Int64
	var next atomic.Int64
	var done sync.WaitGroup
	for worker := 0; worker < *workers; worker++ {
		done.Add(1)
		go work(func() (int, bool) {
			ticket := next.Add(1) - 1
			if *pause > 0 && ticket%64 == 0 {
				time.Sleep(*pause)
			}
			return int(ticket) % len(ways), ticket < int64(*hits)
		}, &counts, &done)
	}
	done.Wait()
	for way := range counts {
		fmt.Println("WAY", way, counts[way].Load())
	}
}

//go:noinline
func work(next func() (int, bool), counts *[len(ways)]atomic.Int64, done *sync.WaitGroup) {
	defer done.Done()
	for {
		way, more := next()
		if !more {
			return
		}
		garbage = make([]byte, 1024)
		ways[way](uint64(way))
		counts[way].Add(1)
	}
}

var garbage []byte

//go:noinline
func plain(value uint64) uint64 {
	return uint64(C.load_leaf(C.uint64_t(value)))
}

//go:noinline
func deep(value uint64) uint64 {
	return uint64(C.load_deep(3, C.uint64_t(value)))
}

//go:noinline
func deeper(value uint64) uint64 {
	return uint64(C.load_deep(17, C.uint64_t(value+grow(40))))
}

//go:noinline
func back(value uint64) uint64 {
	return uint64(C.load_back(100, 0, C.uint64_t(value)))
}

//go:noinline
func backDeep(value uint64) uint64 {
	return uint64(C.load_back(5000, 1, C.uint64_t(value)))
}

//go:noinline
func twice(value uint64) uint64 {
	return uint64(C.load_back(64, 3, C.uint64_t(value)))
}

//go:noinline
func bare(uint64) uint64 {
	return uint64(C.load_bare(200))
}

//export goBare
func goBare() {
	plain(grow(30))
}

// goAgain is called back, makes the stack grow or has it scanned and shrunk,
// and goes on by the way with this number.
//
//export goAgain
func goAgain(way C.uint, value C.uint64_t) C.uint64_t {
	grown := grow(20 + uint64(value)%7*15)
	if value%5 == 0 {
		runtime.Gosched()
	}
	return C.uint64_t(ways[way](uint64(value) + grown))
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
