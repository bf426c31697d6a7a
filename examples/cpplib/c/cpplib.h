#ifndef CPPLIB_H
#define CPPLIB_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Feeds a lion twice, once with an exception that is caught inside.
 * Returns 1000 + ((value + 1) ^ 1) * 2. */
uint64_t cpplib_visit(uint32_t value);

#ifdef __cplusplus
}
#endif

#endif
