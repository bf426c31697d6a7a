// A chain of calls as C++ makes them: a caught exception, a template's method,
// a virtual method, an inlined function. The innermost is zoo::weigh.
#include "cpplib.h"

#include <stdexcept>

#define ONLY __attribute__((noinline, noclone, noipa))

namespace zoo {

class Animal {
public:
    virtual ~Animal() = default;
    virtual uint64_t feed(uint64_t meal) const = 0;
};

// On one line: without a prologue, its first instruction is of every line.
ONLY uint64_t weigh(uint64_t meal) { __asm__ volatile("" : : : "memory"); return meal + 1; } // STACK: weigh entry

namespace kitchen {
inline __attribute__((always_inline)) uint64_t portion(uint64_t meal)
{
    return weigh(meal) ^ 1; // STACK: portion calls weigh
}
} // namespace kitchen

class Lion : public Animal {
public:
    explicit Lion(bool bites) : bites(bites) {}

    ONLY uint64_t feed(uint64_t meal) const override
    {
        const uint64_t eaten = kitchen::portion(meal); // STACK: Lion::feed calls portion
        if (bites)
            throw std::runtime_error("as asked");
        return eaten;
    }

private:
    bool bites;
};

template <typename Meal>
class Cage {
public:
    explicit Cage(const Animal &animal) : animal(animal) {}

    ONLY uint64_t open(Meal meal) const
    {
        return animal.feed(meal) * 2; // STACK: Cage::open calls feed
    }

private:
    const Animal &animal;
};

// An exception counts 1000.
ONLY static uint64_t visit(const Lion &lion, uint32_t meal)
{
    try {
        return Cage<uint32_t>(lion).open(meal); // STACK: visit calls Cage::open
    } catch (const std::exception &) {
        return 1000;
    }
}

} // namespace zoo

uint64_t cpplib_visit(uint32_t value)
{
    uint64_t sum = 0;
    for (int bites = 1; bites >= 0; bites--) {
        const zoo::Lion lion(bites != 0);
        sum += zoo::visit(lion, value); // STACK: cpplib_visit calls visit
    }
    return sum;
}
