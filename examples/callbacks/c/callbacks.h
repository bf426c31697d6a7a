#ifndef CALLBACKS_H
#define CALLBACKS_H

#include <stdint.h>

/* Calls goStep, which calls this again one level lower, down to level 0: that
 * calls callbacks_leaf. Returns a number made of every register on the way. */
uint64_t callbacks_down(unsigned level, uint64_t seed);

/* The same number, worked out without Go. */
uint64_t callbacks_expected(unsigned level, uint64_t seed);

#endif
