// SPDX-License-Identifier: Apache-2.0
// A matrix times a vector: one row or one column of C, read at the speed of memory.
// Lane l of a vector sums the products of p = l, l + W, l + 2 W ... in ascending order, and the lanes are joined at the end
// (sum_lanes). Both layouts follow that recipe, so they give the same bits.
#pragma once
#include "gemm/gemm.h"
#include "gemm/schedule.h"

namespace nabi::NABI_SET {

constexpr int64_t VECTOR_COLUMNS = 512;  // outputs whose W sums stay in L1 while rows stream past
constexpr int64_t VECTOR_GATHER = 512;   // elements of a row gathered at a time

template <class T>
constexpr int64_t VECTOR_WORKSPACE = VECTOR_COLUMNS* Vec<T>::width + VECTOR_GATHER;

// sums[r] += lanes of rows r = 0 .. R-1 of a against x.
template <class T, int R>
inline void add_products(const T* a, int64_t row, const T* x, int64_t k, Vec<T> (&sums)[R]) noexcept {
    constexpr int64_t W = Vec<T>::width;
    int64_t p = 0;
    for (; p + W <= k; p += W) {
        const Vec<T> v = load(x + p);
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) sums[r] = fma(load(a + r * row + p), v, sums[r]);
    }
    if (p < k) {
        const Vec<T> v = load_partial(x + p, k - p);
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) sums[r] = fma(load_partial(a + r * row + p, k - p), v, sums[r]);
    }
}

template <class T, int R>
inline void clear(Vec<T> (&sums)[R]) noexcept {
    for (Vec<T>& sum : sums) sum = broadcast(T(0));
}

// done(output, sum) for outputs [begin, end) of y[o] = sum_p a[o, p] x[p]. x is contiguous; workspace: VECTOR_WORKSPACE.
template <class T, class F>
void multiply_vector(const Matrix<T>& a, const T* x, int64_t k, int64_t begin, int64_t end, T* workspace,
                     const F& done) noexcept {
    constexpr int64_t W = Vec<T>::width;
    constexpr int R = 8;  // rows at once: as many independent chains as two fma units of latency 4 need
    int64_t o = begin;
    if (a.col == 1) {
        for (; o + R <= end; o += R) {
            Vec<T> sums[R];
            clear(sums);
            add_products(a.data + o * a.row, a.row, x, k, sums);
            for (int r = 0; r < R; r++) done(o + r, sum_lanes(sums[r]));
        }
        for (; o < end; o++) {
            Vec<T> sums[1];
            clear(sums);
            add_products(a.data + o * a.row, a.row, x, k, sums);
            done(o, sum_lanes(sums[0]));
        }
        return;
    }
    if (a.row != 1) {
        T* gathered = workspace + VECTOR_COLUMNS * W;
        for (; o < end; o++) {
            Vec<T> sums[1];
            clear(sums);
            for (int64_t p = 0; p < k; p += VECTOR_GATHER) {
                const int64_t count = least(VECTOR_GATHER, k - p);
                for (int64_t q = 0; q < count; q++) gathered[q] = a.data[o * a.row + (p + q) * a.col];
                add_products(gathered, 0, x + p, count, sums);
            }
            done(o, sum_lanes(sums[0]));
        }
        return;
    }
    // Outputs are contiguous: lane l of every output is a row of its own in the workspace; four rows of a are added to it
    // between one load and one store.
    for (; o < end; o += VECTOR_COLUMNS) {
        const int64_t count = least(VECTOR_COLUMNS, end - o);
        for (int64_t i = 0; i < W * VECTOR_COLUMNS; i++) workspace[i] = T(0);
        for (int64_t from = 0; from < k; from += 4 * W) {
            for (int64_t l = 0; l < W && from + l < k; l++) {
                const int64_t p = from + l, rows = least<int64_t>(4, ceil_divide(k - p, W));
                const T* first = a.data + o + p * a.col;
                T* sums = workspace + l * VECTOR_COLUMNS;
                const auto add = [&](int64_t j, auto get, auto put) {
                    Vec<T> sum = load(sums + j);
                    for (int64_t r = 0; r < rows; r++)
                        sum = fma(get(first + r * W * a.col + j), broadcast(x[p + r * W]), sum);
                    put(sums + j, sum);
                };
                int64_t j = 0;
                if (rows == 4) {
                    const Vec<T> x0 = broadcast(x[p]), x1 = broadcast(x[p + W]), x2 = broadcast(x[p + 2 * W]),
                                 x3 = broadcast(x[p + 3 * W]);
                    const int64_t step = W * a.col;
                    for (; j + W <= count; j += W) {
                        const T* at = first + j;
                        Vec<T> sum = fma(load(at), x0, load(sums + j));
                        sum = fma(load(at + step), x1, sum);
                        sum = fma(load(at + 2 * step), x2, sum);
                        store(sums + j, fma(load(at + 3 * step), x3, sum));
                    }
                }
                for (; j + W <= count; j += W) {
                    add(
                        j, [](const T* at) { return load(at); }, [](T* at, Vec<T> v) { store(at, v); });
                }
                if (j < count) {
                    const int64_t left = count - j;
                    add(
                        j, [&](const T* at) { return load_partial(at, left); }, [](T* at, Vec<T> v) { store(at, v); });
                }
            }
        }
        for (int64_t i = 0; i < count; i++) {
            T lanes[W];
            for (int64_t l = 0; l < W; l++) lanes[l] = workspace[l * VECTOR_COLUMNS + i];
            done(o + i, sum_lanes(load(lanes)));
        }
    }
}

}  // namespace nabi::NABI_SET
