// SPDX-License-Identifier: Apache-2.0
// The vector vocabulary on aarch64's 128-bit registers. Meanings: scalar.h.
#pragma once
#include <arm_neon.h>
#include <stdint.h>

namespace nabi::NABI_SET {

template <class T>
struct Vec;
template <>
struct Vec<float> {
    static constexpr int width = 4;
    float32x4_t v;
};
template <>
struct Vec<double> {
    static constexpr int width = 2;
    float64x2_t v;
};
template <class T>
struct Mask;
template <>
struct Mask<float> {
    uint32x4_t m;
};
template <>
struct Mask<double> {
    uint64x2_t m;
};
template <class T>
struct Bits;
template <>
struct Bits<float> {
    uint32x4_t b;
};
template <>
struct Bits<double> {
    uint64x2_t b;
};

inline Vec<float> load(const float* p) { return {vld1q_f32(p)}; }
inline Vec<double> load(const double* p) { return {vld1q_f64(p)}; }
inline void store(float* p, Vec<float> a) { vst1q_f32(p, a.v); }
inline void store(double* p, Vec<double> a) { vst1q_f64(p, a.v); }
inline Vec<float> load_partial(const float* p, int64_t n) {
    float lanes[4] = {0, 0, 0, 0};
    for (int64_t i = 0; i < n; i++) lanes[i] = p[i];
    return {vld1q_f32(lanes)};
}
inline Vec<double> load_partial(const double* p, int64_t n) {
    double lanes[2] = {0, 0};
    for (int64_t i = 0; i < n; i++) lanes[i] = p[i];
    return {vld1q_f64(lanes)};
}
inline void store_partial(float* p, Vec<float> a, int64_t n) {
    float lanes[4];
    vst1q_f32(lanes, a.v);
    for (int64_t i = 0; i < n; i++) p[i] = lanes[i];
}
inline void store_partial(double* p, Vec<double> a, int64_t n) {
    double lanes[2];
    vst1q_f64(lanes, a.v);
    for (int64_t i = 0; i < n; i++) p[i] = lanes[i];
}
inline Vec<float> broadcast(float x) { return {vdupq_n_f32(x)}; }
inline Vec<double> broadcast(double x) { return {vdupq_n_f64(x)}; }
inline Bits<float> broadcast(uint32_t x) { return {vdupq_n_u32(x)}; }
inline Bits<double> broadcast(uint64_t x) { return {vdupq_n_u64(x)}; }

inline Vec<float> operator+(Vec<float> a, Vec<float> b) { return {vaddq_f32(a.v, b.v)}; }
inline Vec<double> operator+(Vec<double> a, Vec<double> b) { return {vaddq_f64(a.v, b.v)}; }
inline Vec<float> operator-(Vec<float> a, Vec<float> b) { return {vsubq_f32(a.v, b.v)}; }
inline Vec<double> operator-(Vec<double> a, Vec<double> b) { return {vsubq_f64(a.v, b.v)}; }
inline Vec<float> operator*(Vec<float> a, Vec<float> b) { return {vmulq_f32(a.v, b.v)}; }
inline Vec<double> operator*(Vec<double> a, Vec<double> b) { return {vmulq_f64(a.v, b.v)}; }
inline Vec<float> operator/(Vec<float> a, Vec<float> b) { return {vdivq_f32(a.v, b.v)}; }
inline Vec<double> operator/(Vec<double> a, Vec<double> b) { return {vdivq_f64(a.v, b.v)}; }
inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return {vfmaq_f64(c.v, a.v, b.v)}; }
inline Vec<float> product_error(Vec<float> a, Vec<float> b, Vec<float> p) {
    return {vfmaq_f32(vnegq_f32(p.v), a.v, b.v)};
}
inline Vec<double> product_error(Vec<double> a, Vec<double> b, Vec<double> p) {
    return {vfmaq_f64(vnegq_f64(p.v), a.v, b.v)};
}
inline Vec<float> square_root(Vec<float> a) { return {vsqrtq_f32(a.v)}; }
inline Vec<double> square_root(Vec<double> a) { return {vsqrtq_f64(a.v)}; }

