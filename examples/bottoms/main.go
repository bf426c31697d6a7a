// Bottoms makes Go's runtime run on stacks that are no goroutine's: on g0, in
// every way that leads there, and on gsignal.
package main

// #cgo CFLAGS: -I${SRCDIR}/c
// #cgo LDFLAGS: -lbottoms -lpthread
// #include "bottoms.h"
import "C"

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 1, "how many times to do it")
	what := flag.String("what", "spawn", "what to do: spawn, grow, exit, kill, raise, thread")
	flag.Parse()
	debug.SetGCPercent(-1)
	signals := make(chan os.Signal, *rounds)
	signal.Notify(signals, syscall.SIGUSR2)
	runtime.GOMAXPROCS(16)
	for round := 0; round < *rounds; round++ {
		switch *what {
		case "spawn":
			spawn()
		case "grow":
			done := make(chan uint64)
			go func() { done <- grow(100) }() // STACK: main.main.func1 calls main.grow
			<-done
		case "exit":
			done := make(chan bool)
			go func() { done <- true }()
			<-done
			time.Sleep(time.Millisecond)
		case "kill":
			kill() // STACK: main.main calls main.kill
			<-signals
		case "raise":
			if C.bottoms_raise() != 0 { // STACK: main.main calls bottoms_raise
				log.Fatal("not raised")
			}
			<-signals
		case "thread":
			if C.bottoms_thread() != 0 { // STACK: main.main calls bottoms_thread
				log.Fatal("no thread")
			}
			<-signals
		}
	}
	fmt.Printf("%d rounds right\n", *rounds)
}

// spawn starts a goroutine that stays in C, for which Go needs a thread.
//
//go:noinline
func spawn() {
	go func() { C.bottoms_wait() }()
	// Long enough for the goroutine to be in C, too short for it to be back.
	time.Sleep(2 * time.Millisecond)
}

// grow needs more stack than a goroutine starts with.
//
//go:noinline
func grow(levels uint64) uint64 { // STACK: main.grow entry
	var room [256]byte
	if levels == 0 {
		return 0
	}
	room[levels%256] = 1
	return grow(levels-1) + uint64(room[(levels+1)%256]) // STACK: main.grow calls main.grow
}

// kill sends this thread a signal, which is handled over the system call.
//
//go:noinline
func kill() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	process, thread := uintptr(syscall.Getpid()), uintptr(syscall.Gettid())
	syscall.RawSyscall(syscall.SYS_TGKILL, process, thread, uintptr(syscall.SIGUSR2)) // STACK: main.kill calls RawSyscall
}
