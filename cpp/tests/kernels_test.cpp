// SPDX-License-Identifier: Apache-2.0
// Self-test of every kernel on every set of this CPU, for sets that only an emulator runs: the results are those of the
// first set but for rounding, and the same bits whether one thread works or several.
#include <cmath>

#include "bench/arguments.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"
#include "tests/check.h"

using namespace nabi;
using namespace nabi::bench;

namespace {

struct Set {
    const char* name;
    const Kernels* kernels;
};

std::vector<Set> sets() {
    std::vector<Set> found;
#define NABI_ENTRY(set) \
    if (cpu_has(Isa::set)) found.push_back({#set, &set::kernels});
    NABI_FOR_EACH_SET(NABI_ENTRY)
#undef NABI_ENTRY
    return found;
}

Arguments ran(const Op& op, const Kernels& kernels, const std::vector<int64_t>& sizes, DType dtype, int threads) {
    set_num_threads(threads);
    set_grain_override(threads > 1 ? 1 : 0);
    Arguments given = op.arguments(sizes, dtype);
    CHECK(op.bind(kernels, given)().code == 0);
    return given;
}

template <class T>
bool close(const Array& a, const Array& b, double tolerance) {
    for (int64_t i = 0; i < a.size; i++) {
        const double x = static_cast<double>(static_cast<const T*>(a.data)[i]);
        const double y = static_cast<double>(static_cast<const T*>(b.data)[i]);
        if (!(std::fabs(x - y) <= tolerance * (1 + std::fabs(x)))) {
            std::printf("element %lld: %.9g and %.9g\n", static_cast<long long>(i), x, y);
            return false;
        }
    }
    return true;
}

// Numbers are in (0, 1) and sums have at most 67 terms: 67 roundings of float32 are 8e-6.
bool agree(const Array& a, const Array& b) {
    if (a.dtype == DType::f32) return close<float>(a, b, 1e-5);
    if (a.dtype == DType::f64) return close<double>(a, b, 1e-13);
    return std::memcmp(a.data, b.data, static_cast<size_t>(a.bytes())) == 0;
}

std::vector<std::vector<int64_t>> shapes(const Op& op) {
    const std::string letters = op.letters();
    if (letters.empty()) return {{1}, {7}, {33}, {5, 13}, {1003}};
    std::vector<std::vector<int64_t>> found;
    for (const std::vector<int64_t>& pool :
         {std::vector<int64_t>{1, 1, 1, 1}, {3, 5, 7, 2}, {9, 17, 33, 5}, {67, 16, 8, 3}, {2, 67, 19, 48}}) {
        found.emplace_back(pool.begin(), pool.begin() + static_cast<std::ptrdiff_t>(letters.size()));
    }
    return found;
}

template <class F>
void over_all(const F& body) {
    for (const auto& [name, op] : all_ops()) {
        for (const auto& sizes : shapes(op)) {
            for (DType dtype : {DType::f32, DType::f64}) body(name, op, sizes, dtype);
        }
    }
}

void say(const std::string& name, const char* set, const std::vector<int64_t>& sizes, DType dtype) {
    std::printf("%s on %s, %s, sizes", name.c_str(), set, dtype == DType::f32 ? "f32" : "f64");
    for (int64_t size : sizes) std::printf(" %lld", static_cast<long long>(size));
    std::printf("\n");
}

void test_sets() {
    const std::vector<Set> known = sets();
    int64_t compared = 0;
    over_all([&](const std::string& name, const Op& op, const std::vector<int64_t>& sizes, DType dtype) {
        const Arguments first = ran(op, *known[0].kernels, sizes, dtype, 1);
        for (size_t s = 1; s < known.size(); s++) {
            const Arguments found = ran(op, *known[s].kernels, sizes, dtype, 1);
            for (size_t i = 0; i < first.arrays.size(); i++, compared++) {
                if (agree(*first.arrays[i], *found.arrays[i])) continue;
                say(name, known[s].name, sizes, dtype);
                const bool sets_agree = false;
                CHECK(sets_agree);
            }
        }
    });
    std::printf("kernels: %lld arrays of %zu sets compared\n", static_cast<long long>(compared), known.size());
    CHECK(known.size() == 1 || compared > 500);
}

void test_threads() {
    const int64_t before = parallel_stats().threaded_regions;
    over_all([&](const std::string& name, const Op& op, const std::vector<int64_t>& sizes, DType dtype) {
        for (const Set& set : sets()) {
            const Arguments alone = ran(op, *set.kernels, sizes, dtype, 1);
            const Arguments split = ran(op, *set.kernels, sizes, dtype, 3);
            for (size_t i = 0; i < alone.arrays.size(); i++) {
                const Array &a = *alone.arrays[i], &b = *split.arrays[i];
                if (std::memcmp(a.data, b.data, static_cast<size_t>(a.bytes())) == 0) continue;
                say(name, set.name, sizes, dtype);
                const bool same_bits = false;
                CHECK(same_bits);
            }
        }
    });
    set_grain_override(0);
    CHECK(parallel_stats().threaded_regions > before + 100);
}

}  // namespace

int main(int argc, char** argv) {
    const Test tests[] = {{"sets", test_sets}, {"threads", test_threads}};
    return run_tests(tests, argc, argv);
}
