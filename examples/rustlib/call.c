#include "call.h"

#ifdef RUSTLIB_DLOPEN
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t (*find_work(void))(uint32_t)
{
    static uint64_t (*work)(uint32_t);
    if (!work) {
        void *library = dlopen("librustlib.so", RTLD_NOW);
        if (library)
            work = (uint64_t (*)(uint32_t))dlsym(library, "rustlib_work");
    }
    if (!work) {
        fprintf(stderr, "load librustlib.so: %s\n", dlerror());
        exit(1);
    }
    return work;
}
#else
#include "rust/rustlib.h"

static uint64_t (*find_work(void))(uint32_t)
{
    return rustlib_work;
}
#endif

uint64_t call_rustlib(uint32_t value)
{
    uint64_t (*work)(uint32_t) = find_work();
    uint64_t result = work(value); // STACK: call_rustlib calls rustlib_work
    return result + 1; // work after the call: no tail call
}
