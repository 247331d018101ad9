// SPDX-License-Identifier: Apache-2.0
// tanh and its relative, the sigmoid.
#pragma once
#include "simd/math/exponential.h"

namespace nabi::NABI_SET {

// 1 / (1 + e^-x), the sum rounded once because e^-x comes in two terms.
template <class T>
inline Vec<T> sigmoid(Vec<T> x) {
    // From 1 + e^-x = 1 on to where the result is 0.
    constexpr T lowest = sizeof(T) == 4 ? T(-20) : T(-40), highest = -Exponential<T>::lowest;
    const Reduced<T> at = reduce_exponent(min(broadcast(highest), max(broadcast(lowest), negative(x))));
    const Pair<T> p = exp_pair(at);
    // Where e^-x would overflow, numerator and denominator are 2^-64 of themselves.
    constexpr T limit = sizeof(T) == 4 ? T(80) : T(700);
    const Mask<T> huge = less(broadcast(limit), at.n);
    const Vec<T> one = select(huge, broadcast(T(0x1p-64)), broadcast(T(1)));
    const Vec<T> scale = power_of_2(at.shifted - select(huge, broadcast(T(64)), broadcast(T(0))));
    const Pair<T> sum = sum_exact(one, p.high * scale);
    return one / (sum.high + fma(p.low, scale, sum.low));
}

// (tanh x - x) / x^3 by z = x^2 for |x| < 0.6: degree 4, 2^-28; degree 10, 2^-58.
inline Vec<float> tanh_tail(Vec<float> z) {
    return horner(z, -0.005905878f, 0.020805394f, -0.053786688f, 0.13331959f, -0.333333f);
}
inline Vec<double> tanh_tail(Vec<double> z) {
    return horner(z, -1.721088350904267e-05, 7.937733377783974e-05, -0.0002304506999722976, 0.0005872142592168696,
                  -0.0014552230486927613, 0.00359203884247486, -0.008863226955489065, 0.021869488015958925,
                  -0.053968253949874756, 0.133333333333009, -0.3333333333333313);
}

// Near zero by its series, else 1 - 2 / (e^2|x| + 1).
template <class T>
inline Vec<T> tanh(Vec<T> x) {
    constexpr T highest = sizeof(T) == 4 ? T(10) : T(20);
    const Vec<T> one = broadcast(T(1)), two = broadcast(T(2)), size = min(broadcast(highest), absolute(x));
    const Reduced<T> at = reduce_exponent(size + size);
    const Pair<T> p = exp_pair(at);
    const Vec<T> e = (p.high + p.low) * power_of_2(at.shifted);
    const Vec<T> far = one - two / (e + one);
    const Vec<T> z = size * size, near = fma(size * z, tanh_tail(z), size);
    return with_sign(select(less(size, broadcast(T(0.6))), near, far), x);
}

}  // namespace nabi::NABI_SET
