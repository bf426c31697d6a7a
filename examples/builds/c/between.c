#include "builds.h"

uint64_t builds_between(uint64_t value)
{
    uint64_t result = builds_leaf(value); // STACK: builds_between calls builds_leaf
    __asm__ volatile("" : "+r"(result));
    return result;
}
