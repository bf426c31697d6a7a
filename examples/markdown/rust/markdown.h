#ifndef MARKDOWN_H
#define MARKDOWN_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t (*markdown_callback)(void *context, uint64_t length);

/* Parses the text, makes HTML of it, and calls back for each text and each
 * link without a target. Returns the length of the HTML and the sum of what
 * the callback returned. */
uint64_t markdown_render(const char *text, size_t length, markdown_callback callback, void *context);

/* What the callbacks call last. */
uint64_t markdown_mark(uint64_t value);

#endif
