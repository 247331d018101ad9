// SPDX-License-Identifier: Apache-2.0
// What the random kernels and dropout share: many draws at once from a generator's stream, in order.
#pragma once

#include <stdint.h>

#include "runtime/mt19937.h"

namespace nabi::NABI_SET {

// Elements drawn at a time: two words each are 4 KB, well inside L1.
constexpr int64_t DRAW_CHUNK = 512;

// The next n words.
void draw_words(Mt19937& generator, uint32_t* words, int64_t n) noexcept;

// float32: 24 bits of one word, in [0, 1). float64: 53 bits of two words.
void draw_uniform(Mt19937& generator, float* u, int64_t n) noexcept;
void draw_uniform(Mt19937& generator, double* u, int64_t n) noexcept;

// keep[i] = u53 < p, two words an element, n <= DRAW_CHUNK. Compared as integers: u53 = k 2^-53 < p is k < ceil(p 2^53).
void draw_keep(Mt19937& generator, double p, uint8_t* keep, int64_t n) noexcept;

}  // namespace nabi::NABI_SET
