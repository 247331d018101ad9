// SPDX-License-Identifier: Apache-2.0
// The vector vocabulary on 256-bit registers (AVX2, FMA). Meanings: scalar.h.
#pragma once
#include <immintrin.h>
#include <stdint.h>

namespace nabi::NABI_SET {

template <class T>
struct Vec;
template <>
struct Vec<float> {
    static constexpr int width = 8;
    __m256 v;
};
template <>
struct Vec<double> {
    static constexpr int width = 4;
    __m256d v;
};
template <class T>
struct Mask;
template <>
struct Mask<float> {
    __m256 m;
};
template <>
struct Mask<double> {
    __m256d m;
};
template <class T>
struct Bits {
    __m256i b;
};

inline __m256i first_lanes8(int64_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline __m256i first_lanes4(int64_t n) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}

inline Vec<float> load(const float* p) { return {_mm256_loadu_ps(p)}; }
inline Vec<double> load(const double* p) { return {_mm256_loadu_pd(p)}; }
inline void store(float* p, Vec<float> a) { _mm256_storeu_ps(p, a.v); }
inline void store(double* p, Vec<double> a) { _mm256_storeu_pd(p, a.v); }
inline Vec<float> load_partial(const float* p, int64_t n) { return {_mm256_maskload_ps(p, first_lanes8(n))}; }
inline Vec<double> load_partial(const double* p, int64_t n) { return {_mm256_maskload_pd(p, first_lanes4(n))}; }
inline void store_partial(float* p, Vec<float> a, int64_t n) { _mm256_maskstore_ps(p, first_lanes8(n), a.v); }
inline void store_partial(double* p, Vec<double> a, int64_t n) { _mm256_maskstore_pd(p, first_lanes4(n), a.v); }
inline Vec<float> broadcast(float x) { return {_mm256_set1_ps(x)}; }
inline Vec<double> broadcast(double x) { return {_mm256_set1_pd(x)}; }
inline Bits<float> broadcast(uint32_t x) { return {_mm256_set1_epi32(static_cast<int32_t>(x))}; }
inline Bits<double> broadcast(uint64_t x) { return {_mm256_set1_epi64x(static_cast<int64_t>(x))}; }

inline Vec<float> operator+(Vec<float> a, Vec<float> b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Vec<double> operator+(Vec<double> a, Vec<double> b) { return {_mm256_add_pd(a.v, b.v)}; }
inline Vec<float> operator-(Vec<float> a, Vec<float> b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Vec<double> operator-(Vec<double> a, Vec<double> b) { return {_mm256_sub_pd(a.v, b.v)}; }
inline Vec<float> operator*(Vec<float> a, Vec<float> b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Vec<double> operator*(Vec<double> a, Vec<double> b) { return {_mm256_mul_pd(a.v, b.v)}; }
inline Vec<float> operator/(Vec<float> a, Vec<float> b) { return {_mm256_div_ps(a.v, b.v)}; }
inline Vec<double> operator/(Vec<double> a, Vec<double> b) { return {_mm256_div_pd(a.v, b.v)}; }
inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
inline Vec<float> product_error(Vec<float> a, Vec<float> b, Vec<float> p) { return {_mm256_fmsub_ps(a.v, b.v, p.v)}; }
inline Vec<double> product_error(Vec<double> a, Vec<double> b, Vec<double> p) {
    return {_mm256_fmsub_pd(a.v, b.v, p.v)};
}
inline Vec<float> square_root(Vec<float> a) { return {_mm256_sqrt_ps(a.v)}; }
inline Vec<double> square_root(Vec<double> a) { return {_mm256_sqrt_pd(a.v)}; }

inline Vec<float> max(Vec<float> a, Vec<float> b) { return {_mm256_max_ps(a.v, b.v)}; }
inline Vec<double> max(Vec<double> a, Vec<double> b) { return {_mm256_max_pd(a.v, b.v)}; }
inline Vec<float> min(Vec<float> a, Vec<float> b) { return {_mm256_min_ps(a.v, b.v)}; }
inline Vec<double> min(Vec<double> a, Vec<double> b) { return {_mm256_min_pd(a.v, b.v)}; }
inline Mask<float> less(Vec<float> a, Vec<float> b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
inline Mask<double> less(Vec<double> a, Vec<double> b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ)}; }
inline Mask<float> less_equal(Vec<float> a, Vec<float> b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
inline Mask<double> less_equal(Vec<double> a, Vec<double> b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LE_OQ)}; }
inline Mask<float> equal(Vec<float> a, Vec<float> b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
inline Mask<double> equal(Vec<double> a, Vec<double> b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_EQ_OQ)}; }
inline Mask<float> unordered(Vec<float> a) { return {_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q)}; }
inline Mask<double> unordered(Vec<double> a) { return {_mm256_cmp_pd(a.v, a.v, _CMP_UNORD_Q)}; }
inline Mask<float> operator&(Mask<float> a, Mask<float> b) { return {_mm256_and_ps(a.m, b.m)}; }
inline Mask<double> operator&(Mask<double> a, Mask<double> b) { return {_mm256_and_pd(a.m, b.m)}; }
inline Mask<float> operator|(Mask<float> a, Mask<float> b) { return {_mm256_or_ps(a.m, b.m)}; }
inline Mask<double> operator|(Mask<double> a, Mask<double> b) { return {_mm256_or_pd(a.m, b.m)}; }
inline bool any(Mask<float> a) { return _mm256_movemask_ps(a.m) != 0; }
inline bool any(Mask<double> a) { return _mm256_movemask_pd(a.m) != 0; }
inline Vec<float> select(Mask<float> m, Vec<float> a, Vec<float> b) { return {_mm256_blendv_ps(b.v, a.v, m.m)}; }
inline Vec<double> select(Mask<double> m, Vec<double> a, Vec<double> b) { return {_mm256_blendv_pd(b.v, a.v, m.m)}; }
inline Vec<float> absolute(Vec<float> a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
inline Vec<double> absolute(Vec<double> a) { return {_mm256_andnot_pd(_mm256_set1_pd(-0.0), a.v)}; }

inline Vec<float> round_nearest(Vec<float> a) {
    return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
inline Vec<double> round_nearest(Vec<double> a) {
    return {_mm256_round_pd(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
inline Vec<float> floor(Vec<float> a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)}; }
inline Vec<double> floor(Vec<double> a) { return {_mm256_round_pd(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)}; }

inline Bits<float> bits_of(Vec<float> a) { return {_mm256_castps_si256(a.v)}; }
inline Bits<double> bits_of(Vec<double> a) { return {_mm256_castpd_si256(a.v)}; }
inline Vec<float> from_bits(Bits<float> a) { return {_mm256_castsi256_ps(a.b)}; }
inline Vec<double> from_bits(Bits<double> a) { return {_mm256_castsi256_pd(a.b)}; }
inline Bits<float> operator+(Bits<float> a, Bits<float> b) { return {_mm256_add_epi32(a.b, b.b)}; }
inline Bits<double> operator+(Bits<double> a, Bits<double> b) { return {_mm256_add_epi64(a.b, b.b)}; }
inline Bits<float> operator-(Bits<float> a, Bits<float> b) { return {_mm256_sub_epi32(a.b, b.b)}; }
inline Bits<double> operator-(Bits<double> a, Bits<double> b) { return {_mm256_sub_epi64(a.b, b.b)}; }
template <class T>
inline Bits<T> operator&(Bits<T> a, Bits<T> b) {
    return {_mm256_and_si256(a.b, b.b)};
}
template <class T>
inline Bits<T> operator|(Bits<T> a, Bits<T> b) {
    return {_mm256_or_si256(a.b, b.b)};
}
template <class T>
inline Bits<T> operator^(Bits<T> a, Bits<T> b) {
    return {_mm256_xor_si256(a.b, b.b)};
}
template <int n>
inline Bits<float> shift_left(Bits<float> a) {
    return {_mm256_slli_epi32(a.b, n)};
}
template <int n>
inline Bits<double> shift_left(Bits<double> a) {
    return {_mm256_slli_epi64(a.b, n)};
}
template <int n>
inline Bits<float> shift_right(Bits<float> a) {
    return {_mm256_srli_epi32(a.b, n)};
}
template <int n>
inline Bits<double> shift_right(Bits<double> a) {
    return {_mm256_srli_epi64(a.b, n)};
}
inline Mask<float> is_zero(Bits<float> a) {
    return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.b, _mm256_setzero_si256()))};
}
inline Mask<double> is_zero(Bits<double> a) {
    return {_mm256_castsi256_pd(_mm256_cmpeq_epi64(a.b, _mm256_setzero_si256()))};
}

