// SPDX-License-Identifier: Apache-2.0
// The vector vocabulary on 512-bit registers (F, BW, DQ, VL). Meanings: scalar.h.
#pragma once
#include <immintrin.h>
#include <stdint.h>

namespace nabi::NABI_SET {

template <class T>
struct Vec;
template <>
struct Vec<float> {
    static constexpr int width = 16;
    __m512 v;
};
template <>
struct Vec<double> {
    static constexpr int width = 8;
    __m512d v;
};
template <class T>
struct Mask;
template <>
struct Mask<float> {
    __mmask16 m;
};
template <>
struct Mask<double> {
    __mmask8 m;
};
template <class T>
struct Bits {
    __m512i b;
};

inline __mmask16 first_lanes16(int64_t n) { return static_cast<__mmask16>((1u << n) - 1u); }
inline __mmask8 first_lanes8(int64_t n) { return static_cast<__mmask8>((1u << n) - 1u); }

inline Vec<float> load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline Vec<double> load(const double* p) { return {_mm512_loadu_pd(p)}; }
inline void store(float* p, Vec<float> a) { _mm512_storeu_ps(p, a.v); }
inline void store(double* p, Vec<double> a) { _mm512_storeu_pd(p, a.v); }
inline Vec<float> load_partial(const float* p, int64_t n) { return {_mm512_maskz_loadu_ps(first_lanes16(n), p)}; }
inline Vec<double> load_partial(const double* p, int64_t n) { return {_mm512_maskz_loadu_pd(first_lanes8(n), p)}; }
inline void store_partial(float* p, Vec<float> a, int64_t n) { _mm512_mask_storeu_ps(p, first_lanes16(n), a.v); }
inline void store_partial(double* p, Vec<double> a, int64_t n) { _mm512_mask_storeu_pd(p, first_lanes8(n), a.v); }
inline Vec<float> broadcast(float x) { return {_mm512_set1_ps(x)}; }
inline Vec<double> broadcast(double x) { return {_mm512_set1_pd(x)}; }
inline Bits<float> broadcast(uint32_t x) { return {_mm512_set1_epi32(static_cast<int32_t>(x))}; }
inline Bits<double> broadcast(uint64_t x) { return {_mm512_set1_epi64(static_cast<int64_t>(x))}; }

inline Vec<float> operator+(Vec<float> a, Vec<float> b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Vec<double> operator+(Vec<double> a, Vec<double> b) { return {_mm512_add_pd(a.v, b.v)}; }
inline Vec<float> operator-(Vec<float> a, Vec<float> b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Vec<double> operator-(Vec<double> a, Vec<double> b) { return {_mm512_sub_pd(a.v, b.v)}; }
inline Vec<float> operator*(Vec<float> a, Vec<float> b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Vec<double> operator*(Vec<double> a, Vec<double> b) { return {_mm512_mul_pd(a.v, b.v)}; }
inline Vec<float> operator/(Vec<float> a, Vec<float> b) { return {_mm512_div_ps(a.v, b.v)}; }
inline Vec<double> operator/(Vec<double> a, Vec<double> b) { return {_mm512_div_pd(a.v, b.v)}; }
inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
inline Vec<float> product_error(Vec<float> a, Vec<float> b, Vec<float> p) { return {_mm512_fmsub_ps(a.v, b.v, p.v)}; }
inline Vec<double> product_error(Vec<double> a, Vec<double> b, Vec<double> p) {
    return {_mm512_fmsub_pd(a.v, b.v, p.v)};
}
inline Vec<float> square_root(Vec<float> a) { return {_mm512_sqrt_ps(a.v)}; }
inline Vec<double> square_root(Vec<double> a) { return {_mm512_sqrt_pd(a.v)}; }

inline Vec<float> max(Vec<float> a, Vec<float> b) { return {_mm512_max_ps(a.v, b.v)}; }
inline Vec<double> max(Vec<double> a, Vec<double> b) { return {_mm512_max_pd(a.v, b.v)}; }
inline Vec<float> min(Vec<float> a, Vec<float> b) { return {_mm512_min_ps(a.v, b.v)}; }
inline Vec<double> min(Vec<double> a, Vec<double> b) { return {_mm512_min_pd(a.v, b.v)}; }
inline Mask<float> less(Vec<float> a, Vec<float> b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
inline Mask<double> less(Vec<double> a, Vec<double> b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ)}; }
inline Mask<float> less_equal(Vec<float> a, Vec<float> b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
inline Mask<double> less_equal(Vec<double> a, Vec<double> b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LE_OQ)}; }
inline Mask<float> equal(Vec<float> a, Vec<float> b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
inline Mask<double> equal(Vec<double> a, Vec<double> b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_EQ_OQ)}; }
inline Mask<float> unordered(Vec<float> a) { return {_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)}; }
inline Mask<double> unordered(Vec<double> a) { return {_mm512_cmp_pd_mask(a.v, a.v, _CMP_UNORD_Q)}; }
template <class T>
inline Mask<T> operator&(Mask<T> a, Mask<T> b) {
    return {static_cast<decltype(a.m)>(a.m & b.m)};
}
template <class T>
inline Mask<T> operator|(Mask<T> a, Mask<T> b) {
    return {static_cast<decltype(a.m)>(a.m | b.m)};
}
template <class T>
inline bool any(Mask<T> a) {
    return a.m != 0;
}
inline Vec<float> select(Mask<float> m, Vec<float> a, Vec<float> b) { return {_mm512_mask_blend_ps(m.m, b.v, a.v)}; }
inline Vec<double> select(Mask<double> m, Vec<double> a, Vec<double> b) {
    return {_mm512_mask_blend_pd(m.m, b.v, a.v)};
}
inline Vec<float> absolute(Vec<float> a) { return {_mm512_abs_ps(a.v)}; }
inline Vec<double> absolute(Vec<double> a) { return {_mm512_abs_pd(a.v)}; }

