// SPDX-License-Identifier: Apache-2.0
// What the functions are made of: the layout of a float, polynomials, sums in two terms.
#pragma once
#include "simd/simd.h"

namespace nabi::NABI_SET {

template <class T>
struct Format;
template <>
struct Format<float> {
    using Integer = uint32_t;
    static constexpr int mantissa = 23, bias = 127;
    static constexpr Integer sign = 0x80000000u, one = 0x3f800000u, sqrt_half = 0x3f3504f3u;
    static constexpr float normal = 0x1p-126f, shift = 0x1p23f, infinity = __builtin_inff(), nan = __builtin_nanf("");
};
template <>
struct Format<double> {
    using Integer = uint64_t;
    static constexpr int mantissa = 52, bias = 1023;
    static constexpr Integer sign = 0x8000000000000000u, one = 0x3ff0000000000000u, sqrt_half = 0x3fe6a09e667f3bcdu;
    static constexpr double normal = 0x1p-1022, shift = 0x1p52, infinity = __builtin_inf(), nan = __builtin_nan("");
};

// c0 x^n + c1 x^(n-1) + ...: the highest power stands first.
template <class T>
inline Vec<T> horner_from(Vec<T>, Vec<T> p) {
    return p;
}
template <class T, class... More>
inline Vec<T> horner_from(Vec<T> x, Vec<T> p, T next, More... more) {
    return horner_from(x, fma(p, x, broadcast(next)), more...);
}
template <class T, class... More>
inline Vec<T> horner(Vec<T> x, T first, More... more) {
    return horner_from(x, broadcast(first), more...);
}

// The same for longer ones or where x^2 exists anyway: odd and even powers are summed apart, which halves the latency of
// the chain. A core's scheduler does not hold enough of them at once (exp, log, erf: 5 to 8% less time).
template <class T>
inline Vec<T> alternate(Vec<T> x, Vec<T>, Vec<T> higher, Vec<T> lower) {
    return fma(higher, x, lower);
}
template <class T, class... More>
inline Vec<T> alternate(Vec<T> x, Vec<T> square, Vec<T> higher, Vec<T> lower, T next, More... more) {
    return alternate(x, square, lower, fma(higher, square, broadcast(next)), more...);
}
template <class T, class... More>
inline Vec<T> polynomial(Vec<T> x, T first, T second, More... more) {
    return alternate(x, x * x, broadcast(first), broadcast(second), more...);
}

// The sum of high and low is a number of more than one vector's precision; |low| is at most half a unit of high.
template <class T>
struct Pair {
    Vec<T> high, low;
};

// a + b without error, for |a| >= |b| or a = 0.
template <class T>
inline Pair<T> sum_ordered(Vec<T> a, Vec<T> b) {
    const Vec<T> high = a + b;
    return {high, b - (high - a)};
}
// a + b without error.
template <class T>
inline Pair<T> sum_exact(Vec<T> a, Vec<T> b) {
    const Vec<T> high = a + b, part = high - a;
    return {high, (a - (high - part)) + (b - part)};
}
template <class T>
inline Pair<T> product_exact(Vec<T> a, Vec<T> b) {
    const Vec<T> high = a * b;
    return {high, product_error(a, b, high)};
}

template <class T>
inline Bits<T> sign_of(Vec<T> x) {
    return bits_of(x) & broadcast(Format<T>::sign);
}
template <class T>
inline Vec<T> negative(Vec<T> x) {
    return from_bits(bits_of(x) ^ broadcast(Format<T>::sign));
}
// size with the sign of x, for size >= 0.
template <class T>
inline Vec<T> with_sign(Vec<T> size, Vec<T> x) {
    return from_bits(bits_of(size) | sign_of(x));
}

}  // namespace nabi::NABI_SET
