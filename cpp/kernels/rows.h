// SPDX-License-Identifier: Apache-2.0
// One row of elements: copied between strides, or computed from operands that are contiguous or one value repeated.
#pragma once
#include "simd/simd.h"

namespace nabi::NABI_SET {

// Rows are short as a rule, where a call of memcpy costs more than the copy. The last piece overlaps the one before it.
inline void copy_bytes(char* to, const char* from, int64_t n) {
    if (n >= 32) {
        for (int64_t i = 0; i + 32 < n; i += 32) __builtin_memcpy(to + i, from + i, 32);
        __builtin_memcpy(to + n - 32, from + n - 32, 32);
    } else if (n >= 8) {
        for (int64_t i = 0; i + 8 < n; i += 8) __builtin_memcpy(to + i, from + i, 8);
        __builtin_memcpy(to + n - 8, from + n - 8, 8);
    } else {
        for (int64_t i = 0; i < n; i++) to[i] = from[i];
    }
}

// The two rows don't overlap. Constant steps give the compiler vectors.
template <class T>
inline void copy_row(int64_t n, T* __restrict to, int64_t to_step, const T* __restrict from, int64_t from_step) {
    if (to_step == 1 && from_step == 1) {
        copy_bytes(reinterpret_cast<char*>(to), reinterpret_cast<const char*>(from),
                   n * static_cast<int64_t>(sizeof(T)));
    } else if (to_step == 1 && from_step == 0) {
        const T same = *from;
        for (int64_t i = 0; i < n; i++) to[i] = same;
    } else if (to_step == 1 && from_step == -1) {
        for (int64_t i = 0; i < n; i++) to[i] = from[-i];
    } else if (to_step == 1 && from_step == 2) {
        for (int64_t i = 0; i < n; i++) to[i] = from[i * 2];
    } else if (to_step == 1) {
        for (int64_t i = 0; i < n; i++) to[i] = from[i * from_step];
    } else {
        for (int64_t i = 0; i < n; i++) to[i * to_step] = from[i * from_step];
    }
}

// to[r, i] = from[r, i] for r < rows, i < n, the output's rows contiguous and `pitch` apart.
template <class T>
inline void gather_rows(int64_t rows, int64_t n, T* to, int64_t pitch, const T* from, int64_t row_step, int64_t step) {
    if (row_step == 1 && step != 0 && step != 1) {  // it lies along the other dimension
        for (int64_t i = 0; i < n; i++) {
            for (int64_t r = 0; r < rows; r++) to[r * pitch + i] = from[i * step + r];
        }
        return;
    }
    for (int64_t r = 0; r < rows; r++) copy_row(n, to + r * pitch, 1, from + r * row_step, step);
}

template <class T>
inline void fill_row(int64_t n, T* y, Vec<T> value) {
    constexpr int64_t W = Vec<T>::width;
    int64_t i = 0;
    for (; i + W <= n; i += W) store(y + i, value);
    if (i < n) store_partial(y + i, value, n - i);
}

// y[i] = f(x[0][i]), contiguous or (step 0) one value; y is contiguous.
template <class T, class F>
inline void apply_row(int64_t n, T* y, const T* const (&x)[1], const int64_t (&step)[1], const F& f) {
    if (step[0]) return map(n, y, x[0], f);
    fill_row(n, y, f(broadcast(*x[0])));
}

// y[i] = f(x[0][i], x[1][i])
template <class T, class F>
inline void apply_row(int64_t n, T* y, const T* const (&x)[2], const int64_t (&step)[2], const F& f) {
    if (step[0] && step[1]) return map2(n, y, x[0], x[1], f);
    if (step[0]) {
        const Vec<T> same = broadcast(*x[1]);
        return map(n, y, x[0], [&](Vec<T> v) { return f(v, same); });
    }
    const Vec<T> same = broadcast(*x[0]);
    if (step[1]) return map(n, y, x[1], [&](Vec<T> v) { return f(same, v); });
    fill_row(n, y, f(same, broadcast(*x[1])));
}

// y[i] = f(x[0][i], x[1][i], x[2][i]): a repeated operand is read from a vector of its value again and again, because
// eight loops for eight patterns are not worth their code.
template <class T, class F>
inline void apply_row(int64_t n, T* y, const T* const (&x)[3], const int64_t (&step)[3], const F& f) {
    constexpr int64_t W = Vec<T>::width;
    T same[3][W];
    const T* from[3];
    int64_t stride[3];
    for (int k = 0; k < 3; k++) {
        from[k] = x[k];
        stride[k] = step[k];
        if (step[k]) continue;
        store(same[k], broadcast(*x[k]));
        from[k] = same[k];
    }
    int64_t i = 0;
    for (; i + W <= n; i += W) {
        store(y + i, f(load(from[0] + i * stride[0]), load(from[1] + i * stride[1]), load(from[2] + i * stride[2])));
    }
    if (i < n) {
        auto rest = [&](int k) { return load_partial(from[k] + i * stride[k], n - i); };
        store_partial(y + i, f(rest(0), rest(1), rest(2)), n - i);
    }
}

}  // namespace nabi::NABI_SET
