// SPDX-License-Identifier: Apache-2.0
// sin and cos: the angle is brought to r in [-pi/4, pi/4] and a quadrant, where one of two polynomials is the answer.
#pragma once
#include <math.h>
#include <string.h>

#include "simd/math/parts.h"

namespace nabi::NABI_SET {

// size = quadrant pi/2 + r + r_low; of the quadrant the last two bits count.
template <class T>
struct Angle {
    Vec<T> r, r_low;
    Bits<T> quadrant;
};

// For finite x from 2^14 up: 96 bits of 2/pi, from the one on whose product with x's integer fraction is worth 2. What
// stands before gives whole turns. r is good to 2^-34, for the float that lies closest to a multiple of pi/2 (2^-30), too.
inline uint32_t reduce_huge(float x, double& r) {
    static constexpr uint32_t two_over_pi[] = {0,          0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0,
                                               0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561};
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    // x = fraction 2^(place - 30)
    const uint32_t fraction = (bits & 0x7fffffu) | 0x800000u, place = (bits >> 23) - 150 + 30;
    const uint32_t *word = two_over_pi + place / 32, shift = place % 32;
    auto aligned = [&](int i) { return (uint64_t(word[i]) << 32 | word[i + 1]) << shift >> 32; };
    const unsigned __int128 digits = (static_cast<unsigned __int128>(aligned(0)) << 64) | aligned(1) << 32 | aligned(2);
    // quadrants 2^94; rounded to the nearest, the rest is signed.
    const unsigned __int128 turned = (digits * fraction << 32) + (static_cast<unsigned __int128>(1) << 125);
    const auto rest = static_cast<int64_t>(static_cast<uint64_t>(turned >> 62) - (uint64_t(1) << 63));
    r = static_cast<double>(rest) * (0x1p-64 * 1.5707963267948966);
    return static_cast<uint32_t>(turned >> 126);
}

inline Angle<float> reduce_angle(Vec<float> size) {
    // 2^14 leaves n exact enough for r to exceed pi/4 by no more than the polynomials take.
    const Vec<float> magic = broadcast(0x1.8p23f), limit = broadcast(0x1p14f);
    const Vec<float> shifted = fma(size, broadcast(0.63661977f), magic), n = shifted - magic;
    // pi/2 in two parts, the first of 26 bits: n times it is exact.
    Vec<float> r_low;
    const Vec<float> r = through_double(size, n, r_low, [](Vec<double> x, Vec<double> k) {
        const Vec<double> rough = fma(k, broadcast(-0x1.921fb5p+0), x);
        return fma(k, broadcast(-0x1.110b4611a6263p-26), rough);
    });
    if (!any(less(limit, size))) return {r, r_low, bits_of(shifted)};
    constexpr int W = Vec<float>::width;
    float x[W], remainder[W], rest[W], quadrant[W];
    store(x, size), store(remainder, r), store(rest, r_low), store(quadrant, shifted);
    for (int i = 0; i < W; i++) {
        if (!(x[i] > 0x1p14f)) continue;
        double exact = __builtin_nan("");
        const uint32_t found = x[i] < __builtin_inff() ? reduce_huge(x[i], exact) : 0;
        remainder[i] = static_cast<float>(exact);
        rest[i] = static_cast<float>(exact - static_cast<double>(remainder[i]));
        memcpy(&quadrant[i], &found, sizeof(found));
    }
    return {load(remainder), load(rest), bits_of(load(quadrant))};
}

// Up to 2^26; pi/2 in four parts, the products of n with the first three exact.
inline Angle<double> reduce_angle(Vec<double> size) {
    const Vec<double> magic = broadcast(0x1.8p52);
    const Vec<double> shifted = fma(size, broadcast(0.6366197723675814), magic), n = shifted - magic;
    const Vec<double> rough = fma(n, broadcast(-0x1.921fb5p+0), size);
    const Pair<double> a = sum_exact(rough, n * broadcast(-0x1.110b46p-26));
    const Pair<double> b = sum_exact(a.high, n * broadcast(-0x1.1a6263p-54));
    const Pair<double> r = sum_ordered(b.high, a.low + fma(n, broadcast(-0x1.8a2e03707344ap-81), b.low));
    return {r.high, r.low, bits_of(shifted)};
}

// (sin r - r) / r^3 and (cos r - 1 + r^2/2) / r^4 by z = r^2, |r| <= pi/4: to 2^-28 and 2^-33 of the function in float,
// 2^-58 and 2^-64 in double.
inline Vec<float> sin_tail(Vec<float> z) { return horner(z, -0.00019517215f, 0.008332178f, -0.16666655f); }
inline Vec<float> cos_tail(Vec<float> z) { return horner(z, 2.443837e-05f, -0.0013887367f, 0.041666646f); }
inline Vec<double> sin_tail(Vec<double> z) {
    return horner(z, 1.589678561263571e-10, -2.5050757949128243e-08, 2.7557313690909166e-06, -0.0001984126982980509,
                  0.008333333333322411, -0.16666666666666632);
}
inline Vec<double> cos_tail(Vec<double> z) {
    return horner(z, -1.1359641268037245e-11, 2.0875723152392965e-09, -2.7557314351485896e-07, 2.4801587289479406e-05,
                  -0.001388888888887412, 0.0416666666666666);
}

// The sine of the angle `turns` quadrants further.
template <class T>
inline Vec<T> sine_of(const Angle<T>& at, typename Format<T>::Integer turns) {
    using Integer = typename Format<T>::Integer;
    const Bits<T> quadrant = at.quadrant + broadcast(turns);
    const Vec<T> one = broadcast(T(1)), z = at.r * at.r, half = z * broadcast(T(0.5)), rest = one - half;
    const Vec<T> s = at.r + fma(at.r * z, sin_tail(z), at.r_low * rest);
    const Vec<T> c = rest + (((one - rest) - half) + fma(z * z, cos_tail(z), negative(at.r * at.r_low)));
    const Vec<T> y = select(is_zero(quadrant & broadcast(Integer(1))), s, c);
    return from_bits(bits_of(y) ^ shift_left<sizeof(T) * 8 - 2>(quadrant & broadcast(Integer(2))));
}

// Doubles beyond 2^26 are left to the C library, lane by lane.
inline Vec<float> huge_angles(Vec<float> y, Vec<float>, double (*)(double)) { return y; }
inline Vec<double> huge_angles(Vec<double> y, Vec<double> x, double (*function)(double)) {
    const Vec<double> limit = broadcast(0x1p26);
    if (!any(less(limit, absolute(x)))) return y;
    constexpr int W = Vec<double>::width;
    double from[W], to[W];
    store(from, x), store(to, y);
    for (int i = 0; i < W; i++) {
        if (__builtin_fabs(from[i]) > 0x1p26) to[i] = function(from[i]);
    }
    return load(to);
}

template <class T>
inline Vec<T> sin(Vec<T> x) {
    const Vec<T> y = sine_of(reduce_angle(absolute(x)), 0);
    return huge_angles(from_bits(bits_of(y) ^ sign_of(x)), x, ::sin);
}

template <class T>
inline Vec<T> cos(Vec<T> x) {
    return huge_angles(sine_of(reduce_angle(absolute(x)), 1), x, ::cos);
}

}  // namespace nabi::NABI_SET
