// SPDX-License-Identifier: Apache-2.0
// Walks over one, two and three operands in every combination of layouts, against an index at a time.
#include "kernels/walk.h"

#include <vector>

#include "runtime/parallel.h"
#include "tests/check.h"

namespace nabi::NABI_SET {

namespace {

// How an operand lies below a plane of rows and columns.
enum Layout { DENSE, ROW, COLUMN, SCALAR, GAPS, BACKWARDS, EVERY_THIRD, ACROSS_IT, LAYOUTS };

template <class T>
struct Operand {
    std::vector<T> memory;
    T* first;
    int64_t row_step, step;

    Operand(Layout layout, int64_t rows, int64_t n, int64_t seed)
        : memory(static_cast<size_t>(3 * rows * (n + 1) + 8)) {
        for (size_t i = 0; i < memory.size(); i++) memory[i] = T(static_cast<int64_t>(i) * seed % 23 - 11);
        first = memory.data() + (layout == BACKWARDS ? n - 1 : 0);
        const int64_t steps[LAYOUTS][2] = {{n, 1}, {0, 1}, {1, 0}, {0, 0}, {n + 3, 1}, {n, -1}, {3 * n, 3}, {1, rows}};
        row_step = steps[layout][0];
        step = steps[layout][1];
    }
    T at(int64_t r, int64_t i) const { return first[r * row_step + i * step]; }
};

template <int N, class T>
void test_layouts(int64_t rows, int64_t n, const Layout (&layouts)[N + 1], bool split) {
    std::vector<Operand<T>> operands;
    for (int i = 0; i <= N; i++) operands.emplace_back(layouts[i], rows, n, 5 + 2 * i);
    Operand<T>& output = operands[0];
    for (T& each : output.memory) each = T(-1000);
    Elementwise e = {};
    e.operands = N + 1;
    e.size = rows * n;
    e.ndim = rows > 1 ? 2 : 1;
    e.shape[0] = rows;
    e.shape[e.ndim - 1] = n;
    for (int i = 0; i <= N; i++) {
        e.data[i] = operands[static_cast<size_t>(i)].first;
        e.strides[i][0] = operands[static_cast<size_t>(i)].row_step;
        e.strides[i][e.ndim - 1] = operands[static_cast<size_t>(i)].step;
    }
    set_num_threads(split ? 3 : 1);
    set_grain_override(split ? 1 : 0);
    if constexpr (N == 1) walk1(e, T(), [](Vec<T> a) { return a + a; });
    if constexpr (N == 2) walk2(e, T(), [](Vec<T> a, Vec<T> b) { return a - b; });
    if constexpr (N == 3) walk3(e, T(), [](Vec<T> a, Vec<T> b, Vec<T> c) { return a * b + c; });
    int64_t wrong = 0, written = 0;
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t i = 0; i < n; i++) {
            const T a = operands[1].at(r, i);
            T expected = a + a;
            if constexpr (N == 2) expected = a - operands[2].at(r, i);
            if constexpr (N == 3) expected = a * operands[2].at(r, i) + operands[3].at(r, i);
            wrong += output.at(r, i) != expected;
        }
    }
    for (const T& each : output.memory) written += each != T(-1000);
    if (wrong || written != rows * n) {
        std::printf("%d operands, %lld x %lld, layouts", N, static_cast<long long>(rows), static_cast<long long>(n));
        for (Layout layout : layouts) std::printf(" %d", static_cast<int>(layout));
        std::printf(": %lld wrong, %lld written\n", static_cast<long long>(wrong), static_cast<long long>(written));
    }
    CHECK(wrong == 0);
    CHECK(written == rows * n);
}

template <class T>
void test_shapes() {
    constexpr int64_t W = Vec<T>::width;
    const int64_t shapes[][2] = {{1, 1},      {1, W + 1},  {7, 1},           {5, 3},          {100, 3},
                                 {40, W},     {33, W + 1}, {3, 16 * W},      {9, 16 * W - 1}, {4, 16 * W + 1},
                                 {2, BUFFER}, {18, 257},   {3, BUFFER + 37}, {1, 3 * BUFFER}, {400, 2}};
    int64_t count = 0;
    for (const auto& [rows, n] : shapes) {
        for (Layout to : {DENSE, GAPS, EVERY_THIRD, ACROSS_IT, BACKWARDS}) {
            for (int a = 0; a < LAYOUTS; a++, count++) {
                const bool split = count % 2 == 0;
                test_layouts<1, T>(rows, n, {to, static_cast<Layout>(a)}, split);
                for (int b = 0; b < LAYOUTS; b++) {
                    test_layouts<2, T>(rows, n, {to, static_cast<Layout>(a), static_cast<Layout>(b)}, split);
                    const auto c = static_cast<Layout>((a + 3 * b + 1) % LAYOUTS);
                    test_layouts<3, T>(rows, n, {to, static_cast<Layout>(a), static_cast<Layout>(b), c}, split);
                }
            }
        }
    }
}

// for_planes visits every element of a range once, wherever the range begins and ends.
void test_ranges() {
    Elementwise e = {};
    e.ndim = 3;
    e.operands = 1;
    e.size = 2 * 3 * 5;
    const int64_t shape[] = {2, 3, 5}, strides[] = {15, 5, 1};
    for (int d = 0; d < 3; d++) {
        e.shape[d] = shape[d];
        e.strides[0][d] = strides[d];
    }
    for (int64_t begin = 0; begin <= e.size; begin++) {
        for (int64_t end = begin; end <= e.size; end++) {
            int64_t next = begin;
            for_planes(e, begin, end, [&](int64_t rows, int64_t count, const int64_t* at) {
                CHECK(rows == 1 || count == 5);
                CHECK(at[0] == next);
                next += rows * count;
            });
            CHECK(next == end);
        }
    }
}

}  // namespace

void test_set();
void test_set() {
    test_shapes<float>();
    test_shapes<double>();
    test_ranges();
    set_grain_override(0);
}

}  // namespace nabi::NABI_SET
