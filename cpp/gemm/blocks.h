// SPDX-License-Identifier: Apache-2.0
// The numbers of matrix multiplication that belong to a machine.
//   MR x NV vectors   the tile of C held in registers
//   KC                rows of a packed panel of B: KC x NR floats stay in L1 or L2 while A's rows stream past
//   NC                columns of B packed at a time: KC x NC stays in L2 or L3
// They depend on the set and on NABI_BLOCKS=small (tests) only, never on threads or cache sizes: they decide the bits.
#pragma once
#include "runtime/environment.h"
#include "simd/simd.h"

namespace nabi::NABI_SET {

#if defined(NABI_ISA_AVX512)
constexpr int MR = 8, NV = 3;  // 24 accumulators, 3 of B, 1 of A: 28 of 32 registers
#elif defined(NABI_ISA_AVX2)
constexpr int MR = 4, NV = 3;  // 12 + 3 + 1: all 16 registers
#elif defined(NABI_ISA_NEON)
constexpr int MR = 8, NV = 3;
#else
constexpr int MR = 2, NV = 4;
#endif

struct Blocks {
    int64_t kc, nc;
};

template <class T>
inline Blocks blocks() noexcept {
    constexpr int64_t NR = NV * Vec<T>::width;
    if (environment().small_blocks) return {5, 2 * NR};
    return {384, 4096 / NR * NR};
}

}  // namespace nabi::NABI_SET