inline Vec<double> low_half(Vec<float> a) { return {_mm256_cvtps_pd(_mm256_castps256_ps128(a.v))}; }
inline Vec<double> high_half(Vec<float> a) { return {_mm256_cvtps_pd(_mm256_extractf128_ps(a.v, 1))}; }
inline Vec<float> narrowed(Vec<double> low, Vec<double> high) {
    return {_mm256_set_m128(_mm256_cvtpd_ps(high.v), _mm256_cvtpd_ps(low.v))};
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
    __m128 y = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    y = _mm_add_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_add_ss(y, _mm_shuffle_ps(y, y, 1)));
}
inline double sum_lanes(Vec<double> a) {
    __m128d y = _mm_add_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
    return _mm_cvtsd_f64(_mm_add_sd(y, _mm_unpackhi_pd(y, y)));
}
inline float max_lanes(Vec<float> a) {
    __m128 y = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    y = _mm_max_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_max_ss(y, _mm_shuffle_ps(y, y, 1)));
}
inline double max_lanes(Vec<double> a) {
    __m128d y = _mm_max_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
    return _mm_cvtsd_f64(_mm_max_sd(y, _mm_unpackhi_pd(y, y)));
}

inline void transpose(Vec<float> (&rows)[8]) {
    __m256 pairs[8], quads[8];
    for (int i = 0; i < 4; i++) {
        pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i].v, rows[2 * i + 1].v);
        pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i].v, rows[2 * i + 1].v);
    }
    for (int i = 0; i < 2; i++) {
        quads[4 * i] = _mm256_shuffle_ps(pairs[4 * i], pairs[4 * i + 2], 0x44);
        quads[4 * i + 1] = _mm256_shuffle_ps(pairs[4 * i], pairs[4 * i + 2], 0xee);
        quads[4 * i + 2] = _mm256_shuffle_ps(pairs[4 * i + 1], pairs[4 * i + 3], 0x44);
        quads[4 * i + 3] = _mm256_shuffle_ps(pairs[4 * i + 1], pairs[4 * i + 3], 0xee);
    }
    for (int i = 0; i < 4; i++) {
        rows[i].v = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x20);
        rows[i + 4].v = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x31);
    }
}
inline void transpose(Vec<double> (&rows)[4]) {
    __m256d low0 = _mm256_unpacklo_pd(rows[0].v, rows[1].v), high0 = _mm256_unpackhi_pd(rows[0].v, rows[1].v);
    __m256d low1 = _mm256_unpacklo_pd(rows[2].v, rows[3].v), high1 = _mm256_unpackhi_pd(rows[2].v, rows[3].v);
    rows[0].v = _mm256_permute2f128_pd(low0, low1, 0x20);
    rows[1].v = _mm256_permute2f128_pd(high0, high1, 0x20);
    rows[2].v = _mm256_permute2f128_pd(low0, low1, 0x31);
    rows[3].v = _mm256_permute2f128_pd(high0, high1, 0x31);
}

}  // namespace nabi::NABI_SET
