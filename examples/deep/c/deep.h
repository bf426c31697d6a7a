#ifndef DEEP_H
#define DEEP_H

#include <stdint.h>

/* Goes `depth` calls of deep_recurse down (at least one), calls deep_leaf
 * there, and returns a number made of every register on the way. */
uint64_t deep_start(unsigned depth, uint64_t seed);

/* The same number, worked out by a loop. */
uint64_t deep_expected(unsigned depth, uint64_t seed);

#endif
