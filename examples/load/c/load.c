#include "load.h"

#include <alloca.h>

/* Exported by Go. */
extern uint64_t goAgain(unsigned way, uint64_t value);
extern void goBare(void);

#define ONLY __attribute__((noinline, noclone, noipa))

ONLY uint64_t load_leaf(uint64_t value) { __asm__ volatile("" : : : "memory"); return value + 1; }

ONLY uint64_t load_deep(unsigned depth, uint64_t value)
{
    uint64_t below = depth > 1 ? load_deep(depth - 1, value ^ depth) : load_leaf(value);
    return below * 3 + depth;
}

ONLY uint64_t load_back(unsigned padding, unsigned way, uint64_t value)
{
    volatile char *room = alloca(padding);
    room[0] = 1;
    return goAgain(way, value) + room[0];
}

ONLY uint64_t load_bare(unsigned padding)
{
    volatile char *room = alloca(padding);
    room[0] = 1;
    goBare();
    return room[0];
}