// vmaxq would return NaN for a NaN in either; the vocabulary's rule is x86's.
inline Vec<float> max(Vec<float> a, Vec<float> b) { return {vbslq_f32(vcgtq_f32(a.v, b.v), a.v, b.v)}; }
inline Vec<double> max(Vec<double> a, Vec<double> b) { return {vbslq_f64(vcgtq_f64(a.v, b.v), a.v, b.v)}; }
inline Vec<float> min(Vec<float> a, Vec<float> b) { return {vbslq_f32(vcltq_f32(a.v, b.v), a.v, b.v)}; }
inline Vec<double> min(Vec<double> a, Vec<double> b) { return {vbslq_f64(vcltq_f64(a.v, b.v), a.v, b.v)}; }
inline Mask<float> less(Vec<float> a, Vec<float> b) { return {vcltq_f32(a.v, b.v)}; }
inline Mask<double> less(Vec<double> a, Vec<double> b) { return {vcltq_f64(a.v, b.v)}; }
inline Mask<float> less_equal(Vec<float> a, Vec<float> b) { return {vcleq_f32(a.v, b.v)}; }
inline Mask<double> less_equal(Vec<double> a, Vec<double> b) { return {vcleq_f64(a.v, b.v)}; }
inline Mask<float> equal(Vec<float> a, Vec<float> b) { return {vceqq_f32(a.v, b.v)}; }
inline Mask<double> equal(Vec<double> a, Vec<double> b) { return {vceqq_f64(a.v, b.v)}; }
inline Mask<float> unordered(Vec<float> a) { return {vmvnq_u32(vceqq_f32(a.v, a.v))}; }
inline Mask<double> unordered(Vec<double> a) { return {veorq_u64(vceqq_f64(a.v, a.v), vdupq_n_u64(~uint64_t(0)))}; }
inline Mask<float> operator&(Mask<float> a, Mask<float> b) { return {vandq_u32(a.m, b.m)}; }
inline Mask<double> operator&(Mask<double> a, Mask<double> b) { return {vandq_u64(a.m, b.m)}; }
inline Mask<float> operator|(Mask<float> a, Mask<float> b) { return {vorrq_u32(a.m, b.m)}; }
inline Mask<double> operator|(Mask<double> a, Mask<double> b) { return {vorrq_u64(a.m, b.m)}; }
inline bool any(Mask<float> a) { return vmaxvq_u32(a.m) != 0; }
inline bool any(Mask<double> a) { return vmaxvq_u32(vreinterpretq_u32_u64(a.m)) != 0; }
inline Vec<float> select(Mask<float> m, Vec<float> a, Vec<float> b) { return {vbslq_f32(m.m, a.v, b.v)}; }
inline Vec<double> select(Mask<double> m, Vec<double> a, Vec<double> b) { return {vbslq_f64(m.m, a.v, b.v)}; }
inline Vec<float> absolute(Vec<float> a) { return {vabsq_f32(a.v)}; }
inline Vec<double> absolute(Vec<double> a) { return {vabsq_f64(a.v)}; }

inline Vec<float> round_nearest(Vec<float> a) { return {vrndnq_f32(a.v)}; }
inline Vec<double> round_nearest(Vec<double> a) { return {vrndnq_f64(a.v)}; }
inline Vec<float> floor(Vec<float> a) { return {vrndmq_f32(a.v)}; }
inline Vec<double> floor(Vec<double> a) { return {vrndmq_f64(a.v)}; }

