#ifndef LOAD_H
#define LOAD_H

#include <stdint.h>

/* What is probed. */
uint64_t load_leaf(uint64_t value);

/* Calls load_leaf from `depth` calls of a recursion, at least one. */
uint64_t load_deep(unsigned depth, uint64_t value);

/* Calls goAgain from a frame whose size is known only at run time. */
uint64_t load_back(unsigned padding, unsigned way, uint64_t value);

/* Calls goBare likewise. What cgo makes of a callback without parameters does
 * not save RBP, by which this frame is found. */
uint64_t load_bare(unsigned padding);

#endif
