#ifndef THROWER_H
#define THROWER_H

#include <stdint.h>

/* Each returns value + 1, after an exception: seen in a destructor of the
 * shared library that it passes, in the handler of the executable, and in a
 * handler of the shared library. The last one throws nothing. */

#ifdef __cplusplus
extern "C" {
#endif

uint64_t thrower_destructor(uint64_t value);
uint64_t thrower_handler(uint64_t value);
uint64_t thrower_translated(uint64_t value);
uint64_t thrower_picked(uint64_t value);

#ifdef __cplusplus
}
#endif

#endif
