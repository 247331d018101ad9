// SPDX-License-Identifier: Apache-2.0
// The vector vocabulary of the set that is being compiled. CMake defines NABI_SET (the namespace) and NABI_SIMD (the file).
#pragma once
#include NABI_SIMD

namespace nabi::NABI_SET {

template <class T>
inline T least(T a, T b) {
    return a < b ? a : b;
}
template <class T>
inline T greatest(T a, T b) {
    return a > b ? a : b;
}

// y[i] = f(x[i]) with f on vectors; full vectors first, then one partial vector through the same arithmetic, so that an
// element's bits don't depend on where it lies.
template <class T, class F>
inline void map(int64_t n, T* y, const T* x, const F& f) {
    constexpr int64_t W = Vec<T>::width;
    int64_t i = 0;
    for (; i + W <= n; i += W) store(y + i, f(load(x + i)));
    if (i < n) store_partial(y + i, f(load_partial(x + i, n - i)), n - i);
}
template <class T, class F>
inline void map2(int64_t n, T* y, const T* a, const T* b, const F& f) {
    constexpr int64_t W = Vec<T>::width;
    int64_t i = 0;
    for (; i + W <= n; i += W) store(y + i, f(load(a + i), load(b + i)));
    if (i < n) store_partial(y + i, f(load_partial(a + i, n - i), load_partial(b + i, n - i)), n - i);
}

}  // namespace nabi::NABI_SET
