// Markdown renders a text by a large Rust crate that calls back into Go, and
// checks what the callbacks were told.
package main

// #cgo LDFLAGS: -lmarkdown -lgcc_s -lm -ldl -lpthread
// #include <stdlib.h>
// #include "rust/markdown.h"
// uint64_t markdown_run(const char *text, size_t length);
import "C"

import (
	"flag"
	"fmt"
	"log"
	"runtime"
	"strings"
	"unsafe"
)

const text = `# A heading with [a broken link]

> - a quote with a list, *emphasis **strong*** and ` + "`code`" + `
>   | a | table |
>   |---|-------|
>   | x | y [z] |

Text[^1] and ~~more~~ text.

[^1]: A footnote with [another].
`

var (
	callers = flag.Bool("callers", false, "print Go's own callers at each call of markdown_mark")
	events  int
)

func main() {
	flag.Parse()
	c := C.CString(text)
	defer C.free(unsafe.Pointer(c))
	got := C.markdown_run(c, C.size_t(len(text)))
	if got == 0 || events == 0 {
		log.Fatalf("%d events, and a sum of %d", events, got)
	}
	fmt.Println(events, "events")
}

//export goEvent
func goEvent(_ unsafe.Pointer, length C.uint64_t) C.uint64_t {
	events++
	if *callers {
		printCallers()
	}
	return C.markdown_mark(length)
}

// printCallers prints the functions on the stack below its caller.
func printCallers() {
	pcs := make([]uintptr, 600)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	var names []string
	for {
		frame, more := frames.Next()
		names = append(names, frame.Function)
		if !more {
			break
		}
	}
	fmt.Println("CALLERS", strings.Join(names, " "))
}
