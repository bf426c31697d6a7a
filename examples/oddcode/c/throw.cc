// An exception thrown through C++ frames.
#include "oddcode.h"

namespace {

struct Guard {
    uint64_t *count;
    ~Guard() { ++*count; }
};

__attribute__((noinline)) uint64_t go_down(int depth, uint64_t *count)
{
    Guard guard{count};
    if (depth == 0)
        throw depth;
    return go_down(depth - 1, count) + 1;
}

} // namespace

extern "C" uint64_t odd_exception(uint64_t value)
{
    uint64_t count = 0;
    try {
        go_down(10, &count);
    } catch (int) {
        uint64_t result = oddcode_leaf(value); // STACK: odd_exception calls oddcode_leaf
        return result + count - 11;
    }
    return 0;
}
