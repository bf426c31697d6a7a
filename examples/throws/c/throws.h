#ifndef THROWS_H
#define THROWS_H

#include <stdint.h>

/* The shared library. It knows nothing of the executable, and catches nothing
 * that the executable throws, but its frames have something to destroy. */

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t (*throws_callback)(uint64_t value);

/* Calls back, with a guard that is destroyed on the way out. */
uint64_t throws_guarded(throws_callback callback, uint64_t value);

/* Catches what the callback throws, and throws something else. */
uint64_t throws_translated(throws_callback callback, uint64_t value);

/* How many guards were destroyed. */
uint64_t throws_destroyed(void);

/* Called by each destructor and each handler, with the number that was thrown. */
uint64_t throws_leaf(uint64_t value);

/* An indirect function, and what picks it: the dynamic linker calls that where
 * throws_picked is called first. */
uint64_t throws_picked(uint64_t value);

#ifdef __cplusplus
}
#endif

#endif
