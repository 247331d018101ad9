// SPDX-License-Identifier: Apache-2.0
// Normal and exponential draws into flat memory, y[n], bit for bit PyTorch's (the float32 blocks as its AVX2 code computes them).
//   normal       Box-Muller: r = sqrt(-2 log(1 - u1)), y = mean + std r cos(2 pi u2) and mean + std r sin(2 pi u2)
//     n >= 16    in blocks of 16: u1 from the first half, u2 from the second; a last part of a block is drawn, thrown away, and
//                the last 16 elements are drawn again
//     n < 16     element by element in float64, the sine kept in the generator for the next call
//   exponential  y = -log1p(-u) / lambda
#include "kernels/random/words.h"
#include "runtime/array.h"

namespace nabi::NABI_SET {

namespace {

constexpr int64_t BLOCK = 16;
constexpr double TWO_PI = 6.283185307179586476925286766559;

inline float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline uint32_t bits_of(float x) { return __builtin_bit_cast(uint32_t, x); }
inline float float_of(uint32_t x) { return __builtin_bit_cast(float, x); }

// log of x in [2^-24, 1] by the Cephes polynomial (Moshier): x = m 2^e with m in [sqrt(1/2), sqrt(2)).
inline float log_unit(float x) {
    uint32_t bits = bits_of(x);
    float m = float_of((bits & 0x007fffffu) | 0x3f000000u);
    float e = static_cast<float>(static_cast<int32_t>(bits >> 23) - 126);
    bool low = m < 0.707106781186547524f;
    float t = (m - 1.0f) + (low ? m : 0.0f);
    e -= low ? 1.0f : 0.0f;
    float z = t * t;
    float y = 7.0376836292e-2f;
    y = fused(y, t, -1.1514610310e-1f);
    y = fused(y, t, 1.1676998740e-1f);
    y = fused(y, t, -1.2420140846e-1f);
    y = fused(y, t, 1.4249322787e-1f);
    y = fused(y, t, -1.6668057665e-1f);
    y = fused(y, t, 2.0000714765e-1f);
    y = fused(y, t, -2.4999993993e-1f);
    y = fused(y, t, 3.3333331174e-1f);
    y = fused(y * t, z, e * -2.12194440e-4f);
    y = fused(z, -0.5f, y);
    return fused(e, 0.693359375f, t + y);
}

// sin and cos of x in [0, 2 pi] by the Cephes polynomials (Moshier): x - j pi/4 with j even, then the octant's polynomial.
inline void sin_cos(float x, float& sine, float& cosine) {
    int32_t j = (static_cast<int32_t>(x * 1.27323954473516f) + 1) & ~1;
    float octant = static_cast<float>(j);
    x = fused(octant, -0.78515625f, x);
    x = fused(octant, -2.4187564849853515625e-4f, x);
    x = fused(octant, -3.77489497744594108e-8f, x);
    float z = x * x;
    float c = 2.443315711809948e-5f;
    c = fused(c, z, -1.388731625493765e-3f);
    c = fused(c, z, 4.166664568298827e-2f);
    c = fused(c * z, z, z * -0.5f) + 1.0f;
    float s = -1.9515295891e-4f;
    s = fused(s, z, 8.3321608736e-3f);
    s = fused(s, z, -1.6666654611e-1f);
    s = fused(s * z, x, x);
    bool swap = (j & 2) != 0;
    uint32_t sine_sign = static_cast<uint32_t>(j & 4) << 29;
    uint32_t cosine_sign = static_cast<uint32_t>(~(j - 2) & 4) << 29;
    sine = float_of(bits_of(swap ? c : s) ^ sine_sign);
    cosine = float_of(bits_of(swap ? s : c) ^ cosine_sign);
}

void box_muller(float* block, float mean, float std) {
    for (int j = 0; j < 8; j++) {
        float r = __builtin_sqrtf(-2.0f * log_unit(1.0f - block[j]));
        float sine, cosine;
        sin_cos(static_cast<float>(TWO_PI) * block[j + 8], sine, cosine);
        block[j] = fused(r * cosine, std, mean);
        block[j + 8] = fused(r * sine, std, mean);
    }
}

void box_muller(double* block, double mean, double std) {
    for (int j = 0; j < 8; j++) {
        double r = __builtin_sqrt(-2 * __builtin_log(1 - block[j]));
        double theta = TWO_PI * block[j + 8];
        block[j] = __builtin_fma(r * __builtin_cos(theta), std, mean);
        block[j + 8] = __builtin_fma(r * __builtin_sin(theta), std, mean);
    }
}

template <class T>
void normal_blocks(Mt19937& g, T* y, int64_t n, T mean, T std) {
    const int64_t whole = n / BLOCK * BLOCK;
    for (int64_t i = 0; i < whole; i += DRAW_CHUNK) {
        int64_t count = DRAW_CHUNK < whole - i ? DRAW_CHUNK : whole - i;
        draw_uniform(g, y + i, count);
        for (int64_t j = 0; j < count; j += BLOCK) box_muller(y + i + j, mean, std);
    }
    if (whole == n) return;
    draw_uniform(g, y + whole, n - whole);
    draw_uniform(g, y + n - BLOCK, BLOCK);
    box_muller(y + n - BLOCK, mean, std);
}

template <class T>
void normal_one_by_one(Mt19937& g, T* y, int64_t n, double mean, double std) {
    for (int64_t i = 0; i < n; i++) {
        double z;
        if (g.has_next_normal) {
            z = g.next_normal;
            g.has_next_normal = false;
        } else {
            double u[2];
            draw_uniform(g, u, 2);
            double r = __builtin_sqrt(-2.0 * __builtin_log1p(-u[1])), theta = TWO_PI * u[0];
            z = r * __builtin_cos(theta);
            g.next_normal = r * __builtin_sin(theta);
            g.has_next_normal = true;
        }
        y[i] = static_cast<T>(__builtin_fma(z, std, mean));
    }
}

template <class T>
Status normal(Mt19937& g, T* y, int64_t n, double mean, double std) {
    if (n < BLOCK) {
        normal_one_by_one(g, y, n, mean, std);
    } else {
        normal_blocks(g, y, n, static_cast<T>(mean), static_cast<T>(std));
    }
    return Status{};
}

template <class T>
Status exponential(Mt19937& g, T* y, int64_t n, double lambda) {
    double u[DRAW_CHUNK];
    const double scale = -1.0 / lambda;
    for (int64_t i = 0; i < n; i += DRAW_CHUNK) {
        int64_t count = DRAW_CHUNK < n - i ? DRAW_CHUNK : n - i;
        draw_uniform(g, u, count);
        for (int64_t j = 0; j < count; j++) y[i + j] = static_cast<T>(scale * __builtin_log1p(-u[j]));
    }
    return Status{};
}

}  // namespace

Status random_normal(Mt19937& g, const InOut& y, double mean, double std) noexcept {
    if (y.dtype == DType::f32) return normal(g, static_cast<float*>(y.data), y.size, mean, std);
    if (y.dtype == DType::f64) return normal(g, static_cast<double*>(y.data), y.size, mean, std);
    return Status{3, 0, 0, 0};
}

Status random_exponential(Mt19937& g, const InOut& y, double lambda) noexcept {
    if (y.dtype == DType::f32) return exponential(g, static_cast<float*>(y.data), y.size, lambda);
    if (y.dtype == DType::f64) return exponential(g, static_cast<double*>(y.data), y.size, lambda);
    return Status{3, 0, 0, 0};
}

}  // namespace nabi::NABI_SET
