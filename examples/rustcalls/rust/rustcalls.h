#ifndef RUSTCALLS_H
#define RUSTCALLS_H

#include <stdint.h>

/* What Rust calls back. */
typedef uint64_t (*rustcalls_step)(uint32_t level, uint64_t value);

/* Calls `step`, or at level 0 the leaf. */
uint64_t rustcalls_down(uint32_t level, uint64_t value, rustcalls_step step);

/* Does the same in a thread of Rust's. */
uint64_t rustcalls_in_thread(uint32_t level, uint64_t value, rustcalls_step step);

#endif