inline Bits<float> bits_of(Vec<float> a) { return {vreinterpretq_u32_f32(a.v)}; }
inline Bits<double> bits_of(Vec<double> a) { return {vreinterpretq_u64_f64(a.v)}; }
inline Vec<float> from_bits(Bits<float> a) { return {vreinterpretq_f32_u32(a.b)}; }
inline Vec<double> from_bits(Bits<double> a) { return {vreinterpretq_f64_u64(a.b)}; }
inline Bits<float> operator+(Bits<float> a, Bits<float> b) { return {vaddq_u32(a.b, b.b)}; }
inline Bits<double> operator+(Bits<double> a, Bits<double> b) { return {vaddq_u64(a.b, b.b)}; }
inline Bits<float> operator-(Bits<float> a, Bits<float> b) { return {vsubq_u32(a.b, b.b)}; }
inline Bits<double> operator-(Bits<double> a, Bits<double> b) { return {vsubq_u64(a.b, b.b)}; }
inline Bits<float> operator&(Bits<float> a, Bits<float> b) { return {vandq_u32(a.b, b.b)}; }
inline Bits<double> operator&(Bits<double> a, Bits<double> b) { return {vandq_u64(a.b, b.b)}; }
inline Bits<float> operator|(Bits<float> a, Bits<float> b) { return {vorrq_u32(a.b, b.b)}; }
inline Bits<double> operator|(Bits<double> a, Bits<double> b) { return {vorrq_u64(a.b, b.b)}; }
inline Bits<float> operator^(Bits<float> a, Bits<float> b) { return {veorq_u32(a.b, b.b)}; }
inline Bits<double> operator^(Bits<double> a, Bits<double> b) { return {veorq_u64(a.b, b.b)}; }
template <int n>
inline Bits<float> shift_left(Bits<float> a) {
    return {vshlq_n_u32(a.b, n)};
}
template <int n>
inline Bits<double> shift_left(Bits<double> a) {
    return {vshlq_n_u64(a.b, n)};
}
template <int n>
inline Bits<float> shift_right(Bits<float> a) {
    return {vshrq_n_u32(a.b, n)};
}
template <int n>
inline Bits<double> shift_right(Bits<double> a) {
    return {vshrq_n_u64(a.b, n)};
}
inline Mask<float> is_zero(Bits<float> a) { return {vceqzq_u32(a.b)}; }
inline Mask<double> is_zero(Bits<double> a) { return {vceqzq_u64(a.b)}; }

inline Vec<double> low_half(Vec<float> a) { return {vcvt_f64_f32(vget_low_f32(a.v))}; }
inline Vec<double> high_half(Vec<float> a) { return {vcvt_high_f64_f32(a.v)}; }
inline Vec<float> narrowed(Vec<double> low, Vec<double> high) {
    return {vcvt_high_f32_f64(vcvt_f32_f64(low.v), high.v)};
}
template <class F>
inline Vec<float> through_double(Vec<float> a, Vec<float> b, const F& f) {
    return narrowed(f(low_half(a), low_half(b)), f(high_half(a), high_half(b)));
}
template <class F>
inline Vec<float> through_double(Vec<float> a, Vec<float> b, Vec<float>& rest, const F& f) {
    const Vec<double> low = f(low_half(a), low_half(b)), high = f(high_half(a), high_half(b));
    const Vec<float> rounded = narrowed(low, high);
    rest = narrowed(low - low_half(rounded), high - high_half(rounded));
    return rounded;
}

inline float sum_lanes(Vec<float> a) {
    float32x2_t half = vadd_f32(vget_low_f32(a.v), vget_high_f32(a.v));
    return vget_lane_f32(half, 0) + vget_lane_f32(half, 1);
}
inline double sum_lanes(Vec<double> a) { return vgetq_lane_f64(a.v, 0) + vgetq_lane_f64(a.v, 1); }
inline float max_lanes(Vec<float> a) { return vmaxvq_f32(a.v); }
inline double max_lanes(Vec<double> a) { return vmaxvq_f64(a.v); }

inline void transpose(Vec<float> (&rows)[4]) {
    float32x4_t a = vzip1q_f32(rows[0].v, rows[2].v), b = vzip2q_f32(rows[0].v, rows[2].v);
    float32x4_t c = vzip1q_f32(rows[1].v, rows[3].v), d = vzip2q_f32(rows[1].v, rows[3].v);
    rows[0].v = vzip1q_f32(a, c);
    rows[1].v = vzip2q_f32(a, c);
    rows[2].v = vzip1q_f32(b, d);
    rows[3].v = vzip2q_f32(b, d);
}
inline void transpose(Vec<double> (&rows)[2]) {
    float64x2_t low = vzip1q_f64(rows[0].v, rows[1].v);
    rows[1].v = vzip2q_f64(rows[0].v, rows[1].v);
    rows[0].v = low;
}

}  // namespace nabi::NABI_SET
