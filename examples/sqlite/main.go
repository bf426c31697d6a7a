// Sqlite runs queries on SQLite that call functions written in Go, one of
// which runs a query in turn, and checks what they return.
package main

// #cgo CFLAGS: -I${SRCDIR}/c
// #cgo LDFLAGS: -lsqlite -lm -ldl -lpthread
// #include <stdlib.h>
// #include "lite.h"
import "C"

import (
	"flag"
	"fmt"
	"log"
	"runtime"
	"strings"
	"unsafe"
)

var callers = flag.Bool("callers", false, "print Go's own callers at each call of lite_mark")

func main() {
	flag.Parse()
	for _, query := range []struct {
		text string
		want int64
	}{
		{"SELECT visit(a) FROM t ORDER BY b", 9},
		{"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT sum(visit(i)) FROM n", 9},
		{"UPDATE t SET b = 'u' WHERE a > 1 RETURNING a", 5},
		{"SELECT nested(a) FROM t WHERE b > 'x' GROUP BY b HAVING count(*) = 1", 11},
	} {
		if got := sum(query.text); got != query.want {
			log.Fatalf("%s: the sum is %d, not %d", query.text, got, query.want)
		}
	}
	fmt.Println("all right")
}

//go:noinline
func sum(query string) int64 {
	text := C.CString(query)
	defer C.free(unsafe.Pointer(text))
	return int64(C.lite_sum(text, C.uint(len(query))))
}

//export goVisit
func goVisit(value int64) int64 {
	return mark(value)
}

//export goNested
func goNested(value int64) int64 {
	return sum(fmt.Sprintf("SELECT visit(%d) UNION ALL SELECT 1 + visit(0)", value))
}

// mark grows the goroutine's stack before it calls C once more.
func mark(value int64) int64 {
	if *callers {
		printCallers()
	}
	return int64(C.lite_mark(C.longlong(value + grow(16) - 16)))
}

//go:noinline
func grow(levels int64) int64 {
	var room [512]byte
	if levels == 0 {
		return 0
	}
	room[levels] = 1
	return grow(levels-1) + int64(room[levels])
}

// printCallers prints the functions on the stack below its caller's caller.
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
