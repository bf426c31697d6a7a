/* Calls Go on its first thread, on a goroutine, and on a thread of its own, three times. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

extern uint64_t GoWork(uint64_t), GoSpawn(uint64_t);

/* So that Go's g is not the only thread-local. */
static __thread uint64_t numbers[40];

static void *thread(void *argument)
{
    numbers[3] = GoWork(*(uint64_t *)argument);
    if (numbers[3] != 9)
        abort();
    return NULL;
}

int main(void)
{
    for (int round = 0; round < 3; round++) {
        pthread_t made;
        uint64_t value = 7;
        numbers[5] = GoWork(1) + GoSpawn(1);
        if (numbers[5] != 6)
            abort();
        if (pthread_create(&made, NULL, thread, &value) || pthread_join(made, NULL))
            abort();
    }
    return 0;
}
