// SPDX-License-Identifier: Apache-2.0
// What matrix products did, counted where NABI_BLOCKS=small: tests prove by it that they reached every edge.
#pragma once
#include <stdint.h>

namespace nabi {

struct GemmCounts {
    int64_t full_tiles;
    int64_t edge_tiles;  // fewer rows or columns than the tile has
    int64_t runs;        // runs of K over a block of columns, for each thread
    int64_t chunked;     // products whose K was cut into chunks of their own
};

void count_gemm(const GemmCounts& more) noexcept;
GemmCounts gemm_counts() noexcept;

}  // namespace nabi
