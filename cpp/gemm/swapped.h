// SPDX-License-Identifier: Apache-2.0
// C^T = B^T A^T, for a few rows times a matrix whose K is contiguous: input times weight^T of a linear layer. The weight's
// rows are then read where they lie and only the few rows are packed; else all of the weight would be transposed at every
// call. The tiles go to a scratch matrix, which is transposed into C. An element is the same chain of fmas either way.
#pragma once
#include "gemm/blocked.h"

namespace nabi::NABI_SET {

template <class T>
inline bool better_swapped(const Product<T>& p) noexcept {
    const Epilogue<T>& e = p.epilogue;
    // Sums over several runs are scaled or added to C one by one: not what the scratch holds.
    if (e.accumulate || e.alpha != T(1)) return false;
    return p.b.row == 1 && p.b.col != 1 && p.n >= 2 * p.m;
}

// Rectangle r of C^T (its rows are C's columns). The workspace holds what the plan says, then the rectangle.
template <class T>
void multiply_swapped(const Product<T>& p, const Rectangle& r, const Plan& plan, T* workspace) noexcept {
    constexpr int64_t W = Vec<T>::width;
    const Epilogue<T>& e = p.epilogue;
    const int64_t width = r.j1 - r.j0;
    T* scratch = workspace + plan.a_elements + plan.b_elements;
    multiply_rectangle(RowsOf<T>{transposed(p.b), p.n}, ColumnsOf<T>{transposed(p.a)}, r, p.k,
                       scratch - r.i0 * width - r.j0, width, Epilogue<T>{}, plan, workspace);
    for (int64_t j = 0; j < width; j += W) {
        const int64_t columns = least(W, width - j), row = r.j0 + j;
        for (int64_t i = r.i0; i < r.i1; i += W) {
            const int64_t count = least(W, r.i1 - i);
            Vec<T> square[W];
            for (int64_t q = 0; q < W; q++) {
                const T* x = scratch + (i - r.i0 + (q < count ? q : 0)) * width + j;
                square[q] = columns == W ? load(x) : load_partial(x, columns);
            }
            transpose(square);
            for (int64_t q = 0; q < columns; q++) {
                T* c = p.c + (row + q) * p.ldc + i;
                Vec<T> y = square[q];
                if (e.row_bias) y = y + broadcast(e.row_bias[row + q]);
                if (count == W) {
                    if (e.column_bias) y = y + load(e.column_bias + i);
                    store(c, y);
                } else {
                    if (e.column_bias) y = y + load_partial(e.column_bias + i, count);
                    store_partial(c, y, count);
                }
            }
        }
        if (e.activate) e.activate(e.context, p.c + row * p.ldc + r.i0, p.ldc, row, r.i0, columns, r.i1 - r.i0);
    }
}

}  // namespace nabi::NABI_SET
