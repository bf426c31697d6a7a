/* What Go's runtime needs more threads for, and signals that it handles. */
#define _GNU_SOURCE
#include "bottoms.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

void bottoms_wait(void)
{
    usleep(20000);
}

__attribute__((noinline, noclone)) int bottoms_raise(void)
{
    int failed = raise(SIGUSR2); // STACK: bottoms_raise calls raise
    __asm__ volatile("" : "+r"(failed));
    return failed;
}

static void *start(void *unused)
{
    (void)unused;
    if (bottoms_raise()) // STACK: start calls bottoms_raise
        abort();
    return NULL;
}

int bottoms_thread(void)
{
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, start, NULL); // STACK: bottoms_thread calls pthread_create
    return failed || pthread_join(thread, NULL);
}
