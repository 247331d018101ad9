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

// Calls row(count, offsets) for every piece of an innermost row in [begin, end), offsets in elements for each operand.
template <class F>
inline void for_rows(const Elementwise& e, int64_t begin, int64_t end, const F& row) noexcept {
    const int inner = e.ndim - 1;
    const int64_t length = e.shape[inner];
    int64_t index[MAX_DIMS], offset[MAX_OPERANDS], rest = begin;
    for (int d = inner; d >= 0; d--) {
        index[d] = rest % e.shape[d];
        rest /= e.shape[d];
    }
    while (begin < end) {
        const int64_t count = least(length - index[inner], end - begin);
        for (int i = 0; i < e.operands; i++) {
            offset[i] = 0;
            for (int d = 0; d <= inner; d++) offset[i] += index[d] * e.strides[i][d];
        }
        row(count, offset);
        begin += count;
        index[inner] = 0;
        for (int d = inner - 1; d >= 0 && ++index[d] == e.shape[d]; d--) index[d] = 0;
    }
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
