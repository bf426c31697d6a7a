#include "rust/markdown.h"

/* Exported by Go. */
extern uint64_t goEvent(void *context, uint64_t length);

uint64_t markdown_run(const char *text, size_t length)
{
    return markdown_render(text, length, goEvent, NULL) + 1; // work after the call: no tail call
}
