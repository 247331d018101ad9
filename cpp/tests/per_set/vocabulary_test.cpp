// SPDX-License-Identifier: Apache-2.0
// The vector vocabulary against its definition, lane by lane.
#include <cmath>
#include <limits>

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

}  // namespace

void test_set() {
    test_partial<float>();
    test_partial<double>();
    test_lanes<float>();
    test_lanes<double>();
    test_transpose<float>();
    test_transpose<double>();
}

}  // namespace nabi::NABI_SET