inline Vec<float> round_nearest(Vec<float> a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT)}; }
inline Vec<double> round_nearest(Vec<double> a) { return {_mm512_roundscale_pd(a.v, _MM_FROUND_TO_NEAREST_INT)}; }
inline Vec<float> floor(Vec<float> a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEG_INF)}; }
inline Vec<double> floor(Vec<double> a) { return {_mm512_roundscale_pd(a.v, _MM_FROUND_TO_NEG_INF)}; }

inline Bits<float> bits_of(Vec<float> a) { return {_mm512_castps_si512(a.v)}; }
inline Bits<double> bits_of(Vec<double> a) { return {_mm512_castpd_si512(a.v)}; }
inline Vec<float> from_bits(Bits<float> a) { return {_mm512_castsi512_ps(a.b)}; }
inline Vec<double> from_bits(Bits<double> a) { return {_mm512_castsi512_pd(a.b)}; }
inline Bits<float> operator+(Bits<float> a, Bits<float> b) { return {_mm512_add_epi32(a.b, b.b)}; }
inline Bits<double> operator+(Bits<double> a, Bits<double> b) { return {_mm512_add_epi64(a.b, b.b)}; }
inline Bits<float> operator-(Bits<float> a, Bits<float> b) { return {_mm512_sub_epi32(a.b, b.b)}; }
inline Bits<double> operator-(Bits<double> a, Bits<double> b) { return {_mm512_sub_epi64(a.b, b.b)}; }
template <class T>
inline Bits<T> operator&(Bits<T> a, Bits<T> b) {
    return {_mm512_and_si512(a.b, b.b)};
}
template <class T>
inline Bits<T> operator|(Bits<T> a, Bits<T> b) {
    return {_mm512_or_si512(a.b, b.b)};
}
template <class T>
inline Bits<T> operator^(Bits<T> a, Bits<T> b) {
    return {_mm512_xor_si512(a.b, b.b)};
}
template <int n>
inline Bits<float> shift_left(Bits<float> a) {
    return {_mm512_slli_epi32(a.b, n)};
}
template <int n>
inline Bits<double> shift_left(Bits<double> a) {
    return {_mm512_slli_epi64(a.b, n)};
}
template <int n>
inline Bits<float> shift_right(Bits<float> a) {
    return {_mm512_srli_epi32(a.b, n)};
}
template <int n>
inline Bits<double> shift_right(Bits<double> a) {
    return {_mm512_srli_epi64(a.b, n)};
}
inline Mask<float> is_zero(Bits<float> a) { return {_mm512_testn_epi32_mask(a.b, a.b)}; }
inline Mask<double> is_zero(Bits<double> a) { return {_mm512_testn_epi64_mask(a.b, a.b)}; }

