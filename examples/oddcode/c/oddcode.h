#ifndef ODDCODE_H
#define ODDCODE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Each calls oddcode_leaf(value), by code whose frame is hard to find, and
 * returns value + 1. */
uint64_t odd_alloca(uint64_t value);     /* its frame grows by alloca */
uint64_t odd_realigned(uint64_t value);  /* its stack is realigned to 64 */
uint64_t odd_jump(uint64_t value);       /* after a longjmp */
uint64_t odd_exception(uint64_t value);  /* in a catch block */
uint64_t odd_tail(uint64_t value);       /* by a tail call */
uint64_t odd_cold(uint64_t value);       /* in the cold part of a function */
uint64_t odd_rbx(uint64_t value);        /* assembly, its CFA by RBX */
uint64_t odd_expression(uint64_t value); /* assembly, its CFA by an expression */
uint64_t odd_sum(uint64_t value);        /* assembly, its CFA by a sum */
uint64_t odd_without_rows(uint64_t value); /* assembly without CFI */

uint64_t odd_write(uint64_t value); /* calls libc's write, not oddcode_leaf */

/* Returns nothing, so cgo's stub jumps here: asmcgocall is the caller. */
void odd_direct(uint64_t *value);

uint64_t oddcode_leaf(uint64_t value);

#ifdef __cplusplus
}
#endif
#endif
