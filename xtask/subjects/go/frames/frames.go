// Package frames asks Go's own runtime for the calls at an address.
package frames

import (
	"runtime"
	_ "runtime/pprof"
	_ "unsafe"
)

// expand adds to the last return address those of the calls that it was inlined into.
//
//go:linkname expand runtime/pprof.runtime_expandFinalInlineFrame
func expand(stack []uintptr) []uintptr

// At is the chain of calls at an address: the innermost inlined one first.
func At(pc uintptr) []runtime.Frame {
	var chain []runtime.Frame
	// A return address stands for the byte before it.
	for _, pc := range expand([]uintptr{pc + 1}) {
		frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
		chain = append(chain, frame)
	}
	return chain
}
