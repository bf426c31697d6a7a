// Animals calls animal_print of a C library, through package app.
package main

import (
	"app"
	"flag"
	"log"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 1, "how many times to print the dog and the cat")
	pause := flag.Duration("pause", 0, "how long to wait after each round")
	once := flag.Bool("once", false, "print the dog only, once, and exit 2 ms later")
	noise := flag.Int("noise", 0, "how many C threads map and unmap memory meanwhile")
	flag.Parse()

	if *once {
		*rounds, *pause = 1, 2*time.Millisecond
	}
	if started := app.MakeNoise(*noise); started != *noise {
		log.Fatalf("started %d of %d threads", started, *noise)
	}
	app.DoStuff(*rounds, *once, *pause) // STACK: main.main calls app.DoStuff
}
