#ifndef CALL_H
#define CALL_H

#include <stdint.h>

/* Calls rustlib_work: as it was linked, or with RUSTLIB_DLOPEN loaded from
 * librustlib.so when it is called first. */
uint64_t call_rustlib(uint32_t value);

#endif
