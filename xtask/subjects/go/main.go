// names is what the judge of names is tried on: Go of many forms, with C in it. It tells what Go's
// own runtime says of addresses: names ADDRESS-OF-MAIN reads one address a line, as the file has
// them, and writes one line for each: function, file, line of every call there.
package main

/*
static int twice(int x) { return x + x; }
extern int goTriple(int);
static int call_back(int x) { return goTriple(x) + twice(x); }
*/
import "C"

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"text/template"

	"names/frames"
)

//export goTriple
func goTriple(x C.int) C.int { return x * 3 }

type number interface{ ~int | ~int64 | ~float64 }

func sum[T number](values []T) (total T) {
	for _, value := range values {
		total = add(total, value)
	}
	return total
}

func add[T number](a, b T) T { return a + b }

type stack[T any] struct{ items []T }

func (s *stack[T]) push(item T) { s.items = append(s.items, item) }

func (s *stack[T]) each(do func(T)) {
	for _, item := range s.items {
		do(item)
	}
}

type shape interface{ area() float64 }
type base struct{ width, height float64 }
type square struct{ base }
type circle struct{ radius float64 }

func (b base) area() float64    { return b.width * b.height }
func (c *circle) area() float64 { return 3 * c.radius * c.radius }

//go:noinline
func areas(shapes []shape) (total float64) {
	for _, one := range shapes {
		total += one.area()
	}
	return total
}

//go:noinline
func counter(start int) func() int {
	step := func() int { return start / 2 }
	return func() int {
		start += step()
		defer func() { start++ }()
		return start
	}
}

//go:noinline
func apply(f func(string) string, text string) string { return f(text) }

type prefix string

func (p prefix) before(text string) string { return string(p) + strings.ToUpper(text) }

func work() {
	numbers := &stack[int]{}
	words := &stack[string]{}
	next := counter(3)
	for i := 0; i < 10; i++ {
		numbers.push(next())
		words.push(apply(prefix("a").before, strconv.Itoa(i)))
	}
	numbers.each(func(n int) { words.push(fmt.Sprint(n)) })
	sort.Slice(words.items, func(a, b int) bool { return words.items[a] < words.items[b] })
	total := areas([]shape{square{base{2, 3}}, &circle{2}, base{1, 1}})
	parsed, _ := url.Parse("http://localhost/" + strings.Join(words.items, "/"))
	text, _ := json.Marshal(map[string]any{"n": sum(numbers.items), "f": sum([]float64{total, 1})})
	made := template.Must(template.New("t").Parse("{{.}} {{len .}}\n"))
	_ = made.Execute(os.Stderr, string(text)+parsed.Path)
	fmt.Fprintln(os.Stderr, C.call_back(C.int(len(words.items))))
}

func main() {
	if len(os.Args) < 2 {
		work()
		return
	}
	stated, err := strconv.ParseUint(os.Args[1], 0, 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	bias := uint64(reflect.ValueOf(main).Pointer()) - stated
	lines := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		address, err := strconv.ParseUint(lines.Text(), 0, 64)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for at, frame := range frames.At(uintptr(address + bias)) {
			if at > 0 {
				out.WriteByte('\t')
			}
			fmt.Fprintf(out, "%s\t%s\t%d", frame.Function, frame.File, frame.Line)
		}
		out.WriteByte('\n')
	}
}
