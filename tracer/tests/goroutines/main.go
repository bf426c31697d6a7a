// Says on stdout which goroutine each hit of a probe is in, in their order: a
// number, or "-" where a thread of C runs no Go.
package main

// #include "native.h"
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

var hits atomic.Uint64

func id() string {
	var text [64]byte
	return strings.Fields(string(text[:runtime.Stack(text[:], false)]))[1]
}

func say(probe string) {
	// In one system call, since C writes too.
	os.Stdout.WriteString(probe + " " + id() + "\n")
}

// A function that may grow its stack, or be preempted there, starts again and is hit twice.
//
//go:noinline
//go:nosplit
func known() {
	hits.Add(1)
}

//go:noinline
//go:nosplit
func counted() {
	hits.Add(1)
}

func hit() {
	say("main.known")
	known()
}

//export goBack
func goBack(levels C.int) {
	hit()
	if levels > 0 {
		C.call_back(levels - 1)
	}
	hit()
}

// recurse hits the probe below more frames than a record holds.
//
//go:noinline
func recurse(depth int) int {
	if depth == 0 {
		hit()
		return 0
	}
	return recurse(depth-1) + 1
}

// spawn starts a goroutine: the runtime does so on g0.
//
//go:noinline
func spawn(done chan bool) {
	say("runtime.newproc1")
	go func() {
		hit()
		done <- true
	}()
	<-done
}

func main() {
	C.install()
	hit()
	done := make(chan bool)
	for range [10]int{} {
		spawn(done)
	}
	C.call_back(3)
	say("native_leaf")
	C.call_leaf()
	recurse(600)
	C.in_thread(0)
	C.in_thread(1)
	runtime.LockOSThread()
	for range [10]int{} {
		// The handler runs over the system call.
		say("native_leaf")
		syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(syscall.Getpid()), uintptr(syscall.Gettid()), uintptr(syscall.SIGUSR1))
	}
	runtime.UnlockOSThread()

	var all sync.WaitGroup
	var mutex sync.Mutex
	for range [40]int{} {
		all.Add(1)
		go func() {
			defer all.Done()
			for range [25]int{} {
				counted()
				runtime.Gosched()
			}
			mutex.Lock()
			defer mutex.Unlock()
			fmt.Printf("main.counted %s\n", id())
		}()
	}
	all.Wait()
}
