// Signals has C handlers run over C and over Go.
package main

// #cgo CFLAGS: -I${SRCDIR}/c
// #cgo LDFLAGS: -lsignals -lpthread
// #include "signals.h"
import "C"

import (
	"flag"
	"fmt"
	"log"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

func main() {
	where := flag.String("where", "kill", "what is interrupted: raise, kill, fault, panic, go, loop, clock, go-clock")
	rounds := flag.Int("rounds", 1, "how many signals")
	pause := flag.Duration("pause", 0, "how long to wait after each round")
	flag.Parse()

	runtime.LockOSThread()
	C.signals_install()
	switch *where {
	case "loop", "clock", "go-clock":
		C.signals_start_sender()
	}
	for round := 0; round < *rounds; round++ {
		got, want := uint64(0), uint64(round)+120
		switch *where {
		case "raise":
			got = uint64(C.signals_raise(C.uint64_t(round))) // STACK: main.main calls signals_raise
		case "kill":
			got = uint64(C.signals_kill(C.uint64_t(round))) // STACK: main.main calls signals_kill
		case "fault":
			got = uint64(C.signals_fault(C.uint64_t(want))) // STACK: main.main calls signals_fault
		case "panic":
			got = want
			recovers(nil) // STACK: main.main calls main.recovers
		case "go":
			got = kill(want) // STACK: main.main calls main.kill
		case "loop":
			got = want
			loop((*uint32)(unsafe.Pointer(&C.signals_wanted))) // STACK: main.main calls main.loop
		case "clock":
			got = uint64(C.signals_clock(C.uint64_t(round))) // STACK: main.main calls signals_clock
		case "go-clock":
			got = want
			clock((*uint32)(unsafe.Pointer(&C.signals_wanted))) // STACK: main.main calls main.clock
		}
		if got != want {
			log.Fatalf("round %d: %d, not %d", round, got, want)
		}
		time.Sleep(*pause)
	}
	if got := int(C.signals_handled()); got != *rounds {
		log.Fatalf("%d signals were handled, not %d", got, *rounds)
	}
	fmt.Printf("%d rounds right\n", *rounds)
}

// kill sends the signal to its own thread: the handler runs as the system call
// returns.
//
//go:noinline
func kill(value uint64) uint64 {
	failed, _, _ := syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(syscall.Getpid()), uintptr(syscall.Gettid()), uintptr(syscall.SIGUSR1)) // STACK: main.kill calls RawSyscall
	return value + uint64(failed)
}

// recovers has a deferred function run over the fault of a function that it
// calls.
//
//go:noinline
func recovers(from *[2]uint64) {
	defer recovered()
	faults(from) // STACK: main.recovers calls main.faults
}

// faults does so in its first instruction: nothing of it lies before that.
//
//go:noinline
func faults(from *[2]uint64) uint64 {
	return second(from) // STACK: main.faults calls main.second
}

// second is inlined.
func second(from *[2]uint64) uint64 {
	return from[1] // STACK: main.second faults
}

func recovered() {
	if recover() == nil {
		log.Fatal("no panic")
	}
	C.signals_call() // STACK: main.recovered calls signals_call
}

// loop runs in Go until another thread's signal has come.
//
//go:noinline
func loop(wanted *uint32) {
	atomic.StoreUint32(wanted, 1) // STACK: main.loop asks
	for turns := uint64(0); atomic.LoadUint32(wanted) != 3; turns++ {
		turn(turns)
	}
	atomic.StoreUint32(wanted, 0)
}

// clock reads the clock by both of Go's ways until another thread's signal has
// come: it is read in the vdso, on the thread's stack.
//
//go:noinline
func clock(wanted *uint32) {
	start := time.Now()
	atomic.StoreUint32(wanted, 1)
	for atomic.LoadUint32(wanted) != 3 {
		for range [50]int{} {
			if time.Since(start) < 0 || time.Now().Before(start) {
				log.Fatal("the clock goes backwards")
			}
		}
	}
	atomic.StoreUint32(wanted, 0)
}

// turn has a frame, so it is interrupted in its prologue and epilogue too.
//
//go:noinline
func turn(value uint64) uint64 {
	var numbers [8]uint64
	numbers[value%8] = value
	return numbers[(value+1)%8]
}
