// SPDX-License-Identifier: Apache-2.0
// Dropout over flat memory, x[n], with PyTorch's draws and arithmetic:
//   forward    y = x k, k = 1/(1-p) where the draw keeps an element (u53 < 1-p), else 0; so a dropped nan stays nan
//   backward   dx = grad k
// Saved for backward: mask[ceil(n/8)], bit i % 8 of byte i / 8 set where element i was kept. No draw at p = 0 and p = 1.
#include "kernels/random/words.h"
#include "runtime/array.h"

namespace nabi::NABI_SET {

namespace {

// A pragma and not __restrict: y may be x itself (inplace=True).
template <class T>
void scale_kept(const T* x, const uint8_t* keep, T scale, T* y, int64_t n) {
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#else
#pragma GCC ivdep
#endif
    for (int64_t i = 0; i < n; i++) y[i] = x[i] * (keep[i] ? scale : T(0));
}

// Eight 0/1 bytes in one 64-bit word: the product collects byte i's bit at position 56 + i.
void pack_bits(const uint8_t* keep, uint8_t* mask, int64_t n) {
    for (int64_t i = 0; i < n / 8; i++) {
        uint64_t eight;
        __builtin_memcpy(&eight, keep + 8 * i, 8);
        mask[i] = static_cast<uint8_t>(eight * 0x0102040810204080ull >> 56);
    }
    if (n % 8 == 0) return;
    uint32_t last = 0;
    for (int64_t i = n / 8 * 8; i < n; i++) last |= static_cast<uint32_t>(keep[i]) << (i % 8);
    mask[n / 8] = static_cast<uint8_t>(last);
}

// Byte i of the word is left with bit i of the mask alone; adding 0x7f carries it to the top of its byte.
void unpack_bits(const uint8_t* mask, uint8_t* keep, int64_t n) {
    for (int64_t i = 0; i < (n + 7) / 8; i++) {
        uint64_t eight = mask[i] * 0x0101010101010101ull & 0x8040201008040201ull;
        eight = (eight + 0x7f7f7f7f7f7f7f7full) >> 7 & 0x0101010101010101ull;
        __builtin_memcpy(keep + 8 * i, &eight, 8);
    }
}

template <class T>
T kept_scale(double p) {
    return p < 1.0 ? T(1) / static_cast<T>(1.0 - p) : T(0);
}

template <class T>
Status forward(Mt19937& g, const T* x, int64_t n, double p, T* y, uint8_t* mask) {
    uint8_t keep[DRAW_CHUNK];
    for (int64_t i = 0; i < DRAW_CHUNK; i++) keep[i] = p == 0.0;
    for (int64_t i = 0; i < n; i += DRAW_CHUNK) {
        int64_t count = DRAW_CHUNK < n - i ? DRAW_CHUNK : n - i;
        if (p > 0.0 && p < 1.0) draw_keep(g, 1.0 - p, keep, count);
        pack_bits(keep, mask + i / 8, count);
        scale_kept(x + i, keep, kept_scale<T>(p), y + i, count);
    }
    return Status{};
}

template <class T>
Status backward(const T* grad, const uint8_t* mask, int64_t n, double p, T* dx) {
    uint8_t keep[DRAW_CHUNK];
    for (int64_t i = 0; i < n; i += DRAW_CHUNK) {
        int64_t count = DRAW_CHUNK < n - i ? DRAW_CHUNK : n - i;
        unpack_bits(mask + i / 8, keep, count);
        scale_kept(grad + i, keep, kept_scale<T>(p), dx + i, count);
    }
    return Status{};
}

}  // namespace

Status dropout(Mt19937& g, const In& x, double p, const Out& y, const Out& mask) noexcept {
    uint8_t* bits = static_cast<uint8_t*>(mask.data);
    if (x.dtype == DType::f32) {
        return forward(g, static_cast<const float*>(x.data), x.size, p, static_cast<float*>(y.data), bits);
    }
    if (x.dtype == DType::f64) {
        return forward(g, static_cast<const double*>(x.data), x.size, p, static_cast<double*>(y.data), bits);
    }
    return Status{3, 0, 0, 0};
}

Status dropout_backward(const In& grad, const In& mask, double p, const Out& dx) noexcept {
    const uint8_t* bits = static_cast<const uint8_t*>(mask.data);
    if (grad.dtype == DType::f32) {
        return backward(static_cast<const float*>(grad.data), bits, grad.size, p, static_cast<float*>(dx.data));
    }
    if (grad.dtype == DType::f64) {
        return backward(static_cast<const double*>(grad.data), bits, grad.size, p, static_cast<double*>(dx.data));
    }
    return Status{3, 0, 0, 0};
}

}  // namespace nabi::NABI_SET
