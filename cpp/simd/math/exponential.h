// SPDX-License-Identifier: Apache-2.0
// e^x and e^x - 1.
#pragma once
#include "simd/math/parts.h"

namespace nabi::NABI_SET {

// Of the range in which e^x is neither 0 nor inf, and a little more; ln 2 in two parts, the first short enough for its
// product with n to be exact.
template <class T>
struct Exponential;
template <>
struct Exponential<float> {
    static constexpr float highest = 89.0f, lowest = -104.0f, log2_e = 1.44269504f;
    static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    // (e^r - 1 - r) / r^2 on |r| <= ln(2)/2, degree 4: 2^-28 of e^r.
    static Vec<float> tail(Vec<float> r) {
        return polynomial(r, 0.001381463f, 0.008368715f, 0.04166839f, 0.16666521f, 0.49999994f);
    }
};
template <>
struct Exponential<double> {
    static constexpr double highest = 710.0, lowest = -745.2, log2_e = 1.4426950408889634;
    static constexpr double ln2_high = 0x1.62e42fefa0000p-1, ln2_low = 0x1.cf79abc9e3b3ap-40;
    // Degree 9: 2^-58 of e^r.
    static Vec<double> tail(Vec<double> r) {
        return polynomial(r, 2.5000086953601428e-08, 2.763024535353545e-07, 2.7557586265375623e-06,
                          2.480149310670412e-05, 0.00019841269506736602, 0.0013888888943623368, 0.00833333333349437,
                          0.04166666666653018, 0.16666666666666413, 0.5000000000000011);
    }
};

// x = n ln 2 + r + r_low with n integral and |r| <= ln(2)/2. n comes as the low bits of `shifted`, already biased, so
// that a shift to the left makes 2^n of them.
template <class T>
struct Reduced {
    Vec<T> shifted, n, r, r_low;
};
template <class T>
inline Reduced<T> reduce_exponent(Vec<T> x) {
    using E = Exponential<T>;
    const Vec<T> magic = broadcast(T(1.5) * Format<T>::shift + T(Format<T>::bias));
    const Vec<T> shifted = fma(x, broadcast(E::log2_e), magic), n = shifted - magic;
    const Vec<T> rough = fma(n, broadcast(-E::ln2_high), x), r = fma(n, broadcast(-E::ln2_low), rough);
    return {shifted, n, r, fma(n, broadcast(-E::ln2_low), rough - r)};
}

// 2^n for -bias < n <= bias.
template <class T>
inline Vec<T> power_of_2(Vec<T> shifted) {
    return from_bits(shift_left<Format<T>::mantissa>(bits_of(shifted)));
}
// p 2^n with overflow and denormal results, rounded once: for p of about 1 and n from that of half the smallest denormal
// to that of inf.
template <class T>
inline Vec<T> times_power_of_2(Vec<T> p, Vec<T> shifted) {
    // 2^n may not exist: half of it is doubled at the end, or 2^64 times it made smaller.
    constexpr T small = T(1.5) * Format<T>::shift + T(3);
    const Mask<T> tiny = less(shifted, broadcast(small));
    shifted = shifted + select(tiny, broadcast(T(64)), broadcast(T(-1)));
    return p * power_of_2(shifted) * select(tiny, broadcast(T(0x1p-64)), broadcast(T(2)));
}

// e^x. The bound stands first in max and min: there a NaN x is kept.
template <class T>
inline Vec<T> exp(Vec<T> x) {
    using E = Exponential<T>;
    x = min(broadcast(E::highest), max(broadcast(E::lowest), x));
    const Reduced<T> at = reduce_exponent(x);
    const Vec<T> p = fma(at.r * at.r, E::tail(at.r), at.r) + broadcast(T(1));
    return times_power_of_2(p, at.shifted);
}

// e^x = 2^n (high + low), the sum good to a tenth of a unit, low as large as 0.07: for what continues to compute with it.
template <class T>
inline Pair<T> exp_pair(const Reduced<T>& at) {
    const Pair<T> sum = sum_ordered(broadcast(T(1)), at.r);
    return {sum.high, sum.low + fma(at.r * at.r, Exponential<T>::tail(at.r), at.r_low)};
}

// e^x - 1 as 2^n r + 2^n (e^r - 1 - r) + (2^n - 1), the larger terms summed without error.
template <class T>
inline Vec<T> expm1(Vec<T> x) {
    using E = Exponential<T>;
    constexpr T lowest = sizeof(T) == 4 ? T(-18) : T(-38);
    const Vec<T> bounded = min(broadcast(E::highest), max(broadcast(lowest), x));
    const Reduced<T> at = reduce_exponent(bounded);
    // 2^n is too large for the last n; its half is not.
    const Mask<T> top = less(broadcast(T(Format<T>::bias)) - broadcast(T(0.5)), at.n);
    const Vec<T> one = select(top, broadcast(T(0.5)), broadcast(T(1)));
    const Vec<T> scale = power_of_2(at.shifted - select(top, broadcast(T(1)), broadcast(T(0))));
    const Pair<T> sum = sum_exact(scale - one, scale * at.r);
    const Vec<T> tail = fma(at.r * at.r, E::tail(at.r), at.r_low);
    const Vec<T> y = sum.high + fma(scale, tail, sum.low);
    return with_sign(absolute(select(top, y + y, y)), x);
}

}  // namespace nabi::NABI_SET
