// SPDX-License-Identifier: Apache-2.0
// The micro-kernel: R x V vectors of C summed in registers over one run of K.
// Each element is the chain fma(a[i, p], b[p, j], sum) over ascending p whatever R and V, so an edge tile has the bits of a
// full one. On AVX2 a step of 6 x 16 is 12 fmas in 6 cycles beside 2 loads of B and 6 broadcasts of A: 8 loads at 2 a cycle.
#pragma once
#include "gemm/blocks.h"
#include "gemm/gemm.h"

namespace nabi::NABI_SET {

// Where a tile's sums go: the first `width` of its columns.
template <class T>
struct Target {
    T* c;
    int64_t ldc, width;
    T alpha;
    const T *row_bias, *column_bias;  // of the tile's first row and column, or null
    bool accumulate;
};

template <class T>
using Tile = void (*)(int64_t kc, const T* a, int64_t a_stride, const T* b, int64_t b_row,
                      const Target<T>& to) noexcept;

// ROWS: row i of A is contiguous, at a + i a_stride. Otherwise column p is, at a + p a_stride (packed: a_stride = MR).
template <class T, int R, int V, bool ROWS>
void tile(int64_t kc, const T* a, int64_t a_stride, const T* b, int64_t b_row, const Target<T>& to) noexcept {
    constexpr int W = Vec<T>::width;
    // C comes from memory while the sums are made.
#pragma GCC unroll 16
    for (int i = 0; i < R; i++) {
        __builtin_prefetch(to.c + i * to.ldc, 1);
        __builtin_prefetch(to.c + i * to.ldc + V * W - 1, 1);
    }
    Vec<T> sum[R][V];
#pragma GCC unroll 16
    for (int i = 0; i < R; i++) {
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) sum[i][v] = broadcast(T(0));
    }
    const T* row[R];
#pragma GCC unroll 16
    for (int i = 0; i < R; i++) row[i] = a + i * (ROWS ? a_stride : 1);
// Unrolled after registers are given out: steps that are merged before that hoist loads and spill sums.
#pragma GCC unroll 2
    for (int64_t p = 0; p < kc; p++) {
        Vec<T> column[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) column[v] = load(b + v * W);
        b += b_row;
#pragma GCC unroll 16
        for (int i = 0; i < R; i++) {
            const Vec<T> x = broadcast(ROWS ? row[i][p] : a[i]);
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) sum[i][v] = fma(x, column[v], sum[i][v]);
        }
        if (!ROWS) a += a_stride;
    }
    // Most tiles are only stored or added: 64 steps of K cost little more than asking about everything for each vector.
    if (to.width >= V * W && to.alpha == T(1) && !to.row_bias && !to.column_bias) {
        if (to.accumulate) {
#pragma GCC unroll 16
            for (int i = 0; i < R; i++) {
#pragma GCC unroll 4
                for (int v = 0; v < V; v++) {
                    T* c = to.c + i * to.ldc + v * W;
                    store(c, load(c) + sum[i][v]);
                }
            }
            return;
        }
#pragma GCC unroll 16
        for (int i = 0; i < R; i++) {
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) store(to.c + i * to.ldc + v * W, sum[i][v]);
        }
        return;
    }
    const Vec<T> alpha = broadcast(to.alpha);
    const bool scaled = to.alpha != T(1);
#pragma GCC unroll 16
    for (int i = 0; i < R; i++) {
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) {
            const int64_t left = to.width - v * W;
            if (left <= 0) break;
            T* c = to.c + i * to.ldc + v * W;
            Vec<T> y = sum[i][v];
            if (scaled) y = y * alpha;
            if (to.accumulate) y = (left >= W ? load(c) : load_partial(c, left)) + y;
            if (to.row_bias) y = y + broadcast(to.row_bias[i]);
            if (to.column_bias) {
                y = y + (left >= W ? load(to.column_bias + v * W) : load_partial(to.column_bias + v * W, left));
            }
            if (left >= W) {
                store(c, y);
            } else {
                store_partial(c, y, left);
            }
        }
    }
}

// The tile for this many rows and vectors.
template <class T, bool ROWS, int R>
inline Tile<T> tile_of_width(int64_t vectors) noexcept {
    static_assert(NV >= 2 && NV <= 4, "add the other widths");
    if (vectors == 1) return tile<T, R, 1, ROWS>;
    if (vectors == 2) return tile<T, R, 2, ROWS>;
    if constexpr (NV == 4) {
        if (vectors == 4) return tile<T, R, 4, ROWS>;
    }
    return tile < T, R, NV < 3 ? NV : 3, ROWS > ;
}
template <class T, bool ROWS, int R = MR>
inline Tile<T> tile_of(int64_t rows, int64_t vectors) noexcept {
    if constexpr (R > 1) {
        if (rows < R) return tile_of<T, ROWS, R - 1>(rows, vectors);
    }
    return tile_of_width<T, ROWS, R>(vectors);
}

}  // namespace nabi::NABI_SET
