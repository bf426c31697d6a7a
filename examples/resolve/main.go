//go:debug netdns=cgo

// Resolve asks the C library for groups and hosts, by os/user and net: their C
// is all that it has, so Go links it without another linker.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"os/user"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 1, "how many times to ask")
	what := flag.String("what", "group", "what to ask for: group or host")
	pause := flag.Duration("pause", 0, "how long to wait after each round")
	flag.Parse()
	for round := 0; round < *rounds; round++ {
		switch *what {
		case "group":
			askGroup() // STACK: main.main calls askGroup
		case "host":
			askHost() // STACK: main.main calls askHost
		}
		time.Sleep(*pause)
	}
	fmt.Printf("%d rounds right\n", *rounds)
}

//go:noinline
func askGroup() {
	group, err := user.LookupGroupId("0") // STACK: askGroup calls LookupGroupId
	if err != nil || group.Gid != "0" {
		log.Fatal(group, err)
	}
}

// askHost makes net ask in a goroutine of its own.
//
//go:noinline
func askHost() {
	hosts, err := net.LookupHost("localhost") // STACK: askHost calls LookupHost
	if err != nil || len(hosts) == 0 {
		log.Fatal(hosts, err)
	}
}
