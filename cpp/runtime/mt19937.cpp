// SPDX-License-Identifier: Apache-2.0
#include "runtime/mt19937.h"

#include <cstring>

namespace nabi {

namespace {

// The layout of PyTorch's state: this struct's bytes, padding included (zero).
struct StateBytes {
    uint64_t seed;
    int32_t left;
    int32_t seeded;
    uint64_t next;
    uint64_t words[MT_WORDS];
    double unused_x;
    double next_normal;
    double unused_rho;
    int32_t has_next_normal;
    int32_t padding;
    float next_normal_float;
    uint8_t has_next_normal_float;
    uint8_t padding_end[3];
};
static_assert(sizeof(StateBytes) == MT_STATE_BYTES, "PyTorch's state has 5056 bytes");

uint32_t twist(uint32_t high, uint32_t low) noexcept {
    return (((high & 0x80000000u) | (low & 0x7fffffffu)) >> 1) ^ (0x9908b0dfu & (0u - (low & 1u)));
}

void refill(Mt19937& g) noexcept {
    for (int32_t k = 0; k < MT_WORDS; k++) {
        g.words[k] = g.words[(k + MT_SHIFT) % MT_WORDS] ^ twist(g.words[k], g.words[(k + 1) % MT_WORDS]);
    }
    g.left = MT_WORDS + 1;
    g.next = 0;
}

}  // namespace

void mt_seed(Mt19937& g, uint64_t seed) noexcept {
    std::memset(&g, 0, sizeof g);
    g.seed = seed;
    g.words[0] = static_cast<uint32_t>(seed);
    for (uint32_t k = 1; k < MT_WORDS; k++) g.words[k] = 1812433253u * (g.words[k - 1] ^ (g.words[k - 1] >> 30)) + k;
    g.left = 1;
    g.next = 0;
}

uint32_t mt_word(Mt19937& g) noexcept {
    // A child forked while another thread drew may see left and next apart: the second condition keeps it inside words.
    if (g.left <= 1 || g.next >= MT_WORDS) refill(g);
    g.left--;
    uint32_t y = g.words[g.next++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

uint64_t mt_word64(Mt19937& g) noexcept {
    uint64_t high = mt_word(g);
    return (high << 32) | mt_word(g);
}

void mt_get_state(const Mt19937& g, unsigned char* bytes) noexcept {
    StateBytes state;
    std::memset(&state, 0, sizeof state);
    state.seed = g.seed;
    state.left = g.left;
    state.seeded = 1;
    state.next = static_cast<uint64_t>(g.next);
    for (int32_t k = 0; k < MT_WORDS; k++) state.words[k] = g.words[k];
    if (g.has_next_normal) state.next_normal = g.next_normal;
    state.has_next_normal = g.has_next_normal;
    if (g.has_next_normal_float) state.next_normal_float = g.next_normal_float;
    state.has_next_normal_float = g.has_next_normal_float;
    std::memcpy(bytes, &state, sizeof state);
}

bool mt_set_state(Mt19937& g, const unsigned char* bytes) noexcept {
    StateBytes state;
    std::memcpy(&state, bytes, sizeof state);
    bool valid = state.seeded != 0 && state.left >= 1 && state.left <= MT_WORDS && state.next <= MT_WORDS &&
                 state.next + static_cast<uint64_t>(state.left) <= MT_WORDS + 1;
    if (!valid) return false;
    g.seed = state.seed;
    g.left = state.left;
    g.next = static_cast<int32_t>(state.next);
    for (int32_t k = 0; k < MT_WORDS; k++) g.words[k] = static_cast<uint32_t>(state.words[k]);
    g.has_next_normal = state.has_next_normal != 0;
    g.next_normal = g.has_next_normal ? state.next_normal : 0.0;
    g.has_next_normal_float = state.has_next_normal_float != 0;
    g.next_normal_float = g.has_next_normal_float ? state.next_normal_float : 0.0f;
    return true;
}

}  // namespace nabi
