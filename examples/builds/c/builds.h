#ifndef BUILDS_H
#define BUILDS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* By three files to builds_leaf, and back by an exception. Returns value + 1. */
uint64_t builds_enter(uint64_t value);

/* In a file of its own, and small: a compiler that sees all files inlines it. */
uint64_t builds_between(uint64_t value);

/* C++: calls builds_leaf in a destructor and in a handler. */
uint64_t builds_throw(uint64_t value);

uint64_t builds_leaf(uint64_t value);

#ifdef __cplusplus
}
#endif

#endif
