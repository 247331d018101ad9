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

// vmaxq would return NaN for a NaN in either; the vocabulary's rule is x86's.
inline Vec<float> max(Vec<float> a, Vec<float> b) { return {vbslq_f32(vcgtq_f32(a.v, b.v), a.v, b.v)}; }
inline Vec<double> max(Vec<double> a, Vec<double> b) { return {vbslq_f64(vcgtq_f64(a.v, b.v), a.v, b.v)}; }
inline Vec<float> min(Vec<float> a, Vec<float> b) { return {vbslq_f32(vcltq_f32(a.v, b.v), a.v, b.v)}; }
inline Vec<double> min(Vec<double> a, Vec<double> b) { return {vbslq_f64(vcltq_f64(a.v, b.v), a.v, b.v)}; }
inline Mask<float> less(Vec<float> a, Vec<float> b) { return {vcltq_f32(a.v, b.v)}; }
inline Mask<double> less(Vec<double> a, Vec<double> b) { return {vcltq_f64(a.v, b.v)}; }
inline Mask<float> less_equal(Vec<float> a, Vec<float> b) { return {vcleq_f32(a.v, b.v)}; }
inline Mask<double> less_equal(Vec<double> a, Vec<double> b) { return {vcleq_f64(a.v, b.v)}; }
inline Mask<float> unordered(Vec<float> a) { return {vmvnq_u32(vceqq_f32(a.v, a.v))}; }
inline Mask<double> unordered(Vec<double> a) { return {veorq_u64(vceqq_f64(a.v, a.v), vdupq_n_u64(~uint64_t(0)))}; }
inline Vec<float> select(Mask<float> m, Vec<float> a, Vec<float> b) { return {vbslq_f32(m.m, a.v, b.v)}; }
inline Vec<double> select(Mask<double> m, Vec<double> a, Vec<double> b) { return {vbslq_f64(m.m, a.v, b.v)}; }
inline Vec<float> absolute(Vec<float> a) { return {vabsq_f32(a.v)}; }
inline Vec<double> absolute(Vec<double> a) { return {vabsq_f64(a.v)}; }

inline Vec<float> round_nearest(Vec<float> a) { return {vrndnq_f32(a.v)}; }
inline Vec<double> round_nearest(Vec<double> a) { return {vrndnq_f64(a.v)}; }
inline Vec<float> times_power_of_2(Vec<float> a, Vec<float> n) {
    int32x4_t bits = vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n.v), vdupq_n_s32(127)), 23);
    return {vmulq_f32(a.v, vreinterpretq_f32_s32(bits))};
}
inline Vec<double> times_power_of_2(Vec<double> a, Vec<double> n) {
    int64x2_t bits = vshlq_n_s64(vaddq_s64(vcvtq_s64_f64(n.v), vdupq_n_s64(1023)), 52);
    return {vmulq_f64(a.v, vreinterpretq_f64_s64(bits))};
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
