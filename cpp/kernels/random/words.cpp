// SPDX-License-Identifier: Apache-2.0
// mt19937 a whole state of 624 words at a time, and the uniform draws made of its words.
#include "kernels/random/words.h"

namespace nabi::NABI_SET {

namespace {

constexpr double POWER_53 = 9007199254740992.0;

inline uint32_t twist(uint32_t high, uint32_t low) {
    return (((high & 0x80000000u) | (low & 0x7fffffffu)) >> 1) ^ (0x9908b0dfu & (0u - (low & 1u)));
}

// Each loop reads words at least 227 places away from those it has written, or not written yet: all lanes are independent.
void refill(uint32_t* words) {
    constexpr int32_t WRAP = MT_WORDS - MT_SHIFT;
    for (int32_t k = 0; k < WRAP; k++) words[k] = words[k + MT_SHIFT] ^ twist(words[k], words[k + 1]);
    for (int32_t k = WRAP; k < MT_WORDS - 1; k++) words[k] = words[k - WRAP] ^ twist(words[k], words[k + 1]);
    words[MT_WORDS - 1] = words[MT_SHIFT - 1] ^ twist(words[MT_WORDS - 1], words[0]);
}

void temper(const uint32_t* __restrict words, uint32_t* __restrict out, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        uint32_t y = words[i];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680u;
        y ^= (y << 15) & 0xefc60000u;
        out[i] = y ^ (y >> 18);
    }
}

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// The 53 low bits of (first << 32 | second).
inline int64_t bits53(const uint32_t* pair) {
    return static_cast<int64_t>(static_cast<uint64_t>(pair[0] & 0x1fffffu) << 32 | pair[1]);
}

}  // namespace

void draw_words(Mt19937& g, uint32_t* words, int64_t n) noexcept {
    while (n > 0) {
        if (g.left <= 1 || g.next >= MT_WORDS) {
            refill(g.words);
            g.left = MT_WORDS + 1;
            g.next = 0;
        }
        int64_t count = smaller(n, smaller(g.left - 1, MT_WORDS - g.next));
        temper(g.words + g.next, words, count);
        g.left -= static_cast<int32_t>(count);
        g.next += static_cast<int32_t>(count);
        words += count;
        n -= count;
    }
}

void draw_uniform(Mt19937& g, float* u, int64_t n) noexcept {
    uint32_t words[DRAW_CHUNK];
    for (int64_t i = 0; i < n; i += DRAW_CHUNK) {
        int64_t count = smaller(DRAW_CHUNK, n - i);
        draw_words(g, words, count);
        for (int64_t j = 0; j < count; j++) {
            u[i + j] = static_cast<float>(static_cast<int32_t>(words[j] & 0xffffffu)) * (1.0f / 16777216.0f);
        }
    }
}

void draw_uniform(Mt19937& g, double* u, int64_t n) noexcept {
    uint32_t words[2 * DRAW_CHUNK];
    for (int64_t i = 0; i < n; i += DRAW_CHUNK) {
        int64_t count = smaller(DRAW_CHUNK, n - i);
        draw_words(g, words, 2 * count);
        for (int64_t j = 0; j < count; j++) u[i + j] = static_cast<double>(bits53(words + 2 * j)) * (1.0 / POWER_53);
    }
}

// The halves are compared apart, in 32 bits: compilers vectorise that twice as fast as one 64-bit comparison.
void draw_keep(Mt19937& g, double p, uint8_t* keep, int64_t n) noexcept {
    uint32_t words[2 * DRAW_CHUNK];
    draw_words(g, words, 2 * n);
    const double scaled = p * POWER_53;
    int64_t limit = static_cast<int64_t>(scaled);
    limit += static_cast<double>(limit) < scaled;
    const uint32_t limit_high = static_cast<uint32_t>(limit >> 32), limit_low = static_cast<uint32_t>(limit);
    for (int64_t i = 0; i < n; i++) {
        uint32_t high = words[2 * i] & 0x1fffffu, low = words[2 * i + 1];
        keep[i] = static_cast<uint8_t>((high < limit_high) | ((high == limit_high) & (low < limit_low)));
    }
}

}  // namespace nabi::NABI_SET
