#define _GNU_SOURCE
#include "native.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void goBack(int levels);

static unsigned hits;

/* On one line: without a prologue, its first instruction is of every line. */
__attribute__((noinline)) void native_leaf(void) { hits++; __asm__ volatile("" : : : "memory"); }

void call_leaf(void)
{
    native_leaf();
    hits++;
}

void call_back(int levels)
{
    goBack(levels);
    hits++;
}

static void say_none(void)
{
    static const char text[] = "native_leaf -\n";
    if (write(1, text, strlen(text)) < 0)
        abort();
}

static void *thread(void *calls_go)
{
    for (int round = 0; round < 5; round++) {
        say_none();
        native_leaf();
        if (calls_go)
            goBack(1);
        /* This thread keeps a goroutine of Go's now, which does not run. */
    }
    return NULL;
}

void in_thread(int calls_go)
{
    pthread_t made;
    if (pthread_create(&made, NULL, thread, calls_go ? &hits : NULL) || pthread_join(made, NULL))
        abort();
}

static void on_signal(int number)
{
    (void)number;
    native_leaf();
}

void install(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    if (sigaction(SIGUSR1, &action, NULL))
        abort();
}
