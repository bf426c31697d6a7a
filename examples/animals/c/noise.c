#define _DEFAULT_SOURCE
#include "animals.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>

/* Keeps the process's memory map locked for writing most of the time. */
static void *map_and_unmap(void *unused)
{
    const size_t length = 64 * 1024;
    (void)unused;
    for (;;) {
        char *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            continue;
        memory[0] = 1;
        munmap(memory, length);
    }
    return NULL;
}

int animal_noise(int threads)
{
    int started = 0;
    for (int i = 0; i < threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, map_and_unmap, NULL) == 0) {
            pthread_detach(thread);
            started++;
        }
    }
    return started;
}
