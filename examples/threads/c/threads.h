#ifndef THREADS_H
#define THREADS_H

#include <stdint.h>

/* Starts a thread that calls threads_leaf, and waits for its end. Returns a
 * number made of every register on the way. */
uint64_t threads_alone(uint64_t value);

/* The same, but the thread calls goVisit, and Go calls threads_inner. */
uint64_t threads_through_go(uint64_t value);

/* Calls threads_leaf. */
uint64_t threads_inner(uint64_t value);

#endif
