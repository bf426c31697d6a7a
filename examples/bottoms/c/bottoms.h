#ifndef BOTTOMS_H
#define BOTTOMS_H

/* Waits in C, so that Go needs another thread. */
void bottoms_wait(void);

/* Raise SIGUSR2, in the calling thread and in a new thread of C. */
int bottoms_raise(void);
int bottoms_thread(void);

#endif
