#include "builds.h"

#define ONLY __attribute__((noinline, noclone))

/* On one line: its first instruction is of every line that it has. */
ONLY uint64_t builds_leaf(uint64_t value) { __asm__ volatile("" : : : "memory"); return value + 1; } // STACK: builds_leaf entry

ONLY uint64_t builds_enter(uint64_t value)
{
    uint64_t result = builds_between(value); // STACK: builds_enter calls builds_between
    __asm__ volatile("" : "+r"(result));
    result += builds_throw(value); // STACK: builds_enter calls builds_throw
    __asm__ volatile("" : "+r"(result));
    return result - value - 1;
}
