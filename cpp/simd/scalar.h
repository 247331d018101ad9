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
// The lanes as unsigned integers of T's size.
template <class T>
struct Bits;
template <>
struct Bits<float> {
    uint32_t b;
};
template <>
struct Bits<double> {
    uint64_t b;
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
inline Bits<float> broadcast(uint32_t x) { return {x}; }
inline Bits<double> broadcast(uint64_t x) { return {x}; }

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
// a * b - p for p = a * b rounded: exactly, here too, while a and b stay below 2^996.
inline Vec<float> product_error(Vec<float> a, Vec<float> b, Vec<float> p) {
    return {static_cast<float>(static_cast<double>(a.v) * b.v - p.v)};
}
inline Vec<double> product_error(Vec<double> a, Vec<double> b, Vec<double> p) {
    // Dekker: halves of 26 bits, whose products are exact.
    const double spread_a = a.v * 134217729.0, spread_b = b.v * 134217729.0;
    const double a1 = spread_a - (spread_a - a.v), a2 = a.v - a1;
    const double b1 = spread_b - (spread_b - b.v), b2 = b.v - b1;
    return {a2 * b2 - (((p.v - a1 * b1) - a2 * b1) - a1 * b2)};
}
inline Vec<float> square_root(Vec<float> a) { return {__builtin_sqrtf(a.v)}; }
inline Vec<double> square_root(Vec<double> a) { return {__builtin_sqrt(a.v)}; }

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
inline Mask<T> equal(Vec<T> a, Vec<T> b) {
    return {a.v == b.v};
}
template <class T>
inline Mask<T> unordered(Vec<T> a) {
    return {a.v != a.v};
}
template <class T>
inline Mask<T> operator&(Mask<T> a, Mask<T> b) {
    return {a.m && b.m};
}
template <class T>
inline Mask<T> operator|(Mask<T> a, Mask<T> b) {
    return {a.m || b.m};
}
template <class T>
inline bool any(Mask<T> a) {
    return a.m;
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
inline Vec<float> floor(Vec<float> a) { return {__builtin_floorf(a.v)}; }
inline Vec<double> floor(Vec<double> a) { return {__builtin_floor(a.v)}; }

inline Bits<float> bits_of(Vec<float> a) {
    Bits<float> found;
    memcpy(&found.b, &a.v, sizeof(a.v));
    return found;
}
inline Bits<double> bits_of(Vec<double> a) {
    Bits<double> found;
    memcpy(&found.b, &a.v, sizeof(a.v));
    return found;
}
inline Vec<float> from_bits(Bits<float> a) {
    Vec<float> found;
    memcpy(&found.v, &a.b, sizeof(a.b));
    return found;
}
inline Vec<double> from_bits(Bits<double> a) {
    Vec<double> found;
    memcpy(&found.v, &a.b, sizeof(a.b));
    return found;
}
// Additions and subtractions wrap; shifts fill with zeros.
template <class T>
inline Bits<T> operator+(Bits<T> a, Bits<T> b) {
    return {a.b + b.b};
}
template <class T>
inline Bits<T> operator-(Bits<T> a, Bits<T> b) {
    return {a.b - b.b};
}
template <class T>
inline Bits<T> operator&(Bits<T> a, Bits<T> b) {
    return {a.b & b.b};
}
template <class T>
inline Bits<T> operator|(Bits<T> a, Bits<T> b) {
    return {a.b | b.b};
}
template <class T>
inline Bits<T> operator^(Bits<T> a, Bits<T> b) {
    return {a.b ^ b.b};
}
template <int n, class T>
inline Bits<T> shift_left(Bits<T> a) {
    return {a.b << n};
}
template <int n, class T>
inline Bits<T> shift_right(Bits<T> a) {
    return {a.b >> n};
}
template <class T>
inline Mask<T> is_zero(Bits<T> a) {
    return {a.b == 0};
}

// The lanes as doubles through f, each result rounded to float once.
template <class F>
inline Vec<float> through_double(Vec<float> a, Vec<float> b, const F& f) {
    return {static_cast<float>(f(Vec<double>{a.v}, Vec<double>{b.v}).v)};
}
// The same; rest is what the rounding left.
template <class F>
inline Vec<float> through_double(Vec<float> a, Vec<float> b, Vec<float>& rest, const F& f) {
    const double found = f(Vec<double>{a.v}, Vec<double>{b.v}).v;
    const float rounded = static_cast<float>(found);
    rest = {static_cast<float>(found - rounded)};
    return {rounded};
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
