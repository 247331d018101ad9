// SPDX-License-Identifier: Apache-2.0
// Random fills of flat memory, y[n], bit for bit PyTorch's draws. One thread: the stream has an order.
//   uniform      y = from + u (to - from), one FMA
//   integers     y = low + word mod (high - low); two words an element from a range of 2^28
//   full         y = word mod (1 + the largest value of the type; 2^24 for float32, 2^53 for float64)
//   bernoulli    y = u < p
//   permutation  Fisher-Yates over 0 ... n-1
#include "kernels/random/words.h"
#include "runtime/array.h"

namespace nabi::NABI_SET {

namespace {

constexpr int64_t INT64_LOWEST = -0x7fffffffffffffff - 1;

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

inline uint64_t bits64(const uint32_t* pair) { return static_cast<uint64_t>(pair[0]) << 32 | pair[1]; }

// ---- uniform ----

inline float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }

template <class T>
Status uniform(Mt19937& g, T* y, int64_t n, T from, T to) {
    const T width = to - from;
    for (int64_t i = 0; i < n; i += DRAW_CHUNK) {
        int64_t count = smaller(DRAW_CHUNK, n - i);
        T* part = y + i;
        draw_uniform(g, part, count);
        for (int64_t j = 0; j < count; j++) part[j] = fused(part[j], width, from);
    }
    return Status{};
}

// ---- integers ----

// x mod d for a fixed d below 2^32 without a division (Lemire, Kaser and Kurz 2019).
struct Modulus {
    uint64_t d, inverse;
    explicit Modulus(uint64_t divisor) : d(divisor), inverse(~0ull / divisor + 1) {}
    uint64_t operator()(uint32_t x) const {
        return static_cast<uint64_t>(static_cast<unsigned __int128>(inverse * x) * d >> 64);
    }
};

// Like PyTorch, the sum wraps in 64 bits and is then converted. range 0 stands for 2^64.
template <class T>
Status integers(Mt19937& g, T* y, int64_t n, uint64_t low, uint64_t range) {
    if (range == 0 && sizeof(T) < 4) return Status{3, 0, 0, 0};
    const bool wide = sizeof(T) >= 4 && (range == 0 || range >> 28);
    uint32_t words[2 * DRAW_CHUNK];
    for (int64_t i = 0; i < n; i += DRAW_CHUNK) {
        int64_t count = smaller(DRAW_CHUNK, n - i);
        draw_words(g, words, wide ? 2 * count : count);
        if (wide) {
            for (int64_t j = 0; j < count; j++) {
                uint64_t bits = bits64(words + 2 * j);
                y[i + j] = static_cast<T>(static_cast<int64_t>(range ? bits % range + low : bits));
            }
        } else {
            const Modulus modulus(range);
            for (int64_t j = 0; j < count; j++) {
                y[i + j] = static_cast<T>(static_cast<int64_t>(modulus(words[j]) + low));
            }
        }
    }
    return Status{};
}

template <class T>
Status full(Mt19937& g, T* y, int64_t n, uint64_t range) {
    uint32_t words[2 * DRAW_CHUNK];
    for (int64_t i = 0; i < n; i += DRAW_CHUNK) {
        int64_t count = smaller(DRAW_CHUNK, n - i);
        if (sizeof(T) == 8) {
            draw_words(g, words, 2 * count);
            for (int64_t j = 0; j < count; j++) y[i + j] = static_cast<T>(bits64(words + 2 * j) % range);
        } else {
            draw_words(g, words, count);
            for (int64_t j = 0; j < count; j++) y[i + j] = static_cast<T>(words[j] % static_cast<uint32_t>(range));
        }
    }
    return Status{};
}

// ---- bernoulli ----

template <class T>
Status bernoulli(Mt19937& g, T* y, int64_t n, double p) {
    uint8_t keep[DRAW_CHUNK];
    for (int64_t i = 0; i < n; i += DRAW_CHUNK) {
        int64_t count = smaller(DRAW_CHUNK, n - i);
        draw_keep(g, p, keep, count);
        T* part = y + i;
        for (int64_t j = 0; j < count; j++) part[j] = static_cast<T>(keep[j]);
    }
    return Status{};
}

// A probability of type P is compared with a uniform draw of the same type.
template <class P, class T>
Status bernoulli_each(Mt19937& g, const P* p, T* y, int64_t n) {
    P u[DRAW_CHUNK];
    for (int64_t i = 0; i < n; i += DRAW_CHUNK) {
        int64_t count = smaller(DRAW_CHUNK, n - i);
        draw_uniform(g, u, count);
        for (int64_t j = 0; j < count; j++) y[i + j] = static_cast<T>(u[j] < p[i + j]);
    }
    return Status{};
}

template <class T>
Status bernoulli_each(Mt19937& g, const In& p, T* y, int64_t n) {
    if (p.dtype == DType::f32) return bernoulli_each(g, static_cast<const float*>(p.data), y, n);
    if (p.dtype == DType::f64) return bernoulli_each(g, static_cast<const double*>(p.data), y, n);
    return Status{3, 0, 0, 0};
}

}  // namespace

// ---- kernels ----

Status random_uniform(Mt19937& g, const InOut& y, double from, double to) noexcept {
    if (y.dtype == DType::f32) {
        return uniform(g, static_cast<float*>(y.data), y.size, static_cast<float>(from), static_cast<float>(to));
    }
    if (y.dtype == DType::f64) return uniform(g, static_cast<double*>(y.data), y.size, from, to);
    return Status{3, 0, 0, 0};
}

