// SPDX-License-Identifier: Apache-2.0
// The vector vocabulary against its definition, lane by lane.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "simd/simd.h"
#include "tests/check.h"

namespace nabi::NABI_SET {

namespace {

template <class T>
void test_partial() {
    constexpr int64_t W = Vec<T>::width;
    for (int64_t n = 0; n < W; n++) {
        T from[W], to[W], lanes[W];
        for (int64_t i = 0; i < W; i++) from[i] = T(i + 1), to[i] = T(-1);
        store(lanes, load_partial(from, n));
        store_partial(to, load(from), n);
        for (int64_t i = 0; i < W; i++) {
            CHECK(lanes[i] == (i < n ? from[i] : T(0)));
            CHECK(to[i] == (i < n ? from[i] : T(-1)));
        }
    }
}

template <class T>
void test_lanes() {
    constexpr int64_t W = Vec<T>::width;
    const T nan = std::numeric_limits<T>::quiet_NaN();
    T a[W], b[W], y[W], sum = 0, top = 0;
    for (int64_t i = 0; i < W; i++) a[i] = T(i + 1), b[i] = T(W - i), sum += a[i], top = std::fmax(top, a[i]);
    CHECK(sum_lanes(load(a)) == sum);
    CHECK(max_lanes(load(a)) == top);
    store(y, fma(load(a), load(b), broadcast(T(2))));
    for (int64_t i = 0; i < W; i++) CHECK(y[i] == a[i] * b[i] + 2);
    store(y, select(less(load(a), load(b)), load(a), load(b)));
    for (int64_t i = 0; i < W; i++) CHECK(y[i] == std::fmin(a[i], b[i]));
    a[W / 2] = nan;
    store(y, select(unordered(load(a)), broadcast(T(0)), load(a)));
    CHECK(y[W / 2] == 0);
    store(y, max(load(a), broadcast(T(3))));  // where the comparison fails, the second operand
    CHECK(y[W / 2] == 3);
    store(y, max(broadcast(T(3)), load(a)));
    CHECK(y[W / 2] != y[W / 2]);
}

template <class T>
void test_transpose() {
    constexpr int W = Vec<T>::width;
    Vec<T> rows[W];
    T lanes[W];
    for (int i = 0; i < W; i++) {
        for (int j = 0; j < W; j++) lanes[j] = T(W * i + j);
        rows[i] = load(lanes);
    }
    transpose(rows);
    for (int i = 0; i < W; i++) {
        store(lanes, rows[i]);
        for (int j = 0; j < W; j++) CHECK(lanes[j] == T(W * j + i));
    }
}

template <class T>
using Integer = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;

template <class T>
void each(Vec<T> found, const T* expected) {
    T lanes[Vec<T>::width];
    store(lanes, found);
    for (int64_t i = 0; i < Vec<T>::width; i++) {
        CHECK(lanes[i] == expected[i] || (lanes[i] != lanes[i] && expected[i] != expected[i]));
        CHECK(std::signbit(lanes[i]) == std::signbit(expected[i]));
    }
}

template <class T>
void test_bits() {
    constexpr int64_t W = Vec<T>::width;
    constexpr int half = sizeof(T) * 4;
    T a[W], b[W], y[W];
    Integer<T> p[W], q[W], r[W];
    for (int64_t i = 0; i < W; i++) a[i] = T(1.1) + T(i), b[i] = T(-3.7) * T(i + 1);
    std::memcpy(p, a, sizeof(a)), std::memcpy(q, b, sizeof(b));
    const Bits<T> m = bits_of(load(a)), n = bits_of(load(b)), thirteen = broadcast(Integer<T>(13));
    auto same = [&](Bits<T> found, auto expected) {
        store(y, from_bits(found));
        std::memcpy(r, y, sizeof(y));
        for (int64_t i = 0; i < W; i++) CHECK(r[i] == static_cast<Integer<T>>(expected(p[i], q[i])));
    };
    same(m + n, [](auto s, auto t) { return s + t; });
    same(m - n, [](auto s, auto t) { return s - t; });
    same(m & n, [](auto s, auto t) { return s & t; });
    same(m | n, [](auto s, auto t) { return s | t; });
    same(m ^ thirteen, [](auto s, auto) { return s ^ 13u; });
    same(shift_left<3>(m), [](auto s, auto) { return s << 3; });
    same(shift_right<half>(n), [](auto, auto t) { return t >> half; });
    for (int64_t i = 0; i < W; i++) a[i] = i % 2 ? T(1) : T(0), y[i] = T(i % 2);
    each(select(is_zero(bits_of(load(a))), broadcast(T(0)), broadcast(T(1))), y);
}

template <class T>
void test_masks() {
    constexpr int64_t W = Vec<T>::width;
    T a[W], b[W], y[W];
    for (int64_t i = 0; i < W; i++) a[i] = T(i % 3), b[i] = T(i % 2);
    const Vec<T> x = load(a), z = load(b), yes = broadcast(T(1)), no = broadcast(T(0));
    for (int64_t i = 0; i < W; i++) y[i] = a[i] == b[i];
    each(select(equal(x, z), yes, no), y);
    for (int64_t i = 0; i < W; i++) y[i] = a[i] < T(2) && b[i] < T(1);
    each(select(less(x, broadcast(T(2))) & less(z, yes), yes, no), y);
    for (int64_t i = 0; i < W; i++) y[i] = a[i] < T(1) || b[i] < T(1);
    each(select(less(x, yes) | less(z, yes), yes, no), y);
    for (int64_t at = 0; at < W; at++) {
        for (int64_t i = 0; i < W; i++) a[i] = i == at ? T(5) : T(0);
        CHECK(any(equal(load(a), broadcast(T(5)))));
        CHECK(!any(equal(load(a), broadcast(T(6)))));
    }
    CHECK(!any(equal(broadcast(std::numeric_limits<T>::quiet_NaN()), broadcast(T(0)))));
}

template <class T>
void test_rounding() {
    constexpr int64_t W = Vec<T>::width;
    const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    const T values[] = {T(0), T(-0.0), T(0.5),  T(-0.5), T(1.5), T(-1.5), T(2.5),  T(-2.5),
                        inf,  -inf,    T(1e10), nan,     T(3),   T(-3),   T(7.75), T(0.25)};
    for (int64_t from = 0; from + W <= 16; from++) {
        T a[W], y[W];
        for (int64_t i = 0; i < W; i++) a[i] = values[from + i], y[i] = std::floor(a[i]);
        each(floor(load(a)), y);
        for (int64_t i = 0; i < W; i++) y[i] = std::nearbyint(a[i]);
        each(round_nearest(load(a)), y);
        for (int64_t i = 0; i < W; i++) a[i] = std::fabs(a[i]), y[i] = std::sqrt(a[i]);
        each(square_root(load(a)), y);
    }
    // 1 + 2^-d squared is 1 + 2^(1-d) + 2^-2d, of which the product keeps two terms.
    const T tiny = std::ldexp(T(1), sizeof(T) == 4 ? -20 : -45);
    const Vec<T> x = broadcast(T(1) + tiny);
    T y[W];
    for (T& lane : y) lane = tiny * tiny;
    each(product_error(x, x, x * x), y);
}

void test_through_double() {
    constexpr int64_t W = Vec<float>::width;
    float a[W], b[W], y[W], rest[W];
    for (int64_t i = 0; i < W; i++) a[i] = 1.1f * static_cast<float>(i + 1), b[i] = 3.3f + static_cast<float>(i);
    for (int64_t i = 0; i < W; i++) {
        const double exact = static_cast<double>(a[i]) / static_cast<double>(b[i]);
        y[i] = static_cast<float>(exact), rest[i] = static_cast<float>(exact - static_cast<double>(y[i]));
    }
    auto quotient = [](Vec<double> p, Vec<double> q) { return p / q; };
    Vec<float> left;
    each(through_double(load(a), load(b), quotient), y);
    each(through_double(load(a), load(b), left, quotient), y);
    each(left, rest);
}

}  // namespace

void test_set() {
    test_bits<float>();
    test_bits<double>();
    test_masks<float>();
    test_masks<double>();
    test_rounding<float>();
    test_rounding<double>();
    test_through_double();
    test_partial<float>();
    test_partial<double>();
    test_lanes<float>();
    test_lanes<double>();
    test_transpose<float>();
    test_transpose<double>();
}

}  // namespace nabi::NABI_SET
