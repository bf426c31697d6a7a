// Package app uses a C library of animals.
package app

// #cgo CFLAGS: -I${SRCDIR}/c
// #cgo LDFLAGS: -lanimals -lpthread
// #include "animals.h"
import "C"

import "time"

// DoStuff prints a dog and a cat, or only the dog, rounds times, with a pause
// after each round. All prints come from one line.
//
//go:noinline
func DoStuff(rounds int, dogOnly bool, pause time.Duration) {
	name := [...]C.char{'T', 'o', 'm', 0}
	animals := []C.struct_animal{C.animal_make_dog(12), C.animal_make_cat(&name[0])}
	if dogOnly {
		animals = animals[:1]
	}
	for round := 0; round < rounds; round++ {
		for i := range animals {
			C.animal_print(&animals[i]) // STACK: app.DoStuff calls animal_print
		}
		time.Sleep(pause)
	}
}

// MakeNoise starts C threads that map and unmap memory without pause, and
// returns how many it could start.
func MakeNoise(threads int) int {
	return int(C.animal_noise(C.int(threads)))
}
