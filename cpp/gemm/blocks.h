// SPDX-License-Identifier: Apache-2.0
// The numbers of matrix multiplication that belong to a machine, one line a set.
//   MR x NV vectors   the tile of C held in registers
//   KC                the longest run of K summed in registers: a panel of B, KC x NR, stays in L1 (AVX-512: in L2)
//   MC                rows of A packed at a time: MC x KC stays in L2
//   NC                columns of B packed at a time: KC x NC stays in L2 or L3
// Only KC decides bits: an element of C is one chain of fmas over each run of K, and the runs are added in order. It
// depends on the set and on NABI_BLOCKS=small (tests), never on threads or caches.
#pragma once
#include "runtime/environment.h"
#include "simd/simd.h"

namespace nabi::NABI_SET {

#if defined(NABI_ISA_AVX512)
constexpr int MR = 8, NV = 3;  // 24 accumulators, 3 of B, 1 of A: 28 of 32 registers
constexpr int64_t KC = 384, MC = 128, NC = 960;
#elif defined(NABI_ISA_AVX2)
constexpr int MR = 6, NV = 2;  // 12 accumulators, 2 of B, 2 of A: all 16 registers
constexpr int64_t KC = 384, MC = 96, NC = 4096;
#elif defined(NABI_ISA_NEON)
constexpr int MR = 8, NV = 3;  // 24 accumulators, 3 of B, 2 of A: 29 of 32 registers
constexpr int64_t KC = 256, MC = 128, NC = 1536;
#else
constexpr int MR = 2, NV = 4;
constexpr int64_t KC = 256, MC = 64, NC = 512;
#endif

// K is cut between threads only where few tiles exist; then into runs of at least this length.
constexpr int64_t FEW_TILES = 64, MIN_CHUNK = 2048, MAX_CHUNKS = 64;

struct Blocks {
    int64_t kc, mc, nc, min_chunk;
};

template <class T>
inline Blocks blocks() noexcept {
    constexpr int64_t NR = NV * Vec<T>::width;
    if (environment().small_blocks) return {5, 2 * MR, 2 * NR, 11};
    return {KC, MC, NC / NR * NR, MIN_CHUNK};
}

}  // namespace nabi::NABI_SET
