// SPDX-License-Identifier: Apache-2.0
// x^y = e^(y log x). A unit of the exponent's last place is worth up to 128 (1024 in float64) of the result's: floats go
// through double, doubles through pairs of doubles.
#pragma once
#include "simd/math/exponential.h"
#include "simd/math/logarithm.h"

namespace nabi::NABI_SET {

// size^y for 0 <= size <= inf.
inline Vec<float> power_of_size(Vec<float> size, Vec<float> y) {
    return through_double(size, y, [](Vec<double> x, Vec<double> exponent) {
        // log2(x) = e + s Q(s^2) with s = f / (2 + f), Q of degree 5: 2^-43 of it.
        const Split<double> at = split_exponent(x);
        const Vec<double> f = at.m - broadcast(1.0), s = f / (at.m + broadcast(1.0)), z = s * s;
        const Vec<double> q = polynomial(z, 0.2829175400260188, 0.3199044803232388, 0.41220928210890484,
                                         0.5770779420690869, 0.9617966941143694, 2.8853900817778495);
        const Vec<double> logarithm = logarithm_ends(x, fma(s, q, at.e));
        // 2^t: what exceeds the bounds is inf or 0 as a float. 2^r of degree 6: 2^-29 of it.
        const Vec<double> t = min(broadcast(200.0), max(broadcast(-200.0), exponent * logarithm));
        const Vec<double> magic = broadcast(1.5 * Format<double>::shift + 1023.0), shifted = t + magic;
        const Vec<double> p =
            polynomial(t - (shifted - magic), 0.00015345765414552282, 0.0013399958517711233, 0.009618489355892849,
                       0.05550328708581726, 0.2402264688451486, 0.6931472057701088, 1.0000000005557546);
        return p * power_of_2(shifted);
    });
}

// log x to 2^-67 of it, for 0 < x < inf.
inline Pair<double> log_pair(Vec<double> x) {
    const Split<double> at = split_exponent(x);
    const Vec<double> one = broadcast(1.0), two = broadcast(2.0), f = at.m - one;
    // s = f / (2 + f)
    const Pair<double> below = sum_ordered(two, f);
    const Vec<double> quotient = f / below.high;
    const Pair<double> product = product_exact(quotient, below.high);
    const Vec<double> missing = (f - product.high) - product.low - quotient * below.low;
    const Pair<double> s = {quotient, missing / below.high};
    const Vec<double> z = s.high * s.high;
    const Vec<double> z_low = product_error(s.high, s.high, z) + (s.high + s.high) * s.low;
    // log m = s (2 + z (2/3 + z (2/5 + z T(z)))), T of degree 6; only T and its product need no second term.
    const Vec<double> tail =
        polynomial(z, 0.1191135343965269, 0.11684999401887224, 0.13335765021802037, 0.15384572855154768,
                   0.1818181860598094, 0.2222222222000908, 0.28571428571433166);
    Pair<double> v = sum_ordered(broadcast(0x1.999999999999ap-2), z * tail);
    v.low = v.low + broadcast(-0x1.999999999999ap-56);
    Pair<double> p = product_exact(z, v.high);
    p.low = p.low + fma(z, v.low, z_low * v.high);
    Pair<double> w = sum_ordered(broadcast(0x1.5555555555555p-1), p.high);
    w.low = w.low + p.low + broadcast(0x1.5555555555555p-55);
    Pair<double> q = product_exact(z, w.high);
    q.low = q.low + fma(z, w.low, z_low * w.high);
    Pair<double> last = product_exact(s.high, q.high);
    last.low = last.low + fma(s.high, q.low, s.low * q.high);
    const Pair<double> m = sum_ordered(s.high + s.high, last.high);
    const Vec<double> m_low = m.low + (last.low + (s.low + s.low));
    // e ln 2, the first part of 42 bits.
    const Pair<double> sum = sum_exact(at.e * broadcast(0x1.62e42fefa3800p-1), m.high);
    const Vec<double> low = sum.low + fma(at.e, broadcast(0x1.ef35793c76730p-45), m_low);
    return sum_ordered(sum.high, low);
}

inline Vec<double> power_of_size(Vec<double> size, Vec<double> y) {
    const Pair<double> logarithm = log_pair(size);
    const Vec<double> high = logarithm_ends(size, logarithm.high), bound = broadcast(800.0);
    const Vec<double> t = y * high;
    const Vec<double> t_low = fma(y, logarithm.low, product_error(y, logarithm.high, t));
    // Beyond the bounds the result is inf, 0 or 1, and the second term may be anything.
    const Vec<double> bounded = min(bound, max(negative(bound), t));
    const Reduced<double> at = reduce_exponent(min(broadcast(710.0), max(broadcast(-745.2), bounded)));
    const Mask<double> moderate = less(absolute(t), bound) & less(absolute(y), broadcast(0x1p900));
    const Pair<double> p = exp_pair(at);
    const Vec<double> factor = select(moderate, t_low, broadcast(0.0));  // e^(t + t_low) = e^t (1 + t_low)
    return times_power_of_2(p.high + fma(p.high + p.low, factor, p.low), at.shifted);
}

// x^y with C99's special cases.
template <class T>
inline Vec<T> pow(Vec<T> x, Vec<T> y) {
    const Vec<T> zero = broadcast(T(0)), one = broadcast(T(1)), infinity = broadcast(Format<T>::infinity);
    const Vec<T> size = absolute(x), half = y * broadcast(T(0.5));
    Vec<T> p = power_of_size(size, y);
    // A negative x: to odd powers negative, to broken ones NaN (of -0 and -inf it is not).
    const Mask<T> whole = equal(floor(y), y);
    const Vec<T> flipped = from_bits(bits_of(p) ^ sign_of(x));
    p = select(whole, select(equal(floor(half), half), p, flipped), p);
    p = select(less(x, zero) & less(size, infinity), select(whole, p, broadcast(Format<T>::nan)), p);
    p = select(unordered(x) | unordered(y), x + y, p);
    // 1 to any power, any number to the power of 0, -1 to an infinite one.
    const Mask<T> endless = equal(size, one) & equal(absolute(y), infinity);
    return select(equal(x, one) | equal(y, zero) | endless, one, p);
}

}  // namespace nabi::NABI_SET
