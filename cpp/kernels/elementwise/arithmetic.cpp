// SPDX-License-Identifier: Apache-2.0
// Arithmetic and powers with broadcasting.
#include "kernels/dispatch.h"
#include "kernels/prototypes.h"
#include "kernels/walk.h"
#include "simd/math.h"

namespace nabi::NABI_SET {

Status add(const Elementwise& e) noexcept {
    return with_float(e.dtype, [&](auto zero) { return walk2(e, zero, [](auto a, auto b) { return a + b; }); });
}
Status sub(const Elementwise& e) noexcept {
    return with_float(e.dtype, [&](auto zero) { return walk2(e, zero, [](auto a, auto b) { return a - b; }); });
}
Status mul(const Elementwise& e) noexcept {
    return with_float(e.dtype, [&](auto zero) { return walk2(e, zero, [](auto a, auto b) { return a * b; }); });
}
Status div(const Elementwise& e) noexcept {
    return with_float(e.dtype, [&](auto zero) { return walk2(e, zero, [](auto a, auto b) { return a / b; }); });
}

// output = a^b, C99's special cases.
Status pow(const Elementwise& e) noexcept {
    return with_float(e.dtype, [&](auto zero) { return walk2(e, zero, [](auto a, auto b) { return pow(a, b); }); });
}

// d a^b / d a = b a^(b - 1), 0 where b = 0.
Status pow_base_slope(const Elementwise& e) noexcept {
    return with_float(e.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk2(e, zero, [](Vec<T> a, Vec<T> b) {
            const Vec<T> flat = broadcast(T(0));
            return select(equal(b, flat), flat, b * pow(a, b - broadcast(T(1))));
        });
    });
}

// (d a^b / d b) / a^b = log a, 0 where a = 0 and b >= 0.
Status pow_exponent_slope(const Elementwise& e) noexcept {
    return with_float(e.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk2(e, zero, [](Vec<T> a, Vec<T> b) {
            const Vec<T> flat = broadcast(T(0));
            return select(equal(a, flat) & less_equal(flat, b), flat, log(a));
        });
    });
}

}  // namespace nabi::NABI_SET