inline Vec<double> low_half(Vec<float> a) { return {_mm512_cvtps_pd(_mm512_castps512_ps256(a.v))}; }
inline Vec<double> high_half(Vec<float> a) { return {_mm512_cvtps_pd(_mm512_extractf32x8_ps(a.v, 1))}; }
inline Vec<float> narrowed(Vec<double> low, Vec<double> high) {
    return {_mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low.v)), _mm512_cvtpd_ps(high.v), 1)};
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
    __m256 x = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
    __m128 y = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    y = _mm_add_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_add_ss(y, _mm_shuffle_ps(y, y, 1)));
}
inline double sum_lanes(Vec<double> a) {
    __m256d x = _mm256_add_pd(_mm512_castpd512_pd256(a.v), _mm512_extractf64x4_pd(a.v, 1));
    __m128d y = _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));
    return _mm_cvtsd_f64(_mm_add_sd(y, _mm_unpackhi_pd(y, y)));
}
inline float max_lanes(Vec<float> a) { return _mm512_reduce_max_ps(a.v); }
inline double max_lanes(Vec<double> a) { return _mm512_reduce_max_pd(a.v); }

inline void transpose(Vec<float> (&rows)[16]) {
    __m512 pairs[16], quads[16];
    for (int i = 0; i < 8; i++) {
        pairs[2 * i] = _mm512_unpacklo_ps(rows[2 * i].v, rows[2 * i + 1].v);
        pairs[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i].v, rows[2 * i + 1].v);
    }
    // quads[4 g + c] holds column c of each 128-bit lane for the rows 4 g to 4 g + 3.
    for (int i = 0; i < 4; i++) {
        quads[4 * i] = _mm512_shuffle_ps(pairs[4 * i], pairs[4 * i + 2], 0x44);
        quads[4 * i + 1] = _mm512_shuffle_ps(pairs[4 * i], pairs[4 * i + 2], 0xee);
        quads[4 * i + 2] = _mm512_shuffle_ps(pairs[4 * i + 1], pairs[4 * i + 3], 0x44);
        quads[4 * i + 3] = _mm512_shuffle_ps(pairs[4 * i + 1], pairs[4 * i + 3], 0xee);
    }
    for (int c = 0; c < 4; c++) {
        __m512 even0 = _mm512_shuffle_f32x4(quads[c], quads[c + 4], 0x88);
        __m512 odd0 = _mm512_shuffle_f32x4(quads[c], quads[c + 4], 0xdd);
        __m512 even1 = _mm512_shuffle_f32x4(quads[c + 8], quads[c + 12], 0x88);
        __m512 odd1 = _mm512_shuffle_f32x4(quads[c + 8], quads[c + 12], 0xdd);
        rows[c].v = _mm512_shuffle_f32x4(even0, even1, 0x88);
        rows[c + 4].v = _mm512_shuffle_f32x4(odd0, odd1, 0x88);
        rows[c + 8].v = _mm512_shuffle_f32x4(even0, even1, 0xdd);
        rows[c + 12].v = _mm512_shuffle_f32x4(odd0, odd1, 0xdd);
    }
}
inline void transpose(Vec<double> (&rows)[8]) {
    __m512d pairs[8];
    for (int i = 0; i < 4; i++) {
        pairs[2 * i] = _mm512_unpacklo_pd(rows[2 * i].v, rows[2 * i + 1].v);
        pairs[2 * i + 1] = _mm512_unpackhi_pd(rows[2 * i].v, rows[2 * i + 1].v);
    }
    for (int c = 0; c < 2; c++) {
        __m512d even0 = _mm512_shuffle_f64x2(pairs[c], pairs[c + 2], 0x88);
        __m512d odd0 = _mm512_shuffle_f64x2(pairs[c], pairs[c + 2], 0xdd);
        __m512d even1 = _mm512_shuffle_f64x2(pairs[c + 4], pairs[c + 6], 0x88);
        __m512d odd1 = _mm512_shuffle_f64x2(pairs[c + 4], pairs[c + 6], 0xdd);
        rows[c].v = _mm512_shuffle_f64x2(even0, even1, 0x88);
        rows[c + 2].v = _mm512_shuffle_f64x2(odd0, odd1, 0x88);
        rows[c + 4].v = _mm512_shuffle_f64x2(even0, even1, 0xdd);
        rows[c + 6].v = _mm512_shuffle_f64x2(odd0, odd1, 0xdd);
    }
}

}  // namespace nabi::NABI_SET
