// SPDX-License-Identifier: Apache-2.0
// The vector vocabulary with one lane: what every CPU runs, and the definition of the others' meaning.
// Every set's file has the same names in the same order.
#pragma once
#include <stdint.h>
#include <string.h>

namespace nabi::NABI_SET {

template <class T>
struct Vec {
    static constexpr int width = 1;
    T v;
};
template <class T>
struct Mask {
    bool m;
};

template <class T>
inline Vec<T> load(const T* p) {
    return {*p};
}
template <class T>
inline void store(T* p, Vec<T> a) {
    *p = a.v;
}
// The first n lanes, n < width; other lanes read as zero and are not written.
template <class T>
inline Vec<T> load_partial(const T* p, int64_t n) {
    return {n > 0 ? *p : T(0)};
}
template <class T>
inline void store_partial(T* p, Vec<T> a, int64_t n) {
    if (n > 0) *p = a.v;
}
template <class T>
inline Vec<T> broadcast(T x) {
    return {x};
}

template <class T>
inline Vec<T> operator+(Vec<T> a, Vec<T> b) {
    return {a.v + b.v};
}
template <class T>
inline Vec<T> operator-(Vec<T> a, Vec<T> b) {
    return {a.v - b.v};
}
template <class T>
inline Vec<T> operator*(Vec<T> a, Vec<T> b) {
    return {a.v * b.v};
}
template <class T>
inline Vec<T> operator/(Vec<T> a, Vec<T> b) {
    return {a.v / b.v};
}
// a * b + c; the scalar set rounds twice, because a fused one without hardware costs a hundred times more.
template <class T>
inline Vec<T> fma(Vec<T> a, Vec<T> b, Vec<T> c) {
    return {a.v * b.v + c.v};
}

// x86's rule: the second operand wherever the comparison is false, so max(x, bound) drops a NaN x.
template <class T>
inline Vec<T> max(Vec<T> a, Vec<T> b) {
    return {a.v > b.v ? a.v : b.v};
}
template <class T>
inline Vec<T> min(Vec<T> a, Vec<T> b) {
    return {a.v < b.v ? a.v : b.v};
}
template <class T>
inline Mask<T> less(Vec<T> a, Vec<T> b) {
    return {a.v < b.v};
}
template <class T>
inline Mask<T> less_equal(Vec<T> a, Vec<T> b) {
    return {a.v <= b.v};
}
template <class T>
inline Mask<T> unordered(Vec<T> a) {
    return {a.v != a.v};
}
template <class T>
inline Vec<T> select(Mask<T> m, Vec<T> a, Vec<T> b) {
    return {m.m ? a.v : b.v};
}
template <class T>
inline Vec<T> absolute(Vec<T> a) {
    return {a.v < 0 ? -a.v : a.v == 0 ? T(0) : a.v};
}

inline Vec<float> round_nearest(Vec<float> a) { return {__builtin_nearbyintf(a.v)}; }
inline Vec<double> round_nearest(Vec<double> a) { return {__builtin_nearbyint(a.v)}; }

// a * 2^n for integral n with 2^n normal.
inline Vec<float> times_power_of_2(Vec<float> a, Vec<float> n) {
    int32_t bits = (static_cast<int32_t>(n.v) + 127) * (1 << 23);
    float factor;
    memcpy(&factor, &bits, sizeof(factor));
    return {a.v * factor};
}
inline Vec<double> times_power_of_2(Vec<double> a, Vec<double> n) {
    int64_t bits = (static_cast<int64_t>(n.v) + 1023) * (int64_t(1) << 52);
    double factor;
    memcpy(&factor, &bits, sizeof(factor));
    return {a.v * factor};
}

// Lanes are joined in halves: (0 + width/2), and so on.
template <class T>
inline T sum_lanes(Vec<T> a) {
    return a.v;
}
template <class T>
inline T max_lanes(Vec<T> a) {
    return a.v;
}

// Rows become columns, in registers: lane j of rows[i] and lane i of rows[j] change places.
template <class T>
inline void transpose(Vec<T> (&)[1]) {}

}  // namespace nabi::NABI_SET
