/* Signal handlers of C over C and over Go. */
#define _GNU_SOURCE
#include "signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define ONLY __attribute__((noinline, noclone))

static uint32_t handled;
static uint64_t memory;
uint32_t signals_wanted;

/* On one line: without a prologue, its first instruction is of every line. */
ONLY void signals_leaf(uint32_t *count) { __asm__ volatile("" : : : "memory"); *count += 1; } // STACK: signals_leaf entry

static void on_user(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info, (void)context;
    signals_leaf(&handled); // STACK: on_user calls signals_leaf
    uint32_t asked = 1;
    __atomic_compare_exchange_n(&signals_wanted, &asked, 2, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    ucontext_t *interrupted = context;
    (void)number;
    if (info->si_addr != (void *)8)
        abort();
    signals_leaf(&handled); // STACK: on_fault calls signals_leaf
    interrupted->uc_mcontext.gregs[REG_RAX] = (greg_t)&memory;
}

static void install(int number, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    if (sigaction(number, &action, NULL))
        abort();
}

/* Before Go's runtime starts, which then forwards to it what C does. */
__attribute__((constructor)) static void install_early(void)
{
    install(SIGSEGV, on_fault);
}

void signals_install(void)
{
    install(SIGUSR1, on_user);
}

uint32_t signals_handled(void)
{
    return __atomic_load_n(&handled, __ATOMIC_SEQ_CST);
}

uint64_t signals_raise(uint64_t value)
{
    uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = value;
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
    raise(SIGUSR1); // STACK: signals_raise calls raise
    return a * b * c * d * e + f;
}

uint64_t signals_kill(uint64_t value)
{
    uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = value;
    long result = SYS_tgkill, process = getpid(), thread = gettid(), number = SIGUSR1;
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
    /* The handler runs over the instruction that follows. */
    __asm__ volatile("syscall\n\tnop" : "+a"(result) : "D"(process), "S"(thread), "d"(number) : "rcx", "r11", "memory"); // STACK: signals_kill is interrupted
    return a * b * c * d * e + f + (uint64_t)result;
}

uint64_t signals_clock(uint64_t value)
{
    uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = value;
    struct timespec now;
    __atomic_store_n(&signals_wanted, 1, __ATOMIC_SEQ_CST);
    do {
        __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
        for (int turn = 0; turn < 50; turn++)
            clock_gettime(CLOCK_MONOTONIC, &now);
    } while (__atomic_load_n(&signals_wanted, __ATOMIC_SEQ_CST) != 3);
    __atomic_store_n(&signals_wanted, 0, __ATOMIC_SEQ_CST);
    return a * b * c * d * e + f;
}

ONLY static uint64_t read_nothing(void)
{
    uint64_t value = 8;
    __asm__ volatile("movq (%0), %0" : "+a"(value)); // STACK: read_nothing faults
    return value;
}

uint64_t signals_fault(uint64_t value)
{
    return read_nothing() + value; // STACK: signals_fault calls read_nothing
}

void signals_call(void)
{
    signals_leaf(&handled); // STACK: signals_call calls signals_leaf
    __asm__ volatile("" : : : "memory");
}

static void *send(void *to)
{
    for (;;) {
        uint32_t asked = __atomic_load_n(&signals_wanted, __ATOMIC_SEQ_CST);
        if (asked == 1) {
            pthread_kill(*(pthread_t *)to, SIGUSR1);
            while (__atomic_load_n(&signals_wanted, __ATOMIC_SEQ_CST) == 1)
                ;
            __atomic_store_n(&signals_wanted, 3, __ATOMIC_SEQ_CST);
        } else {
            usleep(50);
        }
    }
    return NULL;
}

void signals_start_sender(void)
{
    static pthread_t target;
    pthread_t sender;
    target = pthread_self();
    if (pthread_create(&sender, NULL, send, &target))
        abort();
}
