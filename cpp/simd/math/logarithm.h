// SPDX-License-Identifier: Apache-2.0
// Logarithms.
#pragma once
#include "simd/math/exponential.h"

namespace nabi::NABI_SET {

// x = 2^e m with m in [sqrt(1/2), sqrt(2)), for positive finite x; denormal ones too.
template <class T>
struct Split {
    Vec<T> e, m;
};
template <class T>
inline Split<T> split_exponent(Vec<T> x) {
    using F = Format<T>;
    constexpr typename F::Integer one = 1, fraction = (one << F::mantissa) - one;
    const Mask<T> tiny = less(x, broadcast(F::normal));
    const Bits<T> bits = bits_of(select(tiny, x * broadcast(T(0x1p54)), x)) + broadcast(F::one - F::sqrt_half);
    // The biased exponent as the last bits of 2^mantissa, which is then subtracted.
    const Vec<T> biased = from_bits(shift_right<F::mantissa>(bits) | bits_of(broadcast(F::shift)));
    const Vec<T> offset = select(tiny, broadcast(F::shift + T(F::bias + 54)), broadcast(F::shift + T(F::bias)));
    return {biased - offset, from_bits((bits & broadcast(fraction)) + broadcast(F::sqrt_half))};
}

// e ln 2 + log(1 + f), f in [sqrt(1/2) - 1, sqrt(2) - 1].
inline Vec<float> join_logarithm(Vec<float> e, Vec<float> f) {
    // log(1 + f) = f - f^2/2 + f^3 P(f), P of degree 8: 2^-30 of it.
    const Vec<float> square = f * f;
    const Vec<float> p = polynomial(f, 0.06915405f, -0.1178981f, 0.11872961f, -0.12384348f, 0.1421866f, -0.16669251f,
                                    0.20002227f, -0.24999987f, 0.3333331f);
    const Vec<float> low =
        fma(e, broadcast(Exponential<float>::ln2_low), fma(f * square, p, square * broadcast(-0.5f)));
    return fma(e, broadcast(Exponential<float>::ln2_high), f + low);
}
inline Vec<double> join_logarithm(Vec<double> e, Vec<double> f) {
    // With s = f / (2 + f): log(1 + f) = f - (f^2/2 - s (f^2/2 + R(s^2))), R of degree 7: 2^-58 of it.
    const Vec<double> s = f / (f + broadcast(2.0)), z = s * s, half = broadcast(0.5) * f * f;
    const Vec<double> r =
        z * polynomial(z, 0.14796624753409382, 0.15313986860329176, 0.18183566661109138, 0.22222198531385529,
                       0.28571428742762545, 0.3999999999941315, 0.6666666666666735);
    const Vec<double> low = fma(e, broadcast(Exponential<double>::ln2_low), s * (half + r));
    return fma(e, broadcast(Exponential<double>::ln2_high), f - (half - low));
}

// y for 0 < x < inf, -inf at 0, NaN below, inf and NaN as they come.
template <class T>
inline Vec<T> logarithm_ends(Vec<T> x, Vec<T> y) {
    const Vec<T> zero = broadcast(T(0)), infinity = broadcast(Format<T>::infinity);
    const Vec<T> end = select(equal(x, zero), negative(infinity), select(less(x, zero), broadcast(Format<T>::nan), x));
    return select(less(zero, x) & less(x, infinity), y, end);
}

template <class T>
inline Vec<T> log(Vec<T> x) {
    const Split<T> at = split_exponent(x);
    return logarithm_ends(x, join_logarithm(at.e, at.m - broadcast(T(1))));
}

// log(1 + x): f = 2^-e (1 + x) - 1 is taken from x, not from the rounded sum.
template <class T>
inline Vec<T> log1p(Vec<T> x) {
    using F = Format<T>;
    const Vec<T> one = broadcast(T(1)), sum = x + one;
    const Vec<T> e = split_exponent(sum).e;
    // 2^(2-e), because 2^-e would be too small for the largest x.
    const Vec<T> scale = power_of_2(broadcast(T(1.5) * F::shift + T(F::bias + 2)) - e);
    const Vec<T> f = fma(x * broadcast(T(0.25)), scale, fma(scale, broadcast(T(0.25)), negative(one)));
    const Vec<T> y = logarithm_ends(sum, join_logarithm(e, f));
    // Below, x itself is the answer, and its sign and its denormals are kept.
    return select(less(absolute(x), broadcast(F::shift == T(0x1p23) ? T(0x1p-25) : T(0x1p-54))), x, y);
}

}  // namespace nabi::NABI_SET
