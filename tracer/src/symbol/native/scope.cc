// The source of scope.s, made by g++ 12 -O2 -gdwarf-5 -S: a plain test needs no C++ compiler.
extern "C" { volatile int sink; __attribute__((noipa)) void opaque(int x) { sink += x; } }
#define INLINE inline __attribute__((always_inline))
namespace shop {
namespace {
INLINE void leaf(int x) { opaque(x); sink++; }
struct Till {
    struct Drawer { static INLINE void open(int x) { leaf(x); } };
    INLINE void ring(int x) { Drawer::open(x); }
};
}
static INLINE void outside(int x) { Till().ring(x); }
}
static INLINE void plain(int x) { shop::outside(x); }
extern "C" __attribute__((noipa)) void outer(int x) { plain(x); sink--; }
int main() { outer(1); return sink; }
