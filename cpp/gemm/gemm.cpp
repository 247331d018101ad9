// SPDX-License-Identifier: Apache-2.0
#include "gemm/gemm.h"

#include "gemm/blocks.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"

namespace nabi::NABI_SET {

namespace {

// Copies columns [0, width) of B's rows [0, kc) into rows of R columns, zero beyond width.
template <class T>
void pack_panel(Matrix<T> b, int64_t kc, int64_t width, int64_t R, T* packed) {
    constexpr int64_t W = Vec<T>::width;
    if (b.col == 1 && width == R) {
        for (int64_t p = 0; p < kc; p++) {
            for (int64_t j = 0; j < R; j += W) store(packed + p * R + j, load(b.data + p * b.row + j));
        }
        return;
    }
    // Sixteen rows at a time: where B is a transposed matrix, its memory runs along p, a cache line for each j.
    for (int64_t from = 0; from < kc; from += 16) {
        const int64_t to = least<int64_t>(kc, from + 16);
        for (int64_t j = 0; j < width; j++) {
            for (int64_t p = from; p < to; p++) packed[p * R + j] = b.data[p * b.row + j * b.col];
        }
        for (int64_t p = from; p < to; p++) {
            for (int64_t j = width; j < R; j++) packed[p * R + j] = T(0);
        }
    }
}

// One tile: rows x (V vectors) of C. Each element is summed over p in ascending order whatever the tile's real size, so
// an edge tile has the bits of a full one. Rows past the edge repeat the last row and are not stored.
template <class T, int V>
void tile(int64_t rows, int64_t width, int64_t kc, const T* a, int64_t a_row, int64_t a_col, const T* b, T* c,
          int64_t ldc, const T* bias, bool accumulate) {
    constexpr int W = Vec<T>::width;
    const T* row[MR];
    for (int i = 0; i < MR; i++) row[i] = a + (i < rows ? i : rows - 1) * a_row;
    Vec<T> sum[MR][V];
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++) {
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) sum[i][v] = broadcast(T(0));
    }
    for (int64_t p = 0; p < kc; p++) {
        Vec<T> column[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) column[v] = load(b + p * (V * W) + v * W);
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++) {
            Vec<T> x = broadcast(row[i][p * a_col]);
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) sum[i][v] = fma(x, column[v], sum[i][v]);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++) {
        if (i >= rows) break;
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) {
            int64_t left = width - v * W;
            if (left <= 0) break;
            T* to = c + i * ldc + v * W;
            Vec<T> y = sum[i][v];
            if (left >= W) {
                if (bias) y = y + load(bias + v * W);
                if (accumulate) y = load(to) + y;
                store(to, y);
            } else {
                if (bias) y = y + load_partial(bias + v * W, left);
                if (accumulate) y = load_partial(to, left) + y;
                store_partial(to, y, left);
            }
        }
    }
}

template <class T>
void tile_of_width(int64_t rows, int64_t width, int64_t kc, const T* a, Matrix<T> strides, const T* b, T* c,
                   int64_t ldc, const T* bias, bool accumulate) {
    constexpr int W = Vec<T>::width;
    int64_t vectors = (width + W - 1) / W;
    if (vectors == 1) return tile<T, 1>(rows, width, kc, a, strides.row, strides.col, b, c, ldc, bias, accumulate);
    if (vectors == 2) return tile<T, 2>(rows, width, kc, a, strides.row, strides.col, b, c, ldc, bias, accumulate);
    static_assert(NV == 3 || NV == 4, "add the other tiles");
    if constexpr (NV == 4) {
        if (vectors == 4) return tile<T, 4>(rows, width, kc, a, strides.row, strides.col, b, c, ldc, bias, accumulate);
    }
    return tile<T, 3>(rows, width, kc, a, strides.row, strides.col, b, c, ldc, bias, accumulate);
}

}  // namespace

template <class T>
Status gemm(int64_t m, int64_t n, int64_t k, Matrix<T> a, Matrix<T> b, T* c, int64_t ldc, const T* bias,
            bool accumulate) noexcept {
    constexpr int64_t W = Vec<T>::width, NR = NV * W;
    if (m == 0 || n == 0) return Status{0, 0, 0, 0};
    const Blocks block = blocks<T>();
    const int64_t columns = least(n, block.nc), depth = least(k, block.kc);
    Scratch scratch(static_cast<size_t>(greatest<int64_t>(1, depth * ((columns + NR - 1) / NR * NR))) * sizeof(T));
    if (!scratch.data) return Status{2, 0, 0, 0};
    T* packed = scratch.as<T>();
    const int64_t row_tiles = (m + MR - 1) / MR;
    for (int64_t jc = 0; jc < n; jc += block.nc) {
        const int64_t width = least(block.nc, n - jc), panels = (width + NR - 1) / NR;
        for (int64_t pc = 0; pc == 0 || pc < k; pc += block.kc) {
            const int64_t kc = least(block.kc, k - pc);
            // A panel starts at column q * NR and holds kc rows of its own width, rounded up to whole vectors.
            auto panel_width = [&](int64_t q) { return least(NR, width - q * NR); };
            parallel_for(panels, grain_for(0.3 * static_cast<double>(kc * NR)), [&](int64_t begin, int64_t end) {
                for (int64_t q = begin; q < end; q++) {
                    Matrix<T> from = {b.data + pc * b.row + (jc + q * NR) * b.col, b.row, b.col};
                    int64_t R = (panel_width(q) + W - 1) / W * W;
                    pack_panel(from, kc, panel_width(q), R, packed + q * NR * kc);
                }
            });
            const double nanoseconds = 0.015 * static_cast<double>(MR * NR * kc);
            parallel_for(row_tiles * panels, grain_for(nanoseconds), [&](int64_t begin, int64_t end) {
                for (int64_t t = begin; t < end; t++) {
                    int64_t q = t / row_tiles, i = t % row_tiles * MR, j = jc + q * NR;
                    tile_of_width(least<int64_t>(MR, m - i), panel_width(q), kc, a.data + i * a.row + pc * a.col, a,
                                  packed + q * NR * kc, c + i * ldc + j, ldc, bias && pc == 0 ? bias + j : nullptr,
                                  accumulate || pc > 0);
                }
            });
        }
    }
    return Status{0, 0, 0, 0};
}

template Status gemm<float>(int64_t, int64_t, int64_t, Matrix<float>, Matrix<float>, float*, int64_t, const float*,
                            bool) noexcept;
template Status gemm<double>(int64_t, int64_t, int64_t, Matrix<double>, Matrix<double>, double*, int64_t, const double*,
                             bool) noexcept;

}  // namespace nabi::NABI_SET
