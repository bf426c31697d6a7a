#ifndef MALLOCS_H
#define MALLOCS_H

#include <stddef.h>

/* Each allocates once, frees again, and returns 0 where it got memory. */
int mallocs_plain(size_t size);
int mallocs_deep(unsigned depth, size_t size);

/* By way of Go, which calls mallocs_plain. */
int mallocs_back(unsigned padding, size_t size);

/* In a thread of C: mallocs_plain itself, or by way of Go. */
int mallocs_thread(int through_go, size_t size);

#endif
