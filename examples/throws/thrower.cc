// The executable's part, compiled by cgo: what throws, and what catches.
#include "thrower.h"

#include "throws.h"

#include <stdexcept>

#define ONLY __attribute__((noinline, noclone, noipa))

ONLY static uint64_t thrower(uint64_t value)
{
    if (value + 1 != 0)
        throw std::runtime_error("as asked"); // STACK: thrower throws
    return value;
}

uint64_t thrower_destructor(uint64_t value)
{
    try {
        return throws_guarded(thrower, value); // STACK: thrower_destructor calls throws_guarded
    } catch (const std::exception &) {
        return value + 1;
    }
}

uint64_t thrower_handler(uint64_t value)
{
    try {
        return throws_guarded(thrower, value); // STACK: thrower_handler calls throws_guarded
    } catch (const std::exception &) {
        uint64_t result = throws_leaf(value); // STACK: thrower_handler calls throws_leaf
        __asm__ volatile("" : "+r"(result));
        return result;
    }
}

uint64_t thrower_translated(uint64_t value)
{
    try {
        return throws_translated(thrower, value); // STACK: thrower_translated calls throws_translated
    } catch (uint64_t other) {
        return other;
    }
}

uint64_t thrower_picked(uint64_t value)
{
    uint64_t result = throws_picked(value); // STACK: thrower_picked calls throws_picked
    __asm__ volatile("" : "+r"(result));
    return result;
}
