// SPDX-License-Identifier: Apache-2.0
// B packed once and multiplied many times, within one kernel call (recurrent steps: the same weights at every step). Both
// functions run on the calling thread, inside a region too; threads divide the panels, then rows or panels of C.
#pragma once
#include "gemm/blocked.h"

namespace nabi::NABI_SET {

template <class T>
inline int64_t packed_panels(int64_t n) noexcept {
    return ceil_divide(n, NV * Vec<T>::width);
}

template <class T>
inline int64_t packed_elements(int64_t k, int64_t n) noexcept {
    return greatest<int64_t>(k, 1) * packed_panels<T>(n) * NV * Vec<T>::width;
}

// Panels [from, to) of B[k, n]: panel q is k rows of its columns, rounded up to whole vectors, at packed + q NR k.
template <class T>
inline void pack_panels(const Matrix<T>& b, int64_t k, int64_t n, int64_t from, int64_t to, T* packed) noexcept {
    constexpr int64_t W = Vec<T>::width, NR = NV * W;
    for (int64_t q = from; q < to; q++) {
        const int64_t width = least(NR, n - q * NR);
        ColumnsOf<T>{b}.pack(0, k, q * NR, width, ceil_divide(width, W) * W, packed + q * NR * k);
    }
}

// The rectangle of C = A B with packed B, where A has rows or columns of unit stride; r.j0 is a multiple of NR. A is read
// where it lies: it is small beside B, or it was written a moment ago.
template <class T>
inline void multiply_packed(const Matrix<T>& a, const T* packed, const Rectangle& r, int64_t n, int64_t k, T* c,
                            int64_t ldc, const Epilogue<T>& e) noexcept {
    constexpr int64_t W = Vec<T>::width, NR = NV * W;
    const int64_t run = run_length<T>(k);
    for (int64_t pc = 0; pc == 0 || pc < k; pc += run) {
        const int64_t kc = least(run, k - pc);
        const bool last = pc + run >= k;
        for (int64_t j = r.j0; j < r.j1; j += NR) {
            // A panel is as wide as B makes it, whatever the rectangle takes of it.
            const int64_t vectors = ceil_divide(least(NR, n - j), W), width = least(NR, r.j1 - j);
            const T* panel = packed + j * k + pc * vectors * W;
            for (int64_t i = r.i0; i < r.i1; i += MR) {
                const int64_t height = least<int64_t>(MR, r.i1 - i);
                const Target<T> to = {c + i * ldc + j,
                                      ldc,
                                      width,
                                      e.alpha,
                                      last && e.row_bias ? e.row_bias + i : nullptr,
                                      last && e.column_bias ? e.column_bias + j : nullptr,
                                      e.accumulate || pc > 0};
                const T* from = a.data + i * a.row + pc * a.col;
                if (a.col == 1) {
                    tile_of<T, true>(height, vectors)(kc, from, a.row, panel, vectors * W, to);
                } else {
                    tile_of<T, false>(height, vectors)(kc, from, a.col, panel, vectors * W, to);
                }
                if (last && e.activate) e.activate(e.context, to.c, ldc, i, j, height, width);
            }
        }
    }
}

}  // namespace nabi::NABI_SET
