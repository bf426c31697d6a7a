#ifndef RUSTLIB_H
#define RUSTLIB_H

#include <stdint.h>

/* Goes down to rustlib::leaf twice, once into a panic that it catches.
 * Returns 1000 + ((value + 1) ^ 1) * 2. */
uint64_t rustlib_work(uint32_t value);

#endif
