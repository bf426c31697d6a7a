/* Threads that C makes: their stacks begin in C, whatever they call. */
#include "threads.h"

#include <pthread.h>
#include <stdlib.h>

#define ONLY __attribute__((noinline, noclone))

/* Exported by Go. */
extern uint64_t goVisit(uint64_t value);

struct task {
    uint64_t value;
    int through_go;
};

/* On one line: without a prologue, its first instruction is of every line. */
ONLY uint64_t threads_leaf(uint64_t value) { __asm__ volatile("" : : : "memory"); return value + 1; } // STACK: threads_leaf entry

ONLY uint64_t threads_inner(uint64_t value)
{
    return threads_leaf(value) + 10; // STACK: threads_inner calls threads_leaf
}

/* The values fill RBX, RBP and R12 to R15 across the call. */
ONLY static uint64_t threads_work(const struct task *task)
{
    uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = task->value, below;
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
    if (task->through_go)
        below = goVisit(f); // STACK: threads_work calls goVisit
    else
        below = threads_inner(f); // STACK: threads_work calls threads_inner
    return below + a * b * c * d * e + f;
}

static void *threads_start(void *argument)
{
    struct task *task = argument;
    task->value = threads_work(task); // STACK: threads_start calls threads_work
    return NULL;
}

static uint64_t in_thread(struct task task)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, threads_start, &task) || pthread_join(thread, NULL))
        abort();
    return task.value;
}

uint64_t threads_alone(uint64_t value)
{
    return in_thread((struct task){value, 0});
}

uint64_t threads_through_go(uint64_t value)
{
    return in_thread((struct task){value, 1});
}
