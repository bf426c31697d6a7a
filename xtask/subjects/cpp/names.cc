// What the judge of names is tried on: C++ of many forms, with much that is inlined.
//
// SEED makes each object file's templates its own, so that several of it make a large program.
#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#ifndef SEED
#define SEED 0
#endif
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

extern volatile long sink;

namespace shop {
inline namespace v1 {
template <int N> struct Item {
    std::string name;
    long price = N;
    static long count;
    explicit Item(std::string n) : name(std::move(n)) { ++count; }
    virtual ~Item() { --count; }
    virtual long cost() const { return price * (count + 1); }
    bool operator<(const Item &other) const { return std::tie(name, price) < std::tie(other.name, other.price); }
    operator long() const { return cost(); }
};
template <int N> long Item<N>::count;

template <int N> struct Cheap : Item<N> {
    using Item<N>::Item;
    long cost() const override { return Item<N>::cost() / 2 + sink; }
};
}  // namespace v1

// Nothing here is seen elsewhere: compilers leave out linkage names.
namespace {
inline __attribute__((always_inline)) long half(long x) { return x / 2 + sink; }
template <class T> inline __attribute__((always_inline)) T doubled(T x) { sink = sink + x; return half(x) * 2; }
struct Local {
    long value;
    inline __attribute__((always_inline)) long get() const { return doubled(value); }
    static inline __attribute__((always_inline)) long of(long x) { return Local{x}.get(); }
};
long slow(long x) {
    struct Inner {
        static inline __attribute__((always_inline)) long step(long y) { return Local::of(y) + 1; }
    };
    for (int i = 0; i < 4; i++) x += Inner::step(x);
    return x;
}
}  // namespace

static inline __attribute__((always_inline)) long plain(long x) { return x ^ sink; }

class Counter {
    std::map<std::string, long> counts;
  public:
    void add(const std::string &word) { counts[word] += plain(slow(word.size())); }
    template <class F> void each(F &&f) const { for (auto &[word, count] : counts) f(word, count); }
    long total() const { return std::accumulate(counts.begin(), counts.end(), 0L, [](long a, const auto &b) { return plain(a) + b.second; }); }
};
}  // namespace shop

template <int N> struct Tag { static constexpr int value = N; };
template <int N> bool operator<(Tag<N>, Tag<N>) { return false; }

template <int N> __attribute__((noinline)) long containers() {
    using Key = std::array<int, (N & 15) + 1>;
    std::map<Key, std::string> sorted;
    std::unordered_map<long, std::vector<Key>> hashed;
    std::deque<std::unique_ptr<shop::Item<N>>> items;
    std::list<std::variant<long, std::string, Key>> mixed;
    std::set<std::shared_ptr<shop::Item<N>>> shared;
    for (int i = 0; i < N % 7 + 3; i++) {
        Key key{};
        key[0] = i * static_cast<int>(sink);
        sorted[key] = std::to_string(i);
        hashed[i].push_back(key);
        if (i & 1) items.push_back(std::make_unique<shop::Cheap<N>>(sorted[key]));
        else items.push_front(std::make_unique<shop::Item<N>>("item"));
        mixed.emplace_back(key);
        mixed.emplace_back(sorted[key]);
        shared.insert(std::make_shared<shop::Cheap<N>>("shared"));
    }
    std::sort(items.begin(), items.end(), [](const auto &a, const auto &b) { return *a < *b; });
    mixed.remove_if([](const auto &one) { return std::visit([](const auto &v) { return sizeof v == sizeof(long); }, one); });
    long total = 0;
    for (auto &item : items) total += item->cost() + shop::slow(total);
    for (auto &[key, value] : sorted) total += std::stol(value) + hashed[key[0]].size();
    try {
        if (total == 42) throw std::runtime_error("42");
        total += hashed.at(total).size();
    } catch (const std::out_of_range &error) {
        total += std::string(error.what()).size();
    }
    return total + mixed.size() + shared.size();
}

template <int N> __attribute__((noinline)) long words(const std::string &text) {
    static const std::regex word("([a-z]+)(" + std::to_string(N) + ")?[0-9]*");
    shop::Counter counter;
    std::function<void(const std::string &)> take = [&counter](const std::string &one) { counter.add(one + std::to_string(N)); };
    for (std::sregex_iterator it(text.begin(), text.end(), word), end; it != end; ++it) take(it->str(1));
    std::ostringstream out;
    counter.each([&out](const std::string &one, long count) { out << one << '=' << count << Tag<N>::value; });
    return counter.total() + out.str().size();
}

long JOIN(run_, SEED)(int count, const std::string &text) {
    long total = 0;
    for (int i = 0; i < count; i++) {
        total += containers<SEED * 8 + 0>() + containers<SEED * 8 + 1>() + containers<SEED * 8 + 2>();
        total += containers<SEED * 8 + 3>() + containers<SEED * 8 + 4>();
        total += words<SEED * 8 + 0>(text) + words<SEED * 8 + 1>(text);
    }
    return total;
}

#if SEED == 0
volatile long sink;
int main(int argc, char **argv) {
    std::cout << run_0(argc, argc > 1 ? argv[1] : "some words 12") << std::endl;
    return 0;
}
#endif
