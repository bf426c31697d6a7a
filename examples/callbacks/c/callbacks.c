/* Each level keeps six values alive across its call of Go. With -O2
 * -fomit-frame-pointer they fill RBX, RBP and R12 to R15, so a walk that loses
 * one of them between two levels cannot go on. */
#include "callbacks.h"

#define ONLY __attribute__((noinline, noclone))

/* Exported by Go. */
extern uint64_t goStep(unsigned level, uint64_t seed);

struct values {
    uint64_t a, b, c, d, e, f;
};

static inline uint64_t mix(uint64_t x)
{
    x ^= x >> 31;
    x *= UINT64_C(0x9e3779b97f4a7c15);
    return x ^ (x >> 29);
}

static inline struct values values(unsigned level, uint64_t seed)
{
    uint64_t s = seed + level;
    return (struct values){mix(s + 1), mix(s + 2), mix(s + 3), mix(s + 4), mix(s + 5), mix(s + 6)};
}

static inline uint64_t fold(uint64_t below, struct values v)
{
    return mix(below + v.a) ^ (v.b * 3) ^ (v.c * 5) ^ (v.d * 7) ^ (v.e * 11) ^ (v.f * 13);
}

/* On one line: without a prologue, its first instruction is of every line. */
ONLY uint64_t callbacks_leaf(uint64_t value) { __asm__ volatile("" : : : "memory"); return value + 1; } // STACK: callbacks_leaf entry

ONLY static uint64_t callbacks_call(unsigned level, uint64_t seed)
{
    struct values v = values(level, seed);
    /* Not worked out again after the call: they stay in registers. */
    __asm__ volatile("" : "+r"(v.a), "+r"(v.b), "+r"(v.c), "+r"(v.d), "+r"(v.e), "+r"(v.f));
    uint64_t below = goStep(level, seed); // STACK: callbacks_call calls goStep
    return fold(below, v);
}

uint64_t callbacks_down(unsigned level, uint64_t seed)
{
    if (level == 0)
        return callbacks_leaf(seed) ^ 1; // STACK: callbacks_down calls callbacks_leaf
    return callbacks_call(level, seed) ^ 2; // STACK: callbacks_down calls callbacks_call
}

uint64_t callbacks_expected(unsigned level, uint64_t seed)
{
    uint64_t result = (seed + 1) ^ 1;
    for (unsigned at = 1; at <= level; at++)
        result = fold(result, values(at, seed)) ^ 2;
    return result;
}
