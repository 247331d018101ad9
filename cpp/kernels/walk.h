// SPDX-License-Identifier: Apache-2.0
// Traversal, once: flat memory, and broadcast operands row by row. Threads take ranges of the output; an element's bits
// don't depend on the range it falls into.
#pragma once
#include "kernels/dispatch.h"
#include "runtime/parallel.h"
#include "simd/simd.h"

namespace nabi::NABI_SET {

// y[i] = f(x[i]); nanoseconds: what an element costs.
template <class T, class F>
inline Status walk_flat(const Out& y, const In& x, const F& f, double nanoseconds = 0.15) noexcept {
    T* to = data<T>(y);
    const T* from = data<T>(x);
    parallel_for(y.size, grain_for(nanoseconds),
                 [&](int64_t begin, int64_t end) { map(end - begin, to + begin, from + begin, f); });
    return OK;
}

// y[i] = f(a[i], b[i])
template <class T, class F>
inline Status walk_flat2(const Out& y, const In& a, const In& b, const F& f, double nanoseconds = 0.2) noexcept {
    T* to = data<T>(y);
    const T *left = data<T>(a), *right = data<T>(b);
    parallel_for(y.size, grain_for(nanoseconds),
                 [&](int64_t begin, int64_t end) { map2(end - begin, to + begin, left + begin, right + begin, f); });
    return OK;
}

// Calls plane(rows, count, offsets) for pieces that cover [begin, end): rows that are neighbours in the last dimension
// but one, all of the same count; offsets, in elements, of each operand's first. More than one row only where all are
// whole.
template <class F>
inline void for_planes(const Elementwise& e, int64_t begin, int64_t end, const F& plane) noexcept {
    const int inner = e.ndim - 1, outer = e.ndim - 2;
    const int64_t length = e.shape[inner];
    int64_t index[MAX_DIMS] = {}, offset[MAX_OPERANDS] = {};
    for (int64_t d = inner, rest = begin; rest > 0 && d >= 0; d--) {
        index[d] = rest % e.shape[d];
        rest /= e.shape[d];
        for (int i = 0; i < e.operands; i++) offset[i] += index[d] * e.strides[i][d];
    }
    while (begin < end) {
        int64_t count = length, rows = 1;
        if (index[inner] > 0 || end - begin < length) {
            count = least(length - index[inner], end - begin);
        } else if (outer >= 0) {
            rows = least(e.shape[outer] - index[outer], (end - begin) / length);
        }
        plane(rows, count, offset);
        begin += rows * count;
        if (begin >= end) return;
        for (int i = 0; i < e.operands; i++) {
            offset[i] += rows * e.strides[i][outer] - index[inner] * e.strides[i][inner];
        }
        index[inner] = 0;
        index[outer] += rows;
        for (int d = outer; index[d] == e.shape[d]; d--) {
            for (int i = 0; i < e.operands; i++) offset[i] += e.strides[i][d - 1] - e.shape[d] * e.strides[i][d];
            index[d] = 0;
            index[d - 1]++;
        }
    }
}

// Calls row(count, offsets) for every piece of an innermost row in [begin, end).
template <class F>
inline void for_rows(const Elementwise& e, int64_t begin, int64_t end, const F& row) noexcept {
    for_planes(e, begin, end, [&](int64_t rows, int64_t count, int64_t* offset) {
        for (int64_t r = 0; r < rows; r++) {
            row(count, offset);
            if (r + 1 == rows) break;
            for (int i = 0; i < e.operands; i++) offset[i] += e.strides[i][e.ndim - 2];
        }
        // for_planes goes on from the first row's offsets.
        for (int i = 0; rows > 1 && i < e.operands; i++) offset[i] -= (rows - 1) * e.strides[i][e.ndim - 2];
    });
}

// One row of y = f(a, b): contiguous and repeated operands as vectors, anything else gathered into vectors first.
template <class T, class F>
inline void row2(int64_t n, T* y, int64_t y_step, const T* a, int64_t a_step, const T* b, int64_t b_step,
                 const F& f) noexcept {
    if (y_step == 1 && a_step == 1 && b_step == 1) return map2(n, y, a, b, f);
    if (y_step == 1 && a_step == 1 && b_step == 0) {
        const Vec<T> same = broadcast(*b);
        return map(n, y, a, [&](Vec<T> x) { return f(x, same); });
    }
    if (y_step == 1 && a_step == 0 && b_step == 1) {
        const Vec<T> same = broadcast(*a);
        return map(n, y, b, [&](Vec<T> x) { return f(same, x); });
    }
    constexpr int64_t W = Vec<T>::width;
    T left[W] = {}, right[W] = {}, result[W];
    for (int64_t i = 0; i < n; i += W) {
        const int64_t count = least(W, n - i);
        for (int64_t j = 0; j < count; j++) {
            left[j] = a[(i + j) * a_step];
            right[j] = b[(i + j) * b_step];
        }
        store(result, f(load(left), load(right)));
        for (int64_t j = 0; j < count; j++) y[(i + j) * y_step] = result[j];
    }
}

template <class T, class F>
inline Status walk2(const Elementwise& e, T, const F& f) noexcept {
    T* y = static_cast<T*>(e.data[0]);
    const T *a = static_cast<const T*>(e.data[1]), *b = static_cast<const T*>(e.data[2]);
    const int inner = e.ndim - 1;
    parallel_for(e.size, grain_for(0.2), [&](int64_t begin, int64_t end) {
        for_rows(e, begin, end, [&](int64_t n, const int64_t* at) {
            row2(n, y + at[0], e.strides[0][inner], a + at[1], e.strides[1][inner], b + at[2], e.strides[2][inner], f);
        });
    });
    return OK;
}

}  // namespace nabi::NABI_SET
