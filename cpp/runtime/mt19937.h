// SPDX-License-Identifier: Apache-2.0
// PyTorch's CPU random stream: mt19937 seeded with the low 32 bits of the seed (Matsumoto and Nishimura 1998). The kernels of
// kernels/random/ draw many words at once from the same state; here are the single draws and PyTorch's state bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nabi {

constexpr int32_t MT_WORDS = 624;
constexpr int32_t MT_SHIFT = 397;
constexpr size_t MT_STATE_BYTES = 5056;

// `left` and `next` are counted as PyTorch counts them, because its state bytes carry both: words[next] is the next word, and
// left - 1 words remain before a refill. A fresh seed is left 1, next 0.
struct Mt19937 {
    uint32_t words[MT_WORDS];
    int32_t left;
    int32_t next;
    uint64_t seed;
    double next_normal;
    float next_normal_float;
    bool has_next_normal;
    bool has_next_normal_float;
};

void mt_seed(Mt19937& generator, uint64_t seed) noexcept;
uint32_t mt_word(Mt19937& generator) noexcept;
// Two words, the first one high.
uint64_t mt_word64(Mt19937& generator) noexcept;

// The bytes of torch.get_rng_state(), and back. mt_set_state leaves the generator alone and gives false where the bytes are no
// state that draws within `words`.
void mt_get_state(const Mt19937& generator, unsigned char* bytes) noexcept;
bool mt_set_state(Mt19937& generator, const unsigned char* bytes) noexcept;

}  // namespace nabi
