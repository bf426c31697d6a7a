#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdint.h>

/* Installs the handler of SIGUSR1, which calls signals_leaf. */
void signals_install(void);

/* How often the handlers ran. */
uint32_t signals_handled(void);

/* Raises SIGUSR1 in C: by libc's raise, and by the system call itself. Both
 * return a number made of registers that the handler must not change. */
uint64_t signals_raise(uint64_t value);
uint64_t signals_kill(uint64_t value);

/* Reads the clock, in the vdso, until a signal of the sender has come. Returns
 * what signals_raise does. */
uint64_t signals_clock(uint64_t value);

/* Reads what is no memory. The handler, which was installed before Go's, makes
 * it the address of some. */
uint64_t signals_fault(uint64_t value);

/* Calls signals_leaf without any signal. */
void signals_call(void);

/* Starts a thread that sends SIGUSR1 to the calling thread whenever
 * signals_wanted is 1. The handler makes it 2, the thread then 3. */
void signals_start_sender(void);
extern uint32_t signals_wanted;

#endif
