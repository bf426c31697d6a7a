// Exceptions of another module pass through here.
#include "throws.h"

#include <stdexcept>

#define ONLY __attribute__((noinline, noclone, noipa))

static uint64_t destroyed;

// On one line: without a prologue, its first instruction is of every line.
ONLY uint64_t throws_leaf(uint64_t value) { __asm__ volatile("" : : : "memory"); return value + 1; } // STACK: throws_leaf entry

namespace {

struct Guard {
    uint64_t value;
    ONLY ~Guard()
    {
        destroyed += throws_leaf(value) != 0; // STACK: ~Guard calls throws_leaf
    }
};

ONLY uint64_t inner(throws_callback callback, uint64_t value)
{
    Guard guard{value};
    return callback(value) + 1; // STACK: inner calls back
} // STACK: inner destroys its guard

} // namespace

uint64_t throws_guarded(throws_callback callback, uint64_t value)
{
    return inner(callback, value) + 1; // STACK: throws_guarded calls inner
}

uint64_t throws_translated(throws_callback callback, uint64_t value)
{
    try {
        return callback(value); // STACK: throws_translated calls back
    } catch (const std::exception &) {
        throw throws_leaf(value); // STACK: throws_translated calls throws_leaf
    }
}

uint64_t throws_destroyed(void)
{
    return destroyed;
}

static uint64_t add_one(uint64_t value)
{
    return value + 1;
}

extern "C" {
uint64_t (*throws_pick(void))(uint64_t) { return add_one; } // STACK: throws_pick entry
}

uint64_t throws_picked(uint64_t) __attribute__((ifunc("throws_pick")));
