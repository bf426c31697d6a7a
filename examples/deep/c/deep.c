/* A recursion that keeps six values alive across the call. With -O2
 * -fomit-frame-pointer they fill RBX, RBP and R12 to R15, so RBP is never a
 * frame pointer here: it holds a number that leads nowhere. */
#include "deep.h"

#define ONLY __attribute__((noinline, noclone))

struct values {
    uint64_t a, b, c, d, e;
};

static inline uint64_t mix(uint64_t x)
{
    x ^= x >> 31;
    x *= UINT64_C(0x9e3779b97f4a7c15);
    return x ^ (x >> 29);
}

static inline struct values first(uint64_t seed)
{
    return (struct values){mix(seed + 1), mix(seed + 2), mix(seed + 3), mix(seed + 4), mix(seed + 5)};
}

static inline struct values next(struct values v)
{
    return (struct values){mix(v.b + v.a), mix(v.c ^ v.a), mix(v.d + v.b), mix(v.e ^ v.c), mix(v.a + v.d)};
}

static inline uint64_t fold(uint64_t below, struct values v, unsigned depth)
{
    return mix(below + v.a) ^ (v.b * 3) ^ (v.c * 5) ^ (v.d * 7) ^ (v.e * 11) ^ depth;
}

ONLY uint64_t deep_leaf(uint64_t value) // STACK: deep_leaf entry
{
    __asm__ volatile("" : "+r"(value) : : "memory");
    return value + 1;
}

static inline __attribute__((always_inline)) uint64_t deep_bottom(uint64_t value)
{
    return mix(deep_leaf(value)); // STACK: deep_bottom calls deep_leaf
}

ONLY uint64_t deep_recurse(unsigned depth, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    const struct values here = {a, b, c, d, e};
    uint64_t below;
    if (depth > 1) {
        const struct values v = next(here);
        below = deep_recurse(depth - 1, v.a, v.b, v.c, v.d, v.e); // STACK: deep_recurse calls itself
    } else {
        below = deep_bottom(a); // STACK: deep_recurse calls deep_bottom
    }
    return fold(below, here, depth);
}

uint64_t deep_start(unsigned depth, uint64_t seed)
{
    const struct values v = first(seed);
    uint64_t result = deep_recurse(depth, v.a, v.b, v.c, v.d, v.e); // STACK: deep_start calls deep_recurse
    return result ^ seed; // work after the call: no tail call
}

uint64_t deep_expected(unsigned depth, uint64_t seed)
{
    struct values all[4096];
    struct values v = first(seed);
    if (depth == 0 || depth > sizeof all / sizeof all[0])
        return 0;
    for (unsigned level = depth; level > 0; level--) {
        all[level - 1] = v;
        v = next(v);
    }
    uint64_t below = mix(all[0].a + 1);
    for (unsigned level = 1; level <= depth; level++)
        below = fold(below, all[level - 1], level);
    return below ^ seed;
}
