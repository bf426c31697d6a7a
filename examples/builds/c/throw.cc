#include "builds.h"

#define ONLY __attribute__((noinline, noclone))

namespace {

struct Guard {
    uint64_t *count;
    ONLY ~Guard()
    {
        *count += builds_leaf(*count); // STACK: ~Guard calls builds_leaf
        __asm__ volatile("" : : : "memory");
    }
};

ONLY void thrower(uint64_t *count)
{
    Guard guard{count};
    throw *count;
}

} // namespace

ONLY uint64_t builds_throw(uint64_t value)
{
    uint64_t count = value;
    try {
        thrower(&count); // STACK: builds_throw calls thrower
    } catch (uint64_t) {
        uint64_t result = builds_leaf(value); // STACK: builds_throw calls builds_leaf
        __asm__ volatile("" : "+r"(result));
        return result;
    }
    return 0;
}
