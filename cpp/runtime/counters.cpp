// SPDX-License-Identifier: Apache-2.0
#include "runtime/counters.h"

#include <atomic>

namespace nabi {
namespace {
std::atomic<int64_t> full_tiles{0}, edge_tiles{0}, runs{0}, chunked{0};
}

void count_gemm(const GemmCounts& more) noexcept {
    full_tiles.fetch_add(more.full_tiles, std::memory_order_relaxed);
    edge_tiles.fetch_add(more.edge_tiles, std::memory_order_relaxed);
    runs.fetch_add(more.runs, std::memory_order_relaxed);
    chunked.fetch_add(more.chunked, std::memory_order_relaxed);
}

GemmCounts gemm_counts() noexcept { return {full_tiles.load(), edge_tiles.load(), runs.load(), chunked.load()}; }

}  // namespace nabi
