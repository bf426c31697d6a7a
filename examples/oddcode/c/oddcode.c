/* Frames that no fixed distance from the stack pointer finds. */
#include "oddcode.h"

#include <alloca.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ONLY __attribute__((noinline, noclone))

/* On one line: without a prologue, its first instruction is of every line. */
ONLY uint64_t oddcode_leaf(uint64_t value) { __asm__ volatile("" : : : "memory"); return value + 1; } // STACK: oddcode_leaf entry

static void use(void *memory)
{
    __asm__ volatile("" : : "r"(memory) : "memory");
}

ONLY uint64_t odd_alloca(uint64_t value)
{
    void *memory = alloca(16 + value % 1000 * 16);
    use(memory);
    uint64_t result = oddcode_leaf(value); // STACK: odd_alloca calls oddcode_leaf
    use(memory);
    return result;
}

ONLY uint64_t odd_realigned(uint64_t value)
{
    /* Both: the frame is found by neither RSP nor a fixed register. */
    __attribute__((aligned(64))) char aligned[64];
    char *memory = alloca(16 + value % 1000 * 16);
    use(aligned);
    use(memory);
    uint64_t result = oddcode_leaf(value); // STACK: odd_realigned calls oddcode_leaf
    use(aligned);
    use(memory);
    return result + ((uintptr_t)aligned % 64 != 0);
}

static jmp_buf place;

ONLY static void jump_back(int depth)
{
    char memory[100];
    use(memory);
    if (depth == 0)
        longjmp(place, 1);
    jump_back(depth - 1);
    use(memory);
}

ONLY uint64_t odd_jump(uint64_t value)
{
    if (setjmp(place) == 0)
        jump_back(10);
    uint64_t result = oddcode_leaf(value); // STACK: odd_jump calls oddcode_leaf
    use(&result);
    return result;
}

ONLY static uint64_t tail(uint64_t value)
{
    use(NULL);
    return oddcode_leaf(value);
}

ONLY uint64_t odd_tail(uint64_t value)
{
    uint64_t result = tail(value); // STACK: odd_tail calls tail
    use(NULL);
    return result;
}

__attribute__((cold)) ONLY static void rare(void)
{
    use(NULL);
}

ONLY uint64_t odd_cold(uint64_t value)
{
    uint64_t result = value;
    use(&result);
    if (__builtin_expect(value + 1 != 0, 0)) {
        rare();
        result = oddcode_leaf(value); // STACK: odd_cold calls oddcode_leaf
        rare();
    }
    use(&result);
    return result;
}

uint64_t odd_write(uint64_t value)
{
    static int nowhere = -1;
    if (nowhere < 0)
        nowhere = open("/dev/null", O_WRONLY);
    return value + (uint64_t)write(nowhere, "x", 1); // STACK: odd_write calls write
}

void odd_direct(uint64_t *value) { *value += 1; } // STACK: odd_direct entry
