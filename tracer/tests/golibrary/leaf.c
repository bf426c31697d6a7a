#include <stdint.h>

/* On one line: without a prologue, its first instruction is of every line. */
__attribute__((noinline)) uint64_t library_leaf(uint64_t value) { __asm__ volatile("" : : : "memory"); return value + 1; }
