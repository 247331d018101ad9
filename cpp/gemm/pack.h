// SPDX-License-Identifier: Apache-2.0
// Panels in the order in which the tile reads them. A packing functor gives a panel of a matrix that need not exist: here
// the matrix is in memory with any strides; a convolution reads patches instead (same members, IN_MEMORY = false).
#pragma once
#include "gemm/blocks.h"
#include "gemm/gemm.h"

namespace nabi::NABI_SET {

// A vector is stored whole where MR is not a multiple of it, so a packed A needs this much room past its end.
template <class T>
constexpr int64_t PACK_SLACK = Vec<T>::width;

template <class T>
struct RowsOf {
    static constexpr bool IN_MEMORY = true;
    static constexpr int64_t W = Vec<T>::width;
    static constexpr int G = static_cast<int>((MR + W - 1) / W);  // vectors that hold MR elements
    Matrix<T> from;
    int64_t m;  // rows of the whole matrix

    // to[p * MR + r] = A[i + r, p0 + p] for r in [0, rows), p in [0, kc). What stands beyond `rows` is never read.
    void pack(int64_t i, int64_t rows, int64_t p0, int64_t kc, T* to) const noexcept {
        const T* a = from.data + i * from.row + p0 * from.col;
        if (from.row == 1) return pack_columns(a, m - i, kc, to);
        if (from.col == 1) return pack_rows(a, rows, kc, to);
        for (int64_t p = 0; p < kc; p++) {
            for (int64_t r = 0; r < rows; r++) to[p * MR + r] = a[r * from.row + p * from.col];
        }
    }

    // A column is contiguous; `left` elements of it exist. Vectors overlap into the next column's place, which is written after.
    void pack_columns(const T* a, int64_t left, int64_t kc, T* to) const noexcept {
        for (int64_t p = 0; p < kc; p++, a += from.col, to += MR) {
            for (int g = 0; g < G; g++) {
                const int64_t rest = left - g * W;
                if (rest <= 0) break;
                store(to + g * W, rest >= W ? load(a + g * W) : load_partial(a + g * W, rest));
            }
        }
    }

    // A row is contiguous: squares of W x W are transposed in registers.
    void pack_rows(const T* a, int64_t rows, int64_t kc, T* to) const noexcept {
        for (int64_t p = 0; p < kc; p += W) {
            const int64_t count = least(W, kc - p);
            Vec<T> squares[G][W];
            for (int g = 0; g < G; g++) {
                for (int64_t r = 0; r < W; r++) {
                    const int64_t row = g * W + r;
                    const T* x = a + (row < rows ? row : 0) * from.row + p;
                    squares[g][r] = count == W ? load(x) : load_partial(x, count);
                }
                transpose(squares[g]);
            }
            for (int64_t q = 0; q < count; q++) {
                for (int g = 0; g < G; g++) store(to + (p + q) * MR + g * W, squares[g][q]);
            }
        }
    }
};

template <class T>
struct ColumnsOf {
    static constexpr bool IN_MEMORY = true;
    static constexpr int64_t W = Vec<T>::width;
    Matrix<T> from;

    // to[p * R + j] = B[p0 + p, j0 + j] for j in [0, width), zero up to R, the next multiple of W.
    void pack(int64_t p0, int64_t kc, int64_t j0, int64_t width, int64_t R, T* to) const noexcept {
        const T* b = from.data + p0 * from.row + j0 * from.col;
        if (from.col == 1) return pack_rows(b, kc, width, R, to);
        if (from.row == 1) return pack_columns(b, kc, width, R, to);
        for (int64_t p = 0; p < kc; p++) {
            for (int64_t j = 0; j < R; j++) to[p * R + j] = j < width ? b[p * from.row + j * from.col] : T(0);
        }
    }

    // Whole panels from column j0 on, as many as fit: how many columns were packed. Four panels are read side by side: a row of
    // one is a cache line, and lines far apart come from memory one by one.
    int64_t pack_side_by_side(int64_t p0, int64_t kc, int64_t j0, int64_t columns, T* to) const noexcept {
        constexpr int64_t NR = NV * W, PANELS = 4;
        if (from.col != 1) return 0;
        int64_t j = 0;
        for (; j + PANELS * NR <= columns; j += PANELS * NR) {
            const T* b = from.data + p0 * from.row + j0 + j;
            T* row = to + j * kc;
            for (int64_t p = 0; p < kc; p++, b += from.row, row += NR) {
                for (int64_t q = 0; q < PANELS; q++) {
                    __builtin_prefetch(b + 8 * from.row + q * NR);
                    for (int64_t v = 0; v < NR; v += W) store(row + q * NR * kc + v, load(b + q * NR + v));
                }
            }
        }
        return j;
    }

    void pack_rows(const T* b, int64_t kc, int64_t width, int64_t R, T* to) const noexcept {
        for (int64_t p = 0; p < kc; p++, b += from.row, to += R) {
            // A row is a cache line or two, the next one too far away for the hardware to guess.
            __builtin_prefetch(b + 16 * from.row);
            __builtin_prefetch(b + 16 * from.row + width - 1);
            int64_t j = 0;
            for (; j + W <= width; j += W) store(to + j, load(b + j));
            if (j < width) store(to + j, load_partial(b + j, width - j));
        }
    }

    // A column is contiguous (B is a transposed matrix): squares are transposed in registers.
    void pack_columns(const T* b, int64_t kc, int64_t width, int64_t R, T* to) const noexcept {
        for (int64_t j = 0; j < R; j += W) {
            const int64_t columns = least(W, width - j);
            for (int64_t p = 0; p < kc; p += W) {
                const int64_t count = least(W, kc - p);
                Vec<T> square[W];
                for (int64_t c = 0; c < W; c++) {
                    const T* x = b + (j + c) * from.col + p;
                    square[c] = c >= columns ? broadcast(T(0)) : count == W ? load(x) : load_partial(x, count);
                }
                transpose(square);
                for (int64_t q = 0; q < count; q++) store(to + (p + q) * R + j, square[q]);
            }
        }
    }
};

}  // namespace nabi::NABI_SET
