/* Calls of malloc from known places. */
#include "mallocs.h"

#include <alloca.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#define ONLY __attribute__((noinline, noclone, noipa))

/* Exported by Go. */
extern int goBack(size_t size);

ONLY int mallocs_plain(size_t size)
{
    void *memory = malloc(size); // STACK: mallocs_plain calls malloc
    __asm__ volatile("" : "+r"(memory));
    free(memory);
    return memory == NULL;
}

ONLY int mallocs_deep(unsigned depth, size_t size)
{
    int failed = depth > 1 ? mallocs_deep(depth - 1, size + depth) : mallocs_plain(size); // STACK: mallocs_deep calls down
    __asm__ volatile("" : "+r"(failed));
    return failed;
}

ONLY int mallocs_back(unsigned padding, size_t size)
{
    volatile char *room = alloca(padding);
    room[0] = 0;
    return goBack(size) + room[0]; // STACK: mallocs_back calls goBack
}

struct task {
    size_t size;
    int through_go;
};

static void *start(void *argument)
{
    const struct task *task = argument;
    int failed = task->through_go ? mallocs_back(100, task->size) // STACK: start calls mallocs_back
                                  : mallocs_plain(task->size); // STACK: start calls mallocs_plain
    __asm__ volatile("" : "+r"(failed));
    return (void *)(intptr_t)failed;
}

ONLY int mallocs_thread(int through_go, size_t size)
{
    struct task task = {size, through_go};
    pthread_t thread;
    void *failed;
    if (pthread_create(&thread, NULL, start, &task) || pthread_join(thread, &failed))
        abort();
    return failed != NULL;
}