// high is exclusive and may have wrapped around to the lowest int64; the caller has checked that the values fit the type.
Status random_integers(Mt19937& g, const InOut& y, int64_t low, int64_t high) noexcept {
    const uint64_t base = static_cast<uint64_t>(low), range = static_cast<uint64_t>(high) - base;
    if (range == 0 && low != INT64_LOWEST) return Status{1, 0, high, low};
    switch (y.dtype) {
        case DType::f32:
            return integers(g, static_cast<float*>(y.data), y.size, base, range);
        case DType::f64:
            return integers(g, static_cast<double*>(y.data), y.size, base, range);
        case DType::i64:
            return integers(g, static_cast<int64_t*>(y.data), y.size, base, range);
        case DType::i32:
            return integers(g, static_cast<int32_t*>(y.data), y.size, base, range);
        case DType::i16:
            return integers(g, static_cast<int16_t*>(y.data), y.size, base, range);
        case DType::i8:
            return integers(g, static_cast<int8_t*>(y.data), y.size, base, range);
        case DType::u8:
            return integers(g, static_cast<uint8_t*>(y.data), y.size, base, range);
        case DType::b8:
            return integers(g, static_cast<uint8_t*>(y.data), y.size, base, range);
    }
    return Status{3, 0, 0, 0};
}

Status random_full(Mt19937& g, const InOut& y) noexcept {
    switch (y.dtype) {
        case DType::f32:
            return full(g, static_cast<float*>(y.data), y.size, (1ull << 24) + 1);
        case DType::f64:
            return full(g, static_cast<double*>(y.data), y.size, (1ull << 53) + 1);
        case DType::i64:
            return full(g, static_cast<int64_t*>(y.data), y.size, 1ull << 63);
        case DType::i32:
            return full(g, static_cast<int32_t*>(y.data), y.size, 1ull << 31);
        case DType::i16:
            return full(g, static_cast<int16_t*>(y.data), y.size, 1ull << 15);
        case DType::i8:
            return full(g, static_cast<int8_t*>(y.data), y.size, 1ull << 7);
        case DType::u8:
            return full(g, static_cast<uint8_t*>(y.data), y.size, 1ull << 8);
        case DType::b8:
            return full(g, static_cast<uint8_t*>(y.data), y.size, 2);
    }
    return Status{3, 0, 0, 0};
}

Status random_bernoulli(Mt19937& g, const InOut& y, double p) noexcept {
    switch (y.dtype) {
        case DType::f32:
            return bernoulli(g, static_cast<float*>(y.data), y.size, p);
        case DType::f64:
            return bernoulli(g, static_cast<double*>(y.data), y.size, p);
        case DType::i64:
            return bernoulli(g, static_cast<int64_t*>(y.data), y.size, p);
        case DType::i32:
            return bernoulli(g, static_cast<int32_t*>(y.data), y.size, p);
        case DType::i16:
            return bernoulli(g, static_cast<int16_t*>(y.data), y.size, p);
        case DType::i8:
            return bernoulli(g, static_cast<int8_t*>(y.data), y.size, p);
        case DType::u8:
            return bernoulli(g, static_cast<uint8_t*>(y.data), y.size, p);
        case DType::b8:
            return bernoulli(g, static_cast<uint8_t*>(y.data), y.size, p);
    }
    return Status{3, 0, 0, 0};
}

Status random_bernoulli_tensor(Mt19937& g, const In& p, const InOut& y) noexcept {
    switch (y.dtype) {
        case DType::f32:
            return bernoulli_each(g, p, static_cast<float*>(y.data), y.size);
        case DType::f64:
            return bernoulli_each(g, p, static_cast<double*>(y.data), y.size);
        case DType::i64:
            return bernoulli_each(g, p, static_cast<int64_t*>(y.data), y.size);
        case DType::i32:
            return bernoulli_each(g, p, static_cast<int32_t*>(y.data), y.size);
        case DType::i16:
            return bernoulli_each(g, p, static_cast<int16_t*>(y.data), y.size);
        case DType::i8:
            return bernoulli_each(g, p, static_cast<int8_t*>(y.data), y.size);
        case DType::u8:
            return bernoulli_each(g, p, static_cast<uint8_t*>(y.data), y.size);
        case DType::b8:
            return bernoulli_each(g, p, static_cast<uint8_t*>(y.data), y.size);
    }
    return Status{3, 0, 0, 0};
}

// From 2^32 / 20 elements one word is too short for an even choice, and PyTorch changes to the inside-out shuffle.
Status random_permutation(Mt19937& g, const InOut& y) noexcept {
    if (y.dtype != DType::i64) return Status{3, 0, 0, 0};
    int64_t* a = static_cast<int64_t*>(y.data);
    const int64_t n = y.size;
    uint32_t words[2 * DRAW_CHUNK];
    if (n >= 0xffffffffll / 20) {
        for (int64_t i = 0; i < n; i += DRAW_CHUNK) {
            int64_t count = smaller(DRAW_CHUNK, n - i);
            draw_words(g, words, 2 * count);
            for (int64_t j = 0; j < count; j++) {
                int64_t k = i + j, other = static_cast<int64_t>(bits64(words + 2 * j) % static_cast<uint64_t>(k + 1));
                a[k] = k;
                a[k] = a[other];
                a[other] = k;
            }
        }
        return Status{};
    }
    for (int64_t i = 0; i < n; i++) a[i] = i;
    for (int64_t i = 0; i < n - 1; i += DRAW_CHUNK) {
        int64_t count = smaller(DRAW_CHUNK, n - 1 - i);
        draw_words(g, words, count);
        for (int64_t j = 0; j < count; j++) {
            int64_t k = i + j, other = k + words[j] % static_cast<uint32_t>(n - k), saved = a[k];
            a[k] = a[other];
            a[other] = saved;
        }
    }
    return Status{};
}

}  // namespace nabi::NABI_SET
